"""The orders that a trial is about, with the features that they have already."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any, Final, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv

from features_pkg.array_types import Floats, Ints
from features_pkg.calendar import MICROSECOND, to_us
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.identifiers import Identifier
from jobs.extract.facts import committed_extractions, events_slot
from jobs.train.feature_batches import FeatureFiles
from jobs.train.orders import LabelledOrders, read_orders
from jobs.training_set.facts import TrainingSetFacts, training_set_slot
from ontem.lab.chosen_rows import chosen_rows, start_of_last
from ontem.lab.errors import NoTrainingSet, OtherTrainingSet
from ontem.lab.laboratory import Laboratory
from ontem.lab.order_view import KNOWN_LATER
from ontem.lab.past import ExtractedEvents, by_own_times
from ontem.lab.values import PastOrders
from stores.offline.revisions import Revision, newest_revision, read_revision

_PLACED: Final = (
    b"COPY (SELECT order_pk, (extract(epoch FROM placed_at) * 1000000)::bigint FROM orders"
    b" WHERE placed_at IS NOT NULL) TO STDOUT (FORMAT csv)"
)


@dataclass(frozen=True, slots=True)
class ChosenOrders:
    """Some orders: their keys, when each asks, and where they are in the source."""

    order_pk: Ints
    asked_us: Ints
    rows: Ints

    @classmethod
    def of(cls, orders: LabelledOrders) -> "ChosenOrders":
        """The same orders without their labels."""
        return cls(orders.order_pk, orders.asked_us, orders.rows)


class Source(Protocol):
    """Orders with labels, the features that they have, and the past of each."""

    @property
    def name(self) -> str:
        """What the journal calls it."""
        ...

    @property
    def feature_set(self) -> FeatureSet:
        """The features that the orders have, and the settings that these depend on."""
        ...

    @property
    def maturity(self) -> timedelta:
        """How long a label takes."""
        ...

    @property
    def columns(self) -> Sequence[str]:
        """What a function may read, besides the features and `asked_at`."""
        ...

    @property
    def later(self) -> Mapping[str, str]:
        """What a function may not read, each with the reason."""
        ...

    def some(self, most: int) -> tuple[ChosenOrders, Floats]:
        """Orders of all of the time, with the features that they have."""
        ...

    def labelled(self) -> LabelledOrders:
        """All orders that have a label."""
        ...

    def existing(self, rows: Ints, names: Sequence[str]) -> Floats:
        """The features of those names that these orders have, NaN for null."""
        ...

    def column(self, name: str, rows: Ints) -> NDArray[Any]:
        """One of `columns`."""
        ...

    def past(self, identifiers: Iterable[Identifier]) -> PastOrders:
        """All orders, with the entities of these identifiers."""
        ...

    def order_ids(self, order_pk: Ints) -> Mapping[int, str]:
        """The merchant's own names of these orders, by their keys."""
        ...

    def past_by_own_times(self, identifiers: Iterable[Identifier]) -> PastOrders:
        """The same by the merchant's own times."""
        ...


class StoredSource:
    """A training set of the offline store, and the extracted events that it was built from."""

    columns: Sequence[str] = ()
    later = KNOWN_LATER

    def __init__(self, laboratory: Laboratory, training_set: int | str | None = None) -> None:
        """Raises NoTrainingSet, OtherTrainingSet, RevisionMissing."""
        self._laboratory = laboratory
        self.feature_set = laboratory.feature_set
        self.training_set = _find(laboratory, training_set)
        self.name = self.training_set.name
        facts, store = self.training_set.facts, laboratory.store
        self.maturity = timedelta(days=facts.label_maturity_days)
        extracted = committed_extractions(store, events_slot(laboratory.namespace))
        self._events = ExtractedEvents(store.files, extracted, facts.watermark_key)
        self._pasts: dict[frozenset[Identifier], PastOrders] = {}
        self._own_pasts: dict[frozenset[Identifier], PastOrders] = {}

    def some(self, most: int) -> tuple[ChosenOrders, Floats]:
        """Orders of the first file, or of more if it is small, as far apart as they can be.

        A hash of each order says which file it is in; there the oldest stands first. Of a file that
        was written in several pieces they are of the newest: all columns of a piece are decoded.
        """
        names, keys, total = self.feature_set.names, [], 0
        for file in self.training_set.files:
            keys.append(file.key)
            total += file.rows
            if total >= most:
                break
        columns, files = ["order_pk", "asked_at", *names], self._laboratory.store.files
        start = start_of_last(files, keys[0], most) if len(keys) == 1 else 0
        rows = np.linspace(start, total - 1, min(most, total - start)).astype(np.int64)
        table = chosen_rows(files, keys, columns, rows)
        asked_us = table["asked_at"].cast(pa.int64()).to_numpy()
        return ChosenOrders(table["order_pk"].to_numpy(), asked_us, rows), floats(table, names)

    def labelled(self) -> LabelledOrders:
        """The orders that a training takes."""
        facts = self.training_set.facts
        old_enough_us = to_us(facts.labels_as_of) - self.maturity // MICROSECOND
        return read_orders(self._laboratory.store.files, self.training_set.files, old_enough_us)

    def existing(self, rows: Ints, names: Sequence[str]) -> Floats:
        """Read from the training set."""
        files = self._laboratory.store.files
        return FeatureFiles(files, self.training_set.files, tuple(names)).matrix(rows)

    def column(self, name: str, rows: Ints) -> NDArray[Any]:
        """There are none."""
        raise KeyError(name)

    def past(self, identifiers: Iterable[Identifier]) -> PastOrders:
        """Read from the extracted events once for each set of identifiers."""
        key = frozenset(identifiers)
        if key not in self._pasts:
            self._pasts[key] = self._events.past(key)
        return self._pasts[key]

    def order_ids(self, order_pk: Ints) -> Mapping[int, str]:
        """Read from the extracted events once."""
        names = self._names
        found = names.filter(pc.is_in(names["order_pk"], value_set=pa.array(order_pk)))
        return dict(zip(*(column.to_pylist() for column in found.columns), strict=True))

    @cached_property
    def _names(self) -> pa.Table:
        return self._events.order_ids()

    def past_by_own_times(self, identifiers: Iterable[Identifier]) -> PastOrders:
        """An order is dated by `placed_at`, which PostgreSQL has, where its merchant gave it."""
        key = frozenset(identifiers)
        if key not in self._own_pasts:
            orders = self.past(key).orders
            self._own_pasts[key] = PastOrders(by_own_times(orders, self._placed_us(orders)))
        return self._own_pasts[key]

    def _placed_us(self, orders: pa.Table) -> Ints:
        with (
            self._laboratory.connect() as connection,
            connection.cursor() as cursor,
            cursor.copy(_PLACED) as copy,
        ):
            content = b"".join(bytes(each) for each in copy)
        at_us: Ints = orders["event_us"].to_numpy().copy()
        if content:
            names = csv.ReadOptions(column_names=["order_pk", "placed_us"])
            placed = csv.read_csv(pa.BufferReader(content), read_options=names)
            row = pc.index_in(placed["order_pk"], value_set=orders["order_pk"].combine_chunks())
            known = row.is_valid().to_numpy()
            at_us[row.drop_null().to_numpy()] = placed["placed_us"].to_numpy()[known]
        return at_us


def floats(table: pa.Table, names: Sequence[str]) -> Floats:
    """Columns as a matrix, NaN for null."""
    columns = [pc.cast(table[name], pa.float64()).to_numpy() for name in names]
    return np.stack(columns, axis=1) if columns else np.empty((table.num_rows, 0))


def _find(laboratory: Laboratory, name: int | str | None) -> Revision[TrainingSetFacts]:
    """The training set of that name, or the newest of this feature set."""
    version, store = laboratory.feature_set.version, laboratory.store
    slot = training_set_slot(version)
    if name is None:
        newest = newest_revision(store, slot)
        if not newest:
            raise NoTrainingSet(feature_set=version)
        name = slot.name(newest)
    elif (digits := str(name).removeprefix("r")).isdecimal():
        name = slot.name(int(digits))
    revision = read_revision(store, str(name), TrainingSetFacts)
    if revision.facts.feature_set != version:
        raise OtherTrainingSet(name=str(name), found=revision.facts.feature_set, expected=version)
    return revision
