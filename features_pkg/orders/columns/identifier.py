"""The identifiers of a column: canonical texts."""

from __future__ import annotations

import pyarrow as pa

from features_pkg.identifiers import Identifier
from features_pkg.orders.columns.distinct import read_distinct
from features_pkg.orders.columns.text import text_array
from features_pkg.orders.fields.identifier import read_card, read_identifier
from features_pkg.orders.fields.refusals import Refusals


def identifier_texts(
    column: pa.Array, identifier: str, refusals: Refusals, card_key: bytes | None = None
) -> pa.Array:
    """The canonical text of each row, or null; cards are as `read_card` gives them.

    Raises OrdersRefused for a column that has no text, and what `read_card` raises of one.
    """

    def read(text: str) -> str | None:
        if identifier == Identifier.CARD:
            return read_card(text, card_key)
        return read_identifier(identifier, text)

    canonical = read_distinct(text_array(column, identifier), read, refusals)
    return pa.array(canonical, pa.string())
