"""Training sets, read by columns or batch by batch: one may be larger than the memory."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow import fs

from features_pkg.definitions.feature_set import FeatureSet
from jobs.training_set.facts import DATASET, TrainingSetFacts, training_set_slot
from ontem.feature_store.errors import OtherTrainingSet, TrainingSetMissing
from ontem.feature_store.tables import ARROW, as_kind, check_count, check_kind, chosen, polars
from stores.offline.errors import RevisionMissing
from stores.offline.revisions import Revision, read_revision, tagged_revisions
from stores.offline.tables import OfflineStore, find_table

BATCH_ROWS: Final = 65_536


@dataclass(frozen=True, slots=True, repr=False)
class TrainingSet:
    """One revision of the training sets of a feature set; its rows are read when asked for.

    A row is an order with its question, its label and all features. `facts` say of which period it
    is, and as of when it is labelled.
    """

    store: OfflineStore = field(repr=False)
    revision: Revision[TrainingSetFacts]

    @property
    def name(self) -> str:
        """The name of its revision, such as `training_sets_3dd308cb77690fd1@r3`."""
        return self.revision.name

    @property
    def facts(self) -> TrainingSetFacts:
        """The period, the labels and the settings."""
        return self.revision.facts

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the feature columns, in the order of the stored vector."""
        return self.facts.features

    @property
    def rows(self) -> int:
        """How many orders it has."""
        return self.revision.rows

    @property
    def schema(self) -> pa.Schema:
        """All columns with their types; only the end of one file is read."""
        with self.store.files.open(self.revision.files[0].key) as source:
            return pq.read_schema(source).remove_metadata()

    @property
    def columns(self) -> list[str]:
        """The names of all columns."""
        return list(self.schema.names)

    def read(self, columns: Iterable[str] | None = None, kind: str = ARROW) -> Any:
        """These columns of all rows as a table: `kind` is "arrow", "pandas" or "polars".

        Without `columns` it is all of them, which must fit into memory. Raises ColumnUnknown,
        KindUnknown and LibraryMissing.
        """
        check_kind(kind)
        names = chosen(columns, self.columns, self.name)
        return as_kind(self.dataset().to_table(columns=names), kind)

    def batches(
        self, columns: Iterable[str] | None = None, rows: int = BATCH_ROWS
    ) -> Iterator[pa.Table]:
        """The same piece by piece, each of at most so many rows.

        Raises ColumnUnknown, CountRefused.
        """
        check_count("rows", rows)
        names = chosen(columns, self.columns, self.name)
        for batch in self.dataset().to_batches(
            columns=names, batch_size=rows, batch_readahead=1, fragment_readahead=1
        ):
            if batch.num_rows:
                yield pa.Table.from_batches([batch])

    def dataset(self) -> ds.Dataset:
        """The files as a dataset of PyArrow: nothing is read before a column is asked for."""
        files = self.store.files
        return ds.dataset(
            [each.key for each in self.revision.files],
            schema=self.schema,
            format="parquet",
            filesystem=fs.SubTreeFileSystem(files.base, files.filesystem),
        )

    def lazy(self) -> Any:
        """A lazy frame of Polars: what is collected reads the columns and rows it needs.

        Raises LibraryMissing.
        """
        return polars().scan_pyarrow_dataset(self.dataset())

    def __repr__(self) -> str:
        facts = self.facts
        return (
            f"{self.name}: {self.rows:,} orders from {facts.first_day} to {facts.end_day}, "
            f"{len(self.features)} features, labels as of {facts.labels_as_of:%Y-%m-%d %H:%M}Z"
        )


def find_training_set(
    store: OfflineStore, features: FeatureSet, version: int | str | None
) -> TrainingSet:
    """A training set by its revision's number or name; None is the newest of the feature set.

    Raises TrainingSetMissing, OtherTrainingSet.
    """
    slot = training_set_slot(features.version)
    table = find_table(store, slot.table)
    present = [] if table is None else [each.number for each in tagged_revisions(table)]
    number = max(present, default=0) if version is None else _number(version)
    name = slot.name(number) if number is not None else str(version)
    if number is None and name.partition("@")[0] != slot.table:
        raise _other(name, features, present)
    try:
        return TrainingSet(store, read_revision(store, name, TrainingSetFacts, table))
    except RevisionMissing:
        shown = str(version) if version is not None else "at all"
        raise _missing(shown, features, present) from None


def _number(version: int | str) -> int | None:
    """The number in `3`, `"3"` or `"r3"`; None in the name of a revision."""
    digits = str(version).removeprefix("r")
    return int(digits) if digits.isdecimal() else None


def _other(name: str, features: FeatureSet, present: list[int]) -> Exception:
    found = name.partition("@")[0].removeprefix(f"{DATASET}_")
    if not name.startswith(f"{DATASET}_"):
        return _missing(name, features, present)
    return OtherTrainingSet(name=name, found=found, expected=features.version)


def _missing(shown: str, features: FeatureSet, present: list[int]) -> TrainingSetMissing:
    newest = [f"r{number}" for number in sorted(present)[-5:]]
    return TrainingSetMissing(version=shown, feature_set=features.version, present=newest)
