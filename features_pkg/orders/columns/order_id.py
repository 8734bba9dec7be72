"""The ids of a column of orders."""

from __future__ import annotations

import pyarrow as pa

from features_pkg.orders.columns.distinct import read_distinct
from features_pkg.orders.columns.text import text_array
from features_pkg.orders.fields.order_id import FIELD, read_order_id
from features_pkg.orders.fields.refusals import Refusals


def order_ids(column: pa.Array, refusals: Refusals) -> pa.Array:
    """The id of each row, also of those that are refused; a number is its digits.

    Raises OrdersRefused for a column that has no text.
    """
    texts = text_array(column, FIELD)
    read_distinct(texts.fill_null(""), read_order_id, refusals)
    return texts
