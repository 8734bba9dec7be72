"""Random orders, as the texts that a merchant would send: many of them odd."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from features_pkg.identifiers import SINGLE_VALUED

PIECES = [
    " ", "0", "1", "55", "0055", "11", "98765", "4321", "+", "-", "\u2013", "\u2212", ".", ".0",
    "/", "(", ")", "@", "a", "B", "İ", "ß", "gmail.com", "bücher.de", "192.0.2.1", "::ffff:",
    "529.982.247-25", "52998224725", "1234567890", "1310100", "01310-100", "00000000", "n/a",
    "null", "\u200b", "e\u0301", "\u00a0", "\n", "\r\n", "\t", '"', '""', ",", ";", "\\", "'",
    "{}", "[Kit] 3", '["a"]', "x" * 200, "x" * 513, "😀", "٣", "\x7f", "=1+1", "\ufeff",
    "4111 1111 1111 1111", "4111111111111111", "5555-5555-5555-4444",
]  # fmt: skip
TIMES = [
    "2024-03-01T12:00:00Z", "2024-03-01 09:00:00-03:00", "2024-03-01t09:00:00.1234567-03:00",
    "2024-03-01T12:00Z", "2024-03-01T12:00:00,999999999+0000", "2024-03-01 12:00:00.5 +00",
    "1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "2199-12-31T23:59:59.9999999Z",
    "2200-01-01T00:00:00+00:01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    "2024-03-01T12:00:00", "2024-03-01", "2024-02-30T12:00:00Z", "2024-03-01T24:00:00Z",
    "2024-03-01T12:00:60Z", "2024-W09-5T12:00:00Z", "20240301T120000Z", "01/03/2024", "noon", " ",
    "", " 2024-03-01T12:00:00Z ", "2024-03-01T12:00:00.Z", "2024-03-01T12:00:00+24:00",
]  # fmt: skip
AMOUNTS = [0, 1, 10, 99, 100, 1990, 123456, 16777217, 10**12 + 1, 10**15 - 1, 10**15, -1, -1990]


@dataclass(frozen=True, slots=True)
class SentOrders:
    """A few orders as their merchant would send them; a column of `numbers` has only digits."""

    rows: list[dict[str, Any]]
    numbers: frozenset[str]


def random_orders(draw: random.Random) -> SentOrders:
    """One to six orders; now and then a field of them is odd, and a column is of numbers."""
    numbers = frozenset(name for name in ("order_id", *SINGLE_VALUED) if draw.random() < 0.2)
    return SentOrders([_order(draw, numbers) for _ in range(draw.randint(1, 6))], numbers)


def _order(draw: random.Random, numbers: frozenset[str]) -> dict[str, Any]:
    row: dict[str, Any] = {"order_id": f"o-{draw.randrange(10**6)}", "amount_cents": 1990}
    if draw.random() < 0.15:
        row["order_id"] = draw.choice(
            ["", None, "x" * 128, "x" * 129, "a\tb", " ", "7.0", _text(draw)]
        )
    if draw.random() < 0.4:
        row["amount_cents"] = draw.choice([*AMOUNTS, None, draw.randrange(10**9)])
    row["placed_at"] = draw.choice(TIMES) if draw.random() < 0.4 else None
    for name in SINGLE_VALUED:
        row[name] = draw.choice([None, _text(draw)]) if draw.random() < 0.5 else f"{name} 1"
    for name in numbers:
        number = draw.choice(
            [0, 7, 1310100, 191, 52998224725, 1234567890, 11987654321, 2**53 - 1]
            + [4111111111111111] * (name == "card")
        )
        row[name] = str(draw.choice([number, draw.randrange(10 ** draw.randint(1, 15))]))
    row["items"] = None
    if draw.random() < 0.3:
        row["items"] = [_item(draw) for _ in range(draw.choice([0, 1, 2, 101]))]
    return row


def _text(draw: random.Random) -> str:
    return "".join(draw.choice(PIECES) for _ in range(draw.randint(0, 4)))


def _item(draw: random.Random) -> dict[str, Any]:
    item: dict[str, Any] = {"product": _text(draw) or "p", "quantity": 1, "amount_cents": 5}
    if draw.random() < 0.2:
        item.update(
            draw.choice(
                [{"quantity": 0}, {"quantity": 10**6 + 1}, {"amount_cents": -1}, {"product": ""},
                 {"product": "x" * 513}, {"product": None}, {"sku": "p"}]
            )
        )  # fmt: skip
    return item
