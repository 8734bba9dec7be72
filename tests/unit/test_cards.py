"""Numbers of cards are recognised, and only their keyed fingerprints go on."""

import numpy as np
import pyarrow as pa
import pytest

import features_pkg
from features_pkg.errors import OrdersRefused
from features_pkg.orders.cards import (
    CardKeyMissing,
    is_card_number,
    is_fingerprint,
    without_card_number,
)
from features_pkg.orders.fields.order import read_order
from features_pkg.orders.order import content_hash
from jobs.importing.card_counts import count_card_numbers
from jobs.importing.mapping import FileMapping
from jobs.importing.prepare import Rules, prepare_batch
from jobs.importing.source import open_source

KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))
VISA = "4111111111111111"
NUMBERS = {
    "Visa": VISA,
    "Visa, 13 digits": "4222222222222",
    "Mastercard": "5555555555554444",
    "Mastercard, 2": "2223003122003222",
    "American Express": "378282246310005",
    "Diners, 14 digits": "30569309025904",
    "Discover": "6011111111111117",
    "JCB": "3530111333300000",
    "Elo": "6362970000457013",
    "Hipercard": "6062825624254001",
    "UnionPay, 19 digits": "6205500000000000004",
    "blanks": "4111 1111 1111 1111",
    "hyphens": "4111-1111-1111-1111",
    "other dashes": "4111\u20131111\u22121111\u20101111",
    "full-width hyphens": "4111\uff0d1111\uff0d1111\uff0d1111",
    "full width": VISA.translate({digit: digit + 0xFEE0 for digit in range(48, 58)}),
}
TOKENS = {
    "wrong check digit": "4111111111111112",
    "too short": "411111111117",
    "too long": "41111111111111111116",
    "no issuer": "1234567812345670",
    "letters": "tok_4111111111111111",
    "masked": "411111******1111",
    "words that only join to one": "order 4111 of 1111111111111",
    "nothing": "",
}


@pytest.mark.parametrize("text", NUMBERS.values(), ids=NUMBERS)
def test_a_number_of_a_card_is_replaced(text: str) -> None:
    assert is_card_number(text)
    fingerprint = without_card_number(text, KEY)
    assert is_fingerprint(fingerprint)
    assert len(fingerprint) == 40
    assert without_card_number(fingerprint, KEY) == fingerprint


NUMBERS_AMONG_WORDS = {
    "expiry": "4111111111111111 12/28",
    "expiry and check code": "4111 1111 1111 1111|12|2028|123",
    "expiry without a separator": "4111-1111-1111-1111 1228",
    "check code": "4111111111111111 123",
    "brand": "Visa 4111 1111 1111 1111",
    "points": "4111.1111.1111.1111",
    "Excel": "'4111111111111111",
    "magnetic stripe": ";4111111111111111=28121010000000000?",
    "full-width hyphens": "4111\uff0d1111\uff0d1111\uff0d1111 12/28",
}


@pytest.mark.parametrize("text", NUMBERS_AMONG_WORDS.values(), ids=NUMBERS_AMONG_WORDS)
def test_a_number_among_other_words_is_replaced_with_them(text: str) -> None:
    assert without_card_number(text, KEY) == without_card_number(VISA, KEY)


@pytest.mark.parametrize("text", TOKENS.values(), ids=TOKENS)
def test_any_other_text_stays_as_it_is_even_without_a_key(text: str) -> None:
    assert not is_card_number(text)
    assert without_card_number(text, None) == text


def test_a_card_has_one_fingerprint_however_it_is_written_and_another_under_another_key() -> None:
    names = ("Visa", "blanks", "hyphens", "other dashes", "full width")
    written = [NUMBERS[name] for name in names]

    assert len({without_card_number(text, KEY) for text in written}) == 1
    assert without_card_number(VISA, KEY) != without_card_number(VISA, OTHER_KEY)
    assert without_card_number(VISA, KEY) != without_card_number(NUMBERS["Mastercard"], KEY)


def test_a_short_key_is_a_bug_and_no_key_is_a_refusal() -> None:
    with pytest.raises(ValueError, match="15 bytes"):
        without_card_number(VISA, bytes(15))
    with pytest.raises(CardKeyMissing, match="'card': has the number of a card"):
        without_card_number(VISA, None)


CARD_COLUMNS = {
    "text": pa.array(["tok_1", "4111 1111 1111 1111", None]),
    "integers": pa.array([1, int(VISA), None]),
    "doubles": pa.array([1.0, float(VISA), np.nan], from_pandas=True),
    "text of doubles": pa.array(["tok_1", f"{VISA}.0", None]),
    "categories": pa.array(["tok_1", VISA, None]).dictionary_encode(),
}


@pytest.mark.parametrize("column", CARD_COLUMNS.values(), ids=CARD_COLUMNS)
def test_a_column_of_card_numbers_is_replaced_with_the_key_and_refused_without(
    column: pa.Array,
) -> None:
    table = pa.table({"card": column})

    cards = features_pkg.normalise(table, card_key=KEY)["card"].to_pylist()

    assert cards[1:] == [without_card_number(VISA, KEY), None]
    with pytest.raises(OrdersRefused, match="column 'card': has the number of a card"):
        features_pkg.normalise(table)


def test_a_column_of_tokens_needs_no_key() -> None:
    table = pa.table({"card": ["tok_1", without_card_number(VISA, KEY)]})

    assert features_pkg.normalise(table).equals(table)


def a_batch(columns: dict[str, object], key: bytes | None) -> tuple[str, dict[str, int]]:
    """The CSV that an import would store, and its counts."""
    table = pa.table({
        "order_id": ["a"], "event_at": ["2018-06-01T12:00:00Z"], "amount_cents": [1990], **columns,
    })  # fmt: skip
    source, mapping = open_source(table), FileMapping()
    names = mapping.resolve("orders", source.name, source.columns)
    (batch,) = source.batches(list(names.values()))
    prepared = prepare_batch(batch, Rules("orders", mapping, names, 2**60, key))
    return prepared.csv.decode(), dict(prepared.card_numbers)


def test_the_same_order_has_one_content_at_both_doors() -> None:
    order = read_order("a", 1990, {"card": "4111-1111-1111-1111"}, card_key=KEY)
    csv, counts = a_batch({"card": [VISA]}, KEY)

    assert order.card == without_card_number(VISA, KEY)
    assert content_hash(order).hex() in csv
    assert VISA not in csv
    assert counts == {"card": 1}


def test_other_fields_that_look_so_are_counted_and_not_rewritten() -> None:
    same = {name: [VISA] for name in ("order_id", "user", "device", "document")}

    csv, counts = a_batch({**same, "product": [["tv", VISA]], "zip_code": ["01310100"]}, KEY)

    assert csv.count(VISA) == 5
    assert counts == {"order_id": 1, "user": 1, "document": 1, "device": 1, "product": 1}


def test_the_counts_leave_out_what_only_has_as_many_digits() -> None:
    column = pa.chunked_array([[VISA, "4111111111111112", None, "tok"]])

    assert count_card_numbers({"user": column, "email": column.slice(1)}) == {"user": 1}
