from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from click.testing import CliRunner

from features_pkg.identifiers import SINGLE_VALUED
from features_pkg.orders import normalising
from ontem.generating import generate
from ontem.generating.commands import generate as command

END = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def table() -> pa.Table:
    return generate(40_000, 150, seed=7, end=END)


@pytest.fixture(scope="module")
def orders(table: pa.Table) -> pd.DataFrame:
    return table.to_pandas()


def test_the_same_seed_and_end_give_the_same_bytes(tmp_path: Path) -> None:
    arguments = ["--orders=500", "--days=30", "--seed=3", "--end=2026-05-01T09:00:00-03:00"]
    for name in ("a.parquet", "b.parquet", "a.csv", "b.csv"):
        result = CliRunner().invoke(command, [*arguments, f"--output={tmp_path / name}"])
        assert result.exit_code == 0, result.output

    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


@pytest.mark.parametrize("other", [{"seed": 8}, {"end": END + timedelta(days=1)}])
def test_another_seed_or_end_gives_other_orders(table: pa.Table, other: dict[str, Any]) -> None:
    arguments = {"orders": 40_000, "days": 150, "seed": 7, "end": END, **other}

    assert (
        not generate(**arguments)
        .drop_columns(["order_id"])
        .equals(table.drop_columns(["order_id"]))
    )


@pytest.mark.parametrize("count", [1, 2, 37, 1_000])
def test_there_are_as_many_orders_as_the_caller_says(count: int) -> None:
    assert generate(count, 10, seed=1, end=END).num_rows == count


def test_all_orders_lie_in_the_period_in_time_order(orders: pd.DataFrame) -> None:
    assert orders.event_at.is_monotonic_increasing
    assert orders.event_at.min() >= END - timedelta(days=150)
    assert orders.event_at.max() < END
    assert orders.order_id.is_unique


def test_values_are_canonical_and_mostly_valid(orders: pd.DataFrame) -> None:
    for name in SINGLE_VALUED:
        values = orders[name].dropna().unique().tolist()
        others = {
            value: canonical
            for value in values
            if (canonical := normalising.normalise_value(name, value)) != value
        }
        if name == "document":  # one in 99 mistyped CPFs reads as a CNPJ that lost three zeros
            assert others == {value: f"000{value}" for value in others}
            assert len(others) / len(values) < 0.001
        else:
            assert others == {}
    for name, least in (("document", 0.97), ("email", 1), ("phone", 1), ("zip_code", 1), ("ip", 1)):
        valid = [normalising.is_valid(name, value) for value in orders[name].dropna().unique()]
        assert least <= sum(valid) / len(valid) <= 1


def test_some_documents_are_of_companies_and_some_are_mistyped(orders: pd.DataFrame) -> None:
    documents = orders.document.dropna().drop_duplicates()

    assert 0.01 < (documents.str.len() == 14).mean() < 0.06
    assert (
        0.005
        < (~documents.map(lambda value: normalising.is_valid("document", value))).mean()
        < 0.03
    )


def test_an_order_is_worth_its_different_lines(orders: pd.DataFrame) -> None:
    for order in orders.head(500).itertuples():
        assert order.amount_cents == sum(item["amount_cents"] for item in order.items)
        assert list(order.product) == [item["product"] for item in order.items]
        assert len(set(order.product)) == len(order.product) > 0


def test_chargebacks_come_5_to_60_days_later_and_never_from_the_future(
    orders: pd.DataFrame,
) -> None:
    known = orders.dropna(subset="chargeback_at")
    delay = known.chargeback_at - known.event_at

    assert 0.013 < len(known) / len(orders) < 0.03
    assert delay.between(pd.Timedelta(days=5), pd.Timedelta(days=60)).all()
    assert (known.chargeback_at < END).all()


def test_customers_come_back_and_share_homes(orders: pd.DataFrame) -> None:
    assert orders.document.value_counts().ge(3).sum() > 1_000
    per_home = orders.groupby("ip").document.nunique()
    assert per_home.between(2, 6).sum() > 500


@pytest.mark.parametrize(
    ("entity", "target", "least", "days"),
    [("device", "card", 12, 1), ("document", "zip_code", 6, 10), ("phone", "document", 3, 30)],
    ids=["card testing", "one document, many addresses", "a ring on few phones"],
)
def test_each_pattern_of_fraud_can_be_seen_by_its_velocity(
    orders: pd.DataFrame, entity: str, target: str, least: int, days: int
) -> None:
    old = orders[orders.event_at < END - timedelta(days=60)]
    span = (old.event_at - old.event_at.min()).dt.days // days
    different = old.groupby([old[entity], span])[target].transform("nunique")
    charged_back = old.chargeback_at.notna()

    assert charged_back[different >= least].mean() > 8 * charged_back.mean()


def test_a_fake_shop_sells_much_as_soon_as_it_opens(orders: pd.DataFrame) -> None:
    by_seller = orders.groupby("seller")
    age = orders.event_at - by_seller.event_at.transform("min")
    after_the_first_month = orders.event_at > orders.event_at.min() + timedelta(days=30)
    old_enough_to_be_known = orders.event_at < END - timedelta(days=60)
    known = after_the_first_month & old_enough_to_be_known
    busy_and_young = (by_seller.cumcount() >= 12) & (age < pd.Timedelta(days=20))
    charged_back = orders.chargeback_at.notna()

    assert (known & busy_and_young).sum() > 30
    assert charged_back[known & busy_and_young].mean() > 8 * charged_back[known].mean()


def test_orders_of_the_house_itself_have_no_seller(orders: pd.DataFrame) -> None:
    assert 0.1 < orders.seller.isna().mean() < 0.2


def test_nothing_but_history_gives_fraud_away(orders: pd.DataFrame) -> None:
    fraud = orders[orders.chargeback_at.notna()]

    for describe in (_amount, _hour):
        low, high = describe(fraud).quantile([0.1, 0.9])
        assert describe(orders).between(low, high).mean() > 0.5


def _amount(orders: pd.DataFrame) -> "pd.Series[Any]":
    return orders.amount_cents


def _hour(orders: pd.DataFrame) -> "pd.Series[Any]":
    return orders.event_at.dt.tz_convert("America/Sao_Paulo").dt.hour


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        (lambda folder: f"--output={folder / 'orders.xlsx'}", "end it in .parquet or .csv"),
        (lambda folder: f"--output={folder / 'no' / 'orders.csv'}", "can't be written"),
        (lambda _: "--end=2026-05-01T12:00:00", "'2026-05-01T12:00:00' is not an instant"),
        (lambda _: "--end=yesterday", "'yesterday' is not an instant"),
    ],
)
def test_a_wrong_argument_is_refused_in_a_sentence(
    tmp_path: Path, argument: Callable[[Path], str], sentence: str
) -> None:
    arguments = ["--orders=5", "--days=1", "--seed=1", f"--output={tmp_path / 'o.csv'}"]

    result = CliRunner().invoke(command, [*arguments, argument(tmp_path)])

    assert result.exit_code != 0
    assert sentence in result.output + str(result.exception)
