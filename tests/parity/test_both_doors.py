"""An order that comes by file and one that comes by request are one order, or one refusal."""

from __future__ import annotations

import random
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import features_pkg
from features_pkg.identifiers import SINGLE_VALUED
from features_pkg.orders.normalising import normalise_value
from tests.parity.doors import (
    SentOrders,
    _for_parquet,
    _pandas,
    _table,
    CENTS,
    by_import,
    by_request,
    forms,
    random_orders,
)


@settings(max_examples=2000)
@given(seed=st.integers(0, 2**64 - 1))
def test_every_form_of_an_order_is_one_order_or_one_refusal(seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311
    sent = random_orders(draw)
    expected = by_request(sent)

    with TemporaryDirectory() as folder:
        for form, source, mapping in forms(sent, draw, Path(folder)):
            assert by_import(source, mapping) == expected, f"{form} {mapping} {sent}"
