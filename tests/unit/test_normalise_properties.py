"""What holds for every text that anybody may send as an identifier."""

import phonenumbers
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from features_pkg.identifiers import IDENTIFIERS
from features_pkg.orders.normalising import normalise_value

PIECES = st.sampled_from(
    [" ", "0", "1", "55", "11", "98765", "4321", "+", "-", ".", "/", "(", ")", "@", "a", "B", "İ",
     "ß", "gmail.com", "bücher.de", "xn--bcher-kva.de", "::ffff:", "192.0.2.1", "fe80::", "%eth0",
     "529.982.247-25", "00000000", "null", "\u200b", "\x00", "e\u0301", "\u212b", "x", ";ext=", "٣"]
)  # fmt: skip
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=8).map("".join))


@pytest.mark.parametrize("name", IDENTIFIERS)
@settings(max_examples=400)
@given(text=TEXTS)
@example(text="00 0 11 98765 4321")
@example(text="\ud800")
def test_normalising_twice_is_normalising_once(name: str, text: str) -> None:
    once = normalise_value(name, text)

    assert once is None or normalise_value(name, once) == once


@pytest.mark.parametrize("name", IDENTIFIERS)
@settings(max_examples=200)
@given(text=TEXTS)
def test_a_canonical_text_can_be_stored_and_read_by_eye(name: str, text: str) -> None:
    once = normalise_value(name, text)

    if once is not None:
        assert once == once.strip() != ""
        assert not any(ord(character) < 32 or ord(character) == 127 for character in once)
        assert once.encode("utf-8").decode("utf-8") == once


@settings(max_examples=500)
@given(bare=st.from_regex(r"(\+55)?[1-9][1-9]9[0-9]{8}", fullmatch=True))
@example(bare="55987654321")
@example(bare="+5590900000000")
def test_the_short_way_to_a_mobile_number_gives_what_the_library_gives(bare: str) -> None:
    number = phonenumbers.parse(bare, "BR")

    assert normalise_value("phone", bare) == f"+{number.country_code}{number.national_number}"


@pytest.mark.parametrize("name", IDENTIFIERS)
@settings(max_examples=200)
@given(text=TEXTS, blanks=st.text(alphabet=" \t\n\u00a0\u200b", max_size=3))
def test_blanks_around_a_value_mean_nothing(name: str, text: str, blanks: str) -> None:
    assert normalise_value(name, f"{blanks}{text}{blanks}") == (normalise_value(name, text))
