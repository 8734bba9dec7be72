"""A refusal says the same wherever it was raised: here, in another process, or in a library."""

import importlib
import os
import pickle
import pkgutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from features_pkg.calendar import to_us
from features_pkg.errors import OntemError
from jobs.importing import Refusal
from jobs.importing.errors import ColumnUnusable, WorkersLost
from jobs.importing.mapping import FileKind, FileMapping
from jobs.importing.pool import prepare_batches
from jobs.importing.prepare import Rules
from jobs.importing.source import open_source
from jobs.processes import LEAST_TASKS

ROOMS = ("features_pkg", "jobs", "ontem", "service", "stores")
NOON = datetime(2018, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
NOW = NOON + 30 * DAY


def every_error_of_ours() -> list[type[OntemError]]:
    for room in ROOMS:
        package = importlib.import_module(room)
        for module in pkgutil.walk_packages(package.__path__, f"{room}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    return sorted(set(below(OntemError)), key=lambda kind: f"{kind.__module__}.{kind.__name__}")


def below(kind: type[OntemError]) -> Iterator[type[OntemError]]:
    for subclass in kind.__subclasses__():
        if subclass.__module__.split(".")[0] in ROOMS:
            yield subclass
        yield from below(subclass)


@pytest.mark.parametrize("kind", every_error_of_ours(), ids=lambda kind: kind.__name__)
def test_an_error_keeps_class_text_and_attributes_when_it_is_pickled(
    kind: type[OntemError],
) -> None:
    error = kind.__new__(kind, "a sentence")
    error.__dict__["column"] = "email"

    same = pickle.loads(pickle.dumps(error))  # noqa: S301  our own bytes

    assert type(same) is kind
    assert (str(same), same.__dict__) == ("a sentence", {"column": "email"})


def prepared(
    rows: list[dict[str, Any]], processes: int, kind: FileKind = "orders"
) -> list[Refusal]:
    """The refusals of a file of three batches; the last one has these rows."""
    bad = pa.Table.from_pylist(rows)
    good = pa.table({name: pa.nulls(2, column.type) for name, column in zip(
        bad.column_names, bad.columns, strict=True)})  # fmt: skip
    source = open_source(pa.concat_tables([good] * (LEAST_TASKS - 1) + [bad]))
    mapping = FileMapping()
    columns = mapping.resolve(kind, source.name, source.columns)
    rules = Rules(kind, mapping, columns, to_us(NOW))
    batches = source.batches(list(columns.values()))
    return [
        refusal
        for batch in prepare_batches(batches, rules, processes)
        for refusal in batch.refusals
    ]


def an_order(**columns: Any) -> dict[str, Any]:
    item = {"product": "tv", "quantity": 1, "amount_cents": 1990}
    return {
        "order_id": "o1", "event_at": NOON, "placed_at": NOON, "amount_cents": 1990.0,
        "email": "ana@example.com", "product": ["tv"], "items": [item],
        "chargeback_at": NOON + DAY, **columns,
    }  # fmt: skip


ROWS: dict[FileKind, list[dict[str, Any]]] = {
    "orders": [
        an_order(order_id=""),
        an_order(order_id="a\0b"),
        an_order(order_id="a" * 129),
        an_order(event_at=None),
        an_order(event_at=datetime(1969, 1, 1, tzinfo=UTC)),
        an_order(event_at=NOW + DAY),
        an_order(placed_at=datetime(1969, 1, 1, tzinfo=UTC)),
        an_order(chargeback_at=NOON - DAY),
        an_order(chargeback_at=NOW + DAY),
        an_order(amount_cents=None),
        an_order(amount_cents=-1.0),
        an_order(amount_cents=1.5),
        an_order(amount_cents=1e16),
        an_order(email="a" * 600),
        an_order(product=["tv"] * 101),
        an_order(items=[{"product": "tv", "quantity": 0, "amount_cents": 1}]),
    ],
    "chargebacks": [
        {"order_id": None, "chargeback_at": NOON, "kind": "chargeback"},
        {"order_id": "a", "chargeback_at": None, "kind": "chargeback"},
        {"order_id": "a", "chargeback_at": NOON, "kind": "fraud"},
    ],
}


@pytest.mark.parametrize("kind", ROWS)
def test_two_processes_refuse_the_rows_that_one_refuses(kind: FileKind) -> None:
    here, there = (prepared(ROWS[kind], processes, kind) for processes in (1, 2))

    assert here == there
    assert [refusal.row for refusal in here][-len(ROWS[kind]) :] == [
        2 * (LEAST_TASKS - 1) + number for number in range(1, len(ROWS[kind]) + 1)
    ]


COLUMNS: list[tuple[str, object]] = [
    ("amount_cents", True),
    ("event_at", True),
    ("placed_at", 1.5),
    ("chargeback_at", True),
    ("order_id", 1.5),
    ("email", ["a"]),
    ("document", 1.5),
    ("product", {"a": 1}),
]


@pytest.mark.parametrize(("column", "value"), COLUMNS)
def test_two_processes_refuse_a_column_in_the_words_of_one(column: str, value: object) -> None:
    errors = []
    for processes in (1, 2):
        with pytest.raises(ColumnUnusable) as raised:
            prepared([an_order(**{column: value})], processes)
        errors.append(raised.value)

    here, there = errors
    assert (str(here), here.__dict__) == (str(there), there.__dict__)
    assert column in str(here)


class _Deadly:
    """Ends the process that unpickles it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os._exit, (9,)


def test_a_process_that_is_killed_is_a_sentence() -> None:
    rules = Rules("orders", FileMapping(), {}, 0)
    batches: list[Any] = [_Deadly()] * LEAST_TASKS

    with pytest.raises(WorkersLost, match="2 processes that read the file was ended"):
        list(prepare_batches(iter(batches), rules, 2))
