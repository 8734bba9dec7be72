"""In which CEPs each Brazilian area code lies, beside two sources that are not ours.

The places of an area code are those of libphonenumber (the `phonenumbers` package and its geodata,
after ANATEL's list of places, PGCN). The first digits of a state's CEPs are the postal regions of
the Correios ("Faixas de CEP": SP 01000 to 19999, RJ 20000 to 28999, AC 69900 to 69999, ...).
"""

from collections import Counter
from typing import Final

import phonenumbers
import pytest
from phonenumbers.geodata import GEOCODE_DATA

from features_pkg.definitions.phone_areas import zip_code_regions

AREA_CODES: Final[dict[str, str]] = {
    "SP": "11 12 13 14 15 16 17 18 19",
    "RJ": "21 22 24",
    "ES": "27 28",
    "MG": "31 32 33 34 35 37 38",
    "PR": "41 42 43 44 45 46",
    "SC": "47 48 49",
    "RS": "51 53 54 55",
    "DF": "61",
    "GO": "62 64",
    "TO": "63",
    "MT": "65 66",
    "MS": "67",
    "AC": "68",
    "RO": "69",
    "BA": "71 73 74 75 77",
    "SE": "79",
    "PE": "81 87",
    "AL": "82",
    "PB": "83",
    "RN": "84",
    "CE": "85 88",
    "PI": "86 89",
    "PA": "91 93 94",
    "AM": "92 97",
    "RR": "95",
    "AP": "96",
    "MA": "98 99",
}
POSTAL_REGIONS: Final[dict[str, str]] = {
    **dict.fromkeys(("SP",), "01"),
    **dict.fromkeys(("RJ", "ES"), "2"),
    **dict.fromkeys(("MG",), "3"),
    **dict.fromkeys(("BA", "SE"), "4"),
    **dict.fromkeys(("PE", "AL", "PB", "RN"), "5"),
    **dict.fromkeys(("CE", "PI", "MA", "PA", "AP", "AM", "RR", "AC"), "6"),
    **dict.fromkeys(("DF", "GO", "TO", "MT", "MS", "RO"), "7"),
    **dict.fromkeys(("PR", "SC"), "8"),
    **dict.fromkeys(("RS",), "9"),
}
STATE_OF: Final = {code: state for state, codes in AREA_CODES.items() for code in codes.split()}


def mobile(area_code: str) -> str:
    return f"+55{area_code}987654321"


@pytest.mark.parametrize(("area_code", "state"), STATE_OF.items(), ids=STATE_OF)
def test_an_area_code_lies_in_the_postal_region_of_its_state(area_code: str, state: str) -> None:
    assert zip_code_regions(mobile(area_code)) == tuple(POSTAL_REGIONS[state])


def test_exactly_the_area_codes_that_libphonenumber_takes_have_a_region() -> None:
    every = [f"{number:02}" for number in range(100)]
    taken = [c for c in every if phonenumbers.is_valid_number(phonenumbers.parse(mobile(c)))]

    assert taken == [c for c in every if zip_code_regions(mobile(c)) is not None]
    assert sorted(taken) == sorted(STATE_OF)


def test_most_places_that_libphonenumber_names_for_an_area_code_are_in_its_state() -> None:
    places: dict[str, Counter[str]] = {code: Counter() for code in STATE_OF}
    for prefix, names in GEOCODE_DATA.items():
        name = names.get("pt", "")
        if prefix.startswith("55") and " - " in name:
            places[prefix[2:4]][name[-2:]] += 1

    assert {code: found.most_common(1)[0][0] for code, found in places.items()} == STATE_OF


@pytest.mark.parametrize("phone", ["+14155552671", "+351912345678", "+551", "123", "+55 11 9"])
def test_a_number_that_is_foreign_or_no_number_has_no_region(phone: str) -> None:
    assert zip_code_regions(phone) is None
