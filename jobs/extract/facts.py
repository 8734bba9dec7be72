"""What an extraction's manifest says besides its files, and which extractions belong together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from features_pkg.definitions.order_features import VALUE_FEATURES
from jobs.extract.errors import EventsBroken, EventsDamaged
from stores.files.manifest import (
    DataFile,
    FileDamaged,
    Manifest,
    Slot,
    newest_revision,
    read_manifest,
    verify_files,
)
from stores.files.store import OfflineStore
from stores.redis.keys import Namespace

DATASET: Final = "events"


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
    return Slot(DATASET, namespace.timelines, namespace.key_id)


@dataclass(frozen=True, slots=True)
class Extractions:
    """Extractions that follow one another without a gap, the first of them a full one.

    `revision` is that of the last one, 0 where there is none.
    """

    revision: int = 0
    manifests: tuple[Manifest[EventsFacts], ...] = ()

    @property
    def last(self) -> EventsFacts | None:
        """The facts of the last one."""
        return self.manifests[-1].facts if self.manifests else None

    @property
    def files(self) -> Sequence[DataFile]:
        """The files of all of them."""
        return [file for manifest in self.manifests for file in manifest.files]

    @property
    def has_all_columns(self) -> bool:
        """Whether their orders have the present order features of values."""
        return all(m.facts.value_features == tuple(VALUE_FEATURES) for m in self.manifests)


def check_files(store: OfflineStore, extracted: Extractions) -> None:
    """Raises FileMissing or EventsDamaged unless every file is as it was committed."""
    try:
        verify_files(store, extracted.files)
    except FileDamaged as damaged:
        raise EventsDamaged(key=damaged.key) from None


def committed_extractions(store: OfflineStore, slot: Slot) -> Extractions:
    """The newest full extraction and those after it. Raises EventsBroken."""
    newest = newest_revision(store, slot)
    manifests: list[Manifest[EventsFacts]] = []
    for revision in range(newest, 0, -1):
        manifest = read_manifest(store, slot.key(revision), EventsFacts)
        if manifests and manifests[-1].facts.from_key != manifest.facts.to_key:
            raise EventsBroken(
                key=slot.key(revision + 1),
                from_key=manifests[-1].facts.from_key,
                ended=manifest.facts.to_key,
            )
        manifests.append(manifest)
        if manifest.facts.from_key is None:
            break
    return Extractions(newest, tuple(reversed(manifests)))
