"""An order that comes by file and one that comes by request are one order, or one refusal."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import features_pkg
from features_pkg.identifiers import SINGLE_VALUED
from features_pkg.orders.cards import without_card_number
from features_pkg.orders.normalising import normalise_value
from tests.parity.doors import CARD_KEY, by_import, by_request
from tests.parity.order_forms import forms, in_pandas, table
from tests.parity.sent_orders import PIECES, random_orders

SEEDS = st.integers(0, 2**64 - 1)


@pytest.mark.slow
@settings(max_examples=2000)
@given(seed=SEEDS)
def test_every_form_of_an_order_is_one_order_or_one_refusal(seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311
    sent = random_orders(draw)
    expected = by_request(sent)

    with TemporaryDirectory() as folder:
        for form, source, mapping in forms(sent, draw, Path(folder)):
            assert by_import(source, mapping) == expected, f"{form} {mapping} {sent}"


@settings(max_examples=300)
@given(seed=SEEDS)
def test_a_notebook_reads_identifiers_as_a_request_does(seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311
    sent = random_orders(draw)
    arrow, types = table(sent, draw)

    for orders in (arrow, in_pandas(arrow, draw), pl.from_arrow(arrow)):
        found = features_pkg.normalise(orders, card_key=CARD_KEY)
        for name in SINGLE_VALUED:
            expected = [_canonical(name, row[name]) for row in sent.rows]
            assert found[name].to_pylist() == expected, f"{name} {types}"


def _canonical(name: str, text: str | None) -> str | None:
    value = None if text is None else normalise_value(name, text)
    return without_card_number(value, CARD_KEY) if name == "card" and value else value


TEXTS = st.lists(st.sampled_from(PIECES), max_size=3).map("".join)
PRODUCT_FORMS: dict[str, Callable[[list[list[str]]], Any]] = {
    "list": lambda rows: pa.array(rows, pa.list_(pa.string())),
    "large list": lambda rows: pa.array(rows, pa.large_list(pa.large_string())),
    "list of views": lambda rows: pa.array(rows, pa.list_(pa.string_view())),
    "list view": lambda rows: pa.array(rows, pa.list_view(pa.string())),
    "dictionary": lambda rows: pl.Series(rows, dtype=pl.List(pl.Categorical)).to_arrow(),
    "JSON": lambda rows: pa.array([json.dumps(row) for row in rows], pa.string()),
    "JSON, categorical": lambda rows: pa.array(map(json.dumps, rows)).dictionary_encode(),
}


@pytest.mark.parametrize("form", PRODUCT_FORMS)
@settings(max_examples=100)
@given(rows=st.lists(st.lists(TEXTS, max_size=3), min_size=1, max_size=4))
def test_products_are_one_list_in_every_form(form: str, rows: list[list[str]]) -> None:
    columns = {"order_id": [f"o{number}" for number in range(len(rows))]}
    columns["amount_cents"] = [1] * len(rows)
    columns["event_at"] = [pd.Timestamp("2024-03-01T12:00Z")] * len(rows)
    plain = pa.table({**columns, "product": PRODUCT_FORMS["list"](rows)})
    other = pa.table({**columns, "product": PRODUCT_FORMS[form](rows)})

    assert by_import(other) == by_import(plain)
    normalised = features_pkg.normalise(other)["product"].to_pylist()
    assert normalised == features_pkg.normalise(plain)["product"].to_pylist()
    assert normalised == [_distinct(row) for row in rows]


def _distinct(texts: list[str]) -> list[str]:
    values = [normalise_value("product", text) for text in texts]
    return [*dict.fromkeys(value for value in values if value is not None)]
