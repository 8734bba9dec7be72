"""What an extraction says of itself, and which extractions belong together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from features_pkg.definitions.order_features import VALUE_FEATURES
from jobs.extract.errors import EventsBroken, EventsDamaged, EventsMissing
from jobs.extract.rows import EVENT_ROWS
from stores.offline.errors import FileDamaged, FileMissing, RevisionMissing
from stores.offline.files import Files
from stores.offline.revisions import Revision, newest_revision, read_revision
from stores.offline.runs import DataFile, Slot, verify_files
from stores.offline.table_definition import TableDefinition
from stores.offline.tables import OfflineStore
from stores.redis.keys import Namespace

DATASET: Final = "events"
EVENTS: Final = TableDefinition(
    columns=EVENT_ROWS,
    doc="What happened: orders, chargebacks, reversals, later evaluations. No identifier's value.",
    bounds=("event_at",),
)


@dataclass(frozen=True, slots=True)
class KindCounts:
    """How many rows of each kind an extraction has."""

    order: int = 0
    chargeback: int = 0
    reversal: int = 0
    evaluation: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsFacts:
    """The extraction has the rows recorded from `from_key` to before `to_key`.

    `from_key` None means from the first one: what was extracted before is not needed any more.
    `database` names what was read, which had `generation`. Its entity keys are of the secret that
    `entity_key_id` names, and bound to `timelines`. `value_features` are the order features that
    its orders have as columns.
    """

    from_key: int | None
    to_key: int
    database: str
    generation: int
    timelines: str
    environment: str
    entity_key_id: str
    value_features: tuple[str, ...]
    rows: KindCounts


def events_slot(namespace: Namespace) -> Slot:
    """The slot whose revisions are the extractions of these entity keys, one after the other."""
    return Slot(DATASET, f"{namespace.timelines}_{namespace.key_id}")


@dataclass(frozen=True, slots=True)
class Extractions:
    """Extractions that follow one another without a gap, the first of them a full one.

    `number` is that of the last one, 0 where there is none.
    """

    number: int = 0
    revisions: tuple[Revision[EventsFacts], ...] = ()

    @property
    def last(self) -> EventsFacts | None:
        """The facts of the last one."""
        return self.revisions[-1].facts if self.revisions else None

    @property
    def series(self) -> str:
        """The run of the first one, which tells these from those of another full extraction."""
        return self.revisions[0].run if self.revisions else ""

    @property
    def files(self) -> Sequence[DataFile]:
        """The files of all of them."""
        return [file for revision in self.revisions for file in revision.files]

    @property
    def rows(self) -> KindCounts:
        """How many rows of each kind all of them have."""
        counts = [revision.facts.rows for revision in self.revisions]
        return KindCounts(
            order=sum(each.order for each in counts),
            chargeback=sum(each.chargeback for each in counts),
            reversal=sum(each.reversal for each in counts),
            evaluation=sum(each.evaluation for each in counts),
        )

    @property
    def has_all_columns(self) -> bool:
        """Whether their orders have the present order features of values."""
        return all(r.facts.value_features == tuple(VALUE_FEATURES) for r in self.revisions)


def check_files(files: Files, extracted: Extractions) -> None:
    """Raises EventsMissing or EventsDamaged unless every file is as it was committed."""
    try:
        verify_files(files, extracted.files)
    except FileMissing as missing:
        raise EventsMissing(key=missing.key) from None
    except FileDamaged as damaged:
        raise EventsDamaged(key=damaged.key) from None


def committed_extractions(store: OfflineStore, slot: Slot) -> Extractions:
    """The newest full extraction and those after it. Raises EventsBroken or EventsMissing."""
    newest = newest_revision(store, slot)
    revisions: list[Revision[EventsFacts]] = []
    for number in range(newest, 0, -1):
        revision = _read(store, slot.name(number))
        if revisions and revisions[-1].facts.from_key != revision.facts.to_key:
            raise EventsBroken(
                key=slot.name(number + 1),
                from_key=revisions[-1].facts.from_key,
                ended=revision.facts.to_key,
            )
        revisions.append(revision)
        if revision.facts.from_key is None:
            break
    return Extractions(newest, tuple(reversed(revisions)))


def _read(store: OfflineStore, name: str) -> Revision[EventsFacts]:
    try:
        return read_revision(store, name, EventsFacts)
    except RevisionMissing:
        raise EventsMissing(key=name) from None
    except FileMissing as missing:
        raise EventsMissing(key=missing.key) from None
