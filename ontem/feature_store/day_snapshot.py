"""The snapshot of a past day: its timelines as readable columns, and features read off them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from math import ceil
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.entity_keys import KEY_BYTES
from features_pkg.shuffle import STATE, newest_rows, snapshot_schema
from jobs.snapshot.chain import Link, chain_of, entities_of
from jobs.snapshot.facts import DATASET, SnapshotFacts, snapshot_slot
from jobs.snapshot.stored_rows import ENTITY, all_stored, newest_stored
from ontem.feature_store.costs import Sample
from ontem.feature_store.errors import DayMissing, KeyRefused
from ontem.feature_store.read_off import DayFeatures
from ontem.feature_store.tables import (
    ARROW,
    as_kind,
    check_count,
    check_kind,
    chosen,
    known_identifiers,
)
from stores.offline.revisions import TaggedRevision, read_revision, tagged_revisions
from stores.offline.runs import Slot
from stores.offline.tables import OfflineStore, find_table

IDENTIFIER: Final = "identifier"
TIMELINE: Final = "timeline"
_BYTES_OF_ONTEM: Final = (TIMELINE, STATE)
PIECE_ROWS: Final = 2**18
"""About how many rows, of all links together, are in memory at once."""
SAMPLE_ROWS: Final = 20_000
_PREFIXES: Final = 2**64


@dataclass(frozen=True, slots=True, repr=False)
class DaySnapshot:
    """What each entity did before a day, as the night of that day had it.

    A row is an entity: one value of an identifier at one merchant, which is told by its keyed hash
    alone. `columns` are those that docs/offline-store.md describes. Its rows are read when asked
    for.
    """

    store: OfflineStore = field(repr=False)
    feature_set: FeatureSet = field(repr=False)
    chain: tuple[Link, ...] = field(repr=False)

    @property
    def day(self) -> date:
        """The first day that is not counted."""
        return self.chain[0].facts.as_of

    @property
    def name(self) -> str:
        """The name of its revision, such as `snapshots_3dd308cb7769@2018-06-01.r1`."""
        return self.chain[0].name

    @property
    def entities(self) -> int:
        """How many entities it has."""
        return entities_of(self.chain)

    @property
    def columns(self) -> list[str]:
        """The readable columns: the key of an entity, its identifier, and what it did."""
        names = snapshot_schema(self.feature_set).names
        return [name for name in names if name not in _BYTES_OF_ONTEM]

    def read(
        self,
        columns: Iterable[str] | None = None,
        identifiers: Iterable[str] | None = None,
        kind: str = ARROW,
    ) -> Any:
        """These columns of all entities, or of those of some identifiers, as a table.

        `kind` is "arrow", "pandas" or "polars". It must fit into memory; `batches` needs not.
        Raises ColumnUnknown, IdentifierUnknown, KindUnknown and LibraryMissing.
        """
        check_kind(kind)
        names = chosen(columns, self.columns, self.name)
        empty = self._schema(names).empty_table()
        return as_kind(pa.concat_tables([empty, *self.batches(names, identifiers)]), kind)

    def batches(
        self,
        columns: Iterable[str] | None = None,
        identifiers: Iterable[str] | None = None,
        rows: int = PIECE_ROWS,
    ) -> Iterator[pa.Table]:
        """The same piece by piece, by key; about so many `rows` are in memory at once.

        Raises ColumnUnknown, IdentifierUnknown, CountRefused.
        """
        check_count("rows", rows)
        names = chosen(columns, self.columns, self.name)
        for piece in self._pieces(names, identifiers, rows):
            yield piece.select(names)

    def features(self, names: Iterable[str], kind: str = ARROW) -> Any:
        """These features of the entities, for a question at the first instant of the day.

        The table has the key and the identifier of each entity that a feature is of. Raises
        FeatureUnknown, NotOfDay for one that no timeline tells, KindUnknown and LibraryMissing.
        """
        check_kind(kind)
        calendar, day = Calendar(self.feature_set.timezone), self.day.toordinal()
        wanted = DayFeatures.of(self.feature_set, names, day, calendar.cutoff_us(day))
        pieces = self._pieces([TIMELINE], wanted.identifiers, PIECE_ROWS)
        tables = [wanted.read_off(rows) for rows in pieces]
        return as_kind(pa.concat_tables([wanted.schema.empty_table(), *tables]), kind)

    def of_entities(self, keys: Sequence[bytes], kind: str = ARROW) -> Any:
        """The rows of these entities, by key; one that was never seen has none.

        Raises KeyRefused, KindUnknown and LibraryMissing.
        """
        check_kind(kind)
        check_keys(keys)
        files = [link.files for link in self.chain]
        wanted = pa.array(keys, pa.binary())
        found = newest_stored(self.store.files, files, wanted, self.columns)
        schema = self._schema(self.columns)
        rows = schema.empty_table() if found is None else found.select(self.columns).cast(schema)
        return as_kind(rows.sort_by(ENTITY), kind)

    def some_rows(self, rows: int, names: Sequence[str]) -> pa.Table:
        """About so many rows, of the lowest keys: these are hashes, so they are like all others."""
        schema = self._schema([ENTITY, IDENTIFIER, *names])
        ends = (0, _PREFIXES // self._number_of_pieces(rows))
        return newest_rows([_rows_of(self.store, link, ends, schema, None) for link in self.chain])

    def _schema(self, names: Sequence[str]) -> pa.Schema:
        schema = snapshot_schema(self.feature_set)
        return pa.schema([schema.field(name) for name in names])

    def _number_of_pieces(self, rows: int) -> int:
        """In how many ranges of keys the links have about so many rows together in each."""
        return max(ceil(sum(link.rows for link in self.chain) / rows), 1)

    def _pieces(
        self, names: Sequence[str], identifiers: Iterable[str] | None, rows: int
    ) -> Iterator[pa.Table]:
        """The newest row of each entity with these columns, a range of keys at a time."""
        schema = self._schema([*dict.fromkeys([ENTITY, IDENTIFIER, *names])])
        only = (
            None if identifiers is None else pa.array(known_identifiers(identifiers), pa.string())
        )
        pieces = self._number_of_pieces(rows)
        bounds = [_PREFIXES * number // pieces for number in range(pieces + 1)]
        for ends in pairwise(bounds):
            links = [_rows_of(self.store, link, ends, schema, only) for link in self.chain]
            yield newest_rows(links)

    def __repr__(self) -> str:
        stands_on = f", a delta on {len(self.chain) - 1} before it" if len(self.chain) > 1 else ""
        return f"{self.name}: {self.entities:,} entities before {self.day}{stands_on}"


def find_day(
    store: OfflineStore,
    features: FeatureSet,
    day: date,
    buildable: Callable[[], tuple[date, date] | None],
) -> DaySnapshot:
    """The newest snapshot of a day; `buildable` is asked for the days that can have one.

    Raises DayMissing, and what `buildable` and `chain_of` raise.
    """
    timelines = features.timelines_id
    table = find_table(store, Slot(DATASET, timelines).table)
    revisions = [] if table is None else tagged_revisions(table)
    of_day = [each for each in revisions if each.slot.partition == day.isoformat()]
    if not of_day:
        near = _near(revisions, day)
        raise DayMissing(day=day, timelines=timelines, near=near, buildable=buildable())
    name = snapshot_slot(timelines, day).name(max(each.number for each in of_day))
    newest = read_revision(store, name, SnapshotFacts, table)
    return DaySnapshot(store, features, chain_of(store, newest))


def newest_day(store: OfflineStore, features: FeatureSet) -> date | None:
    """The newest day that has a snapshot; None when there is none."""
    table = find_table(store, Slot(DATASET, features.timelines_id).table)
    days = [] if table is None else [each.slot.partition for each in tagged_revisions(table)]
    return date.fromisoformat(max(days)) if days else None


def sample_of(snapshot: DaySnapshot) -> Sample:
    """Some entities of a snapshot: the newest rows of a range of keys."""
    return Sample(snapshot.name, snapshot.day, snapshot.some_rows(SAMPLE_ROWS, [TIMELINE, STATE]))


def check_keys(keys: Iterable[object]) -> None:
    """Raise KeyRefused for what is not the key of an entity, such as its value."""
    for position, key in enumerate(keys):
        if not isinstance(key, bytes) or len(key) != KEY_BYTES:
            raise KeyRefused(position=position)


def _near(revisions: Sequence[TaggedRevision], day: date) -> list[date]:
    """The newest day before this one, and the first one after it."""
    days = {date.fromisoformat(each.slot.partition) for each in revisions}
    before = max((each for each in days if each < day), default=None)
    after = min((each for each in days if each > day), default=None)
    return [each for each in (before, after) if each is not None]


def _rows_of(
    store: OfflineStore, link: Link, ends: tuple[int, int], schema: pa.Schema, only: pa.Array | None
) -> pa.Table:
    """The rows that one link has of a range of keys, of some identifiers if only those count."""
    parts = [rows for file in link.files for rows in all_stored(store.files, file, ends, schema)]
    rows = pa.concat_tables([schema.empty_table(), *parts])
    return rows if only is None else rows.filter(pc.is_in(rows[IDENTIFIER], value_set=only))
