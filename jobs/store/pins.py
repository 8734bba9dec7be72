"""What loads, models and trainings name, and so nobody removes."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from features_pkg.models.manifest import MANIFEST
from features_pkg.models.shipped_models import SHIPPED, model_folders
from jobs.store.errors import ModelMissing, ModelUnreadable
from stores.offline.models import StoredModels
from stores.offline.revisions import TaggedRevision
from stores.postgres.connection import Connection
from stores.postgres.loads import LoadRow, all_loads
from stores.postgres.runs import trained_revisions
from stores.redis.load_list import MOST_LISTED


class MadeFrom(msgspec.Struct, frozen=True):
    """What a model was made from: the part of a manifest that every version of Ontem writes."""

    timelines: str
    training_set: str
    training_set_snapshot_id: int
    training_set_metadata_location: str


@dataclass(frozen=True, slots=True)
class Pins:
    """Revisions by their names, and states of tables.

    A state is the location of a metadata file, and the id of an Iceberg snapshot that it knows.
    `parent_ids` are those of Iceberg snapshots that something which stays stands on.
    """

    names: frozenset[str] = frozenset()
    states: frozenset[tuple[str, int]] = frozenset()
    parent_ids: frozenset[int] = frozenset()

    @property
    def snapshot_ids(self) -> frozenset[int]:
        """The ids of the Iceberg snapshots of all states, and of those that others stand on."""
        return self.parent_ids | {snapshot_id for _, snapshot_id in self.states}

    def holds(self, revision: TaggedRevision) -> bool:
        """Whether something names this revision."""
        return revision.name in self.names or revision.snapshot_id in self.snapshot_ids


def read_pins(connection: Connection, models: Iterable[MadeFrom]) -> Pins:
    """What the loads in use, these models and all trainings name."""
    loads = loads_in_use(all_loads(connection))
    made_from = list(models)
    return Pins(
        names=trained_revisions(connection) | {each.training_set for each in made_from},
        states=frozenset(
            [(each.metadata_location, each.snapshot_id) for each in loads]
            + [
                (each.training_set_metadata_location, each.training_set_snapshot_id)
                for each in made_from
            ]
        ),
    )


def loads_in_use(loads: Sequence[LoadRow]) -> list[LoadRow]:
    """The loads that are published, may be published again, or were not published yet.

    Of each timelines and secret these are as many as a list has, and those that came later. A load
    that was withdrawn never returns.
    """
    by_list: defaultdict[tuple[str, str], list[LoadRow]] = defaultdict(list)
    for load in loads:
        if load.withdrawn_at is None:
            by_list[load.timelines, load.entity_key_id].append(load)
    return [load for each in by_list.values() for load in _in_use(each)]


def _in_use(loads: Sequence[LoadRow]) -> Iterator[LoadRow]:
    published = [load for load in loads if load.published_at is not None][-MOST_LISTED:]
    yield from published
    newest = published[-1].load_id if published else 0
    yield from (each for each in loads if each.published_at is None and each.load_id > newest)


def known_models(stored: StoredModels, configured: Path | None) -> list[MadeFrom]:
    """What all models that are known here were made from: stored, shipped, and ONTEM_MODEL's.

    Whose signature they have is no matter, nor which version of Ontem trained them: to keep too
    much does no harm. Raises ModelUnreadable,
    and ModelMissing when the folder of ONTEM_MODEL has none.
    """
    folders = model_folders(SHIPPED)
    if configured is not None:
        if not (configured / MANIFEST).exists():
            raise ModelMissing(folder=configured)
        folders.append(configured)
    here = [_made_from(str(folder), (folder / MANIFEST).read_bytes()) for folder in folders]
    return here + [_made_from(stored.location(n), stored.manifest(n)) for n in stored.names()]


def _made_from(location: str, content: bytes) -> MadeFrom:
    try:
        return msgspec.json.decode(content, type=MadeFrom)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ModelUnreadable(location=location, reason=str(error)) from None
