from datetime import UTC, datetime

import pytest
from jinja2 import TemplateNotFound

from features_pkg.identifiers import SINGLE_VALUED
from features_pkg.queries import QueryRefused, with_literals, with_parameters
from stores.postgres.connection import quote

CUTOFF = datetime(2018, 6, 1, 3, tzinfo=UTC)


def test_a_value_becomes_a_parameter_and_never_text() -> None:
    sql, parameters = with_parameters(
        "recorded_since", {"cutoff": CUTOFF, "watermark_key": "1; DROP TABLE orders"}
    )

    assert "DROP" not in sql
    assert set(parameters.values()) == {"1; DROP TABLE orders", CUTOFF}
    assert all(f"%({name})s" in sql for name in parameters)


def test_a_value_becomes_a_quoted_literal_where_there_are_no_parameters() -> None:
    sql = with_literals("recorded_since", {"cutoff": CUTOFF, "watermark_key": "it's <b>"}, quote)

    assert "event_at < '2018-06-01 03:00:00+00:00'::timestamptz" in sql
    assert "recorded_xid) >= 'it''s <b>'" in sql
    assert "%" not in sql


def test_a_filter_without_a_value_is_not_in_the_query() -> None:
    sql, parameters = with_parameters("extract_chargebacks", {"to_key": 7})

    assert ">=" not in sql
    assert list(parameters.values()) == [7, 7]


@pytest.mark.parametrize("name", ["extract_orders", "extract_chargebacks"])
def test_both_ways_give_the_same_query(name: str) -> None:
    values = {"from_key": 5, "to_key": 7}
    sql, parameters = with_parameters(name, values)

    assert sql % {key: quote(value) for key, value in parameters.items()} == (
        with_literals(name, values, quote)
    )


def test_a_template_that_does_not_exist_is_named() -> None:
    with pytest.raises(TemplateNotFound, match=r"nothing\.sql\.j2"):
        with_parameters("nothing", {})


@pytest.mark.parametrize("values", [{"cutt": CUTOFF}, {"cutoff": CUTOFF, "merchant": 1}])
def test_a_misspelt_filter_is_refused_rather_than_left_out(values: dict[str, object]) -> None:
    with pytest.raises(QueryRefused, match="it knows cutoff, watermark_key"):
        with_parameters("recorded_since", values)
    with pytest.raises(QueryRefused):
        with_literals("recorded_since", values, quote)


def test_what_an_included_template_takes_from_the_code_is_not_a_value() -> None:
    sql, _ = with_parameters("extract_orders", {"to_key": 7})

    assert all(f'o."{name}"' in sql for name in SINGLE_VALUED)
    with pytest.raises(QueryRefused):
        with_parameters("extract_orders", {"single_valued": ["user"]})
