"""How many values of a batch are, or look like, numbers of cards."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.identifiers import SINGLE_VALUED, Identifier
from features_pkg.orders.cards import is_card_number, is_fingerprint

CANDIDATE = r"[0-9](?:[^0-9A-Za-z]*[0-9]){12,18}"
"""A text that may hold a card's number; most columns have none, and then no Python reads them."""
PRODUCT = re.compile(r'"([^"]*)"')
"""One product of an array as PostgreSQL reads it."""


def count_card_numbers(columns: Mapping[str, pa.ChunkedArray]) -> Counter[str]:
    """By field, how many values a fingerprint replaced (`card`) or look like a card's number.

    A tenth of all CNPJs, and of the order ids of some shops, pass the same check by chance, so no
    other field than `card` is rewritten.
    """
    counts: Counter[str] = Counter()
    for name in ("order_id", *SINGLE_VALUED, Identifier.PRODUCT):
        if name in columns:
            counts[name] = _count(name, columns[name])
    return +counts


def _count(name: str, column: pa.ChunkedArray) -> int:
    if name == Identifier.CARD:
        return sum(map(is_fingerprint, column.to_pylist()))
    candidates = column.filter(pc.match_substring_regex(column, CANDIDATE)).to_pylist()
    if name == Identifier.PRODUCT:
        return sum(any(map(is_card_number, PRODUCT.findall(row))) for row in candidates)
    return sum(map(is_card_number, candidates))
