"""The chain of a snapshot: a delta, the snapshot that it stands on, and so on to a full one.

The snapshot has one row of each entity: that of the newest link which has one.
"""

from dataclasses import dataclass
from typing import Final

from jobs.snapshot.errors import BaseMissing, SnapshotDamaged
from jobs.snapshot.facts import Parent, SnapshotFacts
from stores.offline.errors import FileDamaged, FileMissing, RevisionMissing, RevisionUnreadable
from stores.offline.revisions import Revision, read_revision
from stores.offline.runs import DataFile
from stores.offline.tables import OfflineStore, existing_table

Link = Revision[SnapshotFacts]

UNREADABLE: Final = (
    RevisionMissing, RevisionUnreadable, FileMissing, FileDamaged, SnapshotDamaged,
)  # fmt: skip
"""What `chain_of` and `read_revision` raise where a snapshot is not as it was committed."""

_SHARED: Final = ("timelines", "entity_key_id", "timezone", "series")
"""The facts that all links have alike: rows of another kind can't be put beside these."""


@dataclass(frozen=True, slots=True)
class _Step:
    """From a delta to its parent."""

    delta: Link
    parent: Parent


def chain_of(store: OfflineStore, snapshot: Link) -> tuple[Link, ...]:
    """The snapshot and all that it stands on, newest first; the last one is full.

    Raises BaseMissing where one of them is gone, SnapshotDamaged where one is not what the delta
    above it was made on, and what `read_revision` raises.
    """
    links = [snapshot]
    if snapshot.facts.parent is None:
        return (snapshot,)
    table = existing_table(store, snapshot.slot.table)
    while (parent := links[-1].facts.parent) is not None:
        step = _Step(links[-1], parent)
        _check_name(step)
        try:
            found = read_revision(store, parent.revision, SnapshotFacts, table)
        except RevisionMissing:
            raise _missing(step) from None
        _check(step, found)
        links.append(found)
    return tuple(links)


def entities_of(chain: tuple[Link, ...]) -> int:
    """How many entities a snapshot has, by its chain."""
    return chain[-1].rows + sum(link.facts.newcomers for link in chain[:-1])


def files_of(chain: tuple[Link, ...]) -> tuple[DataFile, ...]:
    """The files of all links, those of the newest one first."""
    return tuple(file for link in chain for file in link.files)


def _check_name(step: _Step) -> None:
    """Refuse another table than the delta's own before it is looked for."""
    table = step.parent.revision.partition("@")[0]
    if table != step.delta.slot.table:
        raise _unfit(step, f"of the table {table}")


def _check(step: _Step, found: Link) -> None:
    """Raises SnapshotDamaged unless `found` is what the delta was made on."""
    if found.snapshot_id != step.parent.snapshot_id:
        raise _missing(step)  # the name was used again
    facts, parent = step.delta.facts, found.facts
    for name in _SHARED:
        if getattr(facts, name) != getattr(parent, name):
            raise _unfit(step, f"of {name} {getattr(parent, name)}, not {getattr(facts, name)}")
    if parent.as_of >= facts.as_of:
        raise _unfit(step, f"of {parent.as_of}, which is no earlier day")


def _missing(step: _Step) -> BaseMissing:
    delta = step.delta
    return BaseMissing(delta=delta.name, as_of=delta.facts.as_of, base=step.parent.revision)


def _unfit(step: _Step, which: str) -> SnapshotDamaged:
    reason = f"it is a delta on {step.parent.revision}, which is {which}"
    return SnapshotDamaged(key=step.delta.name, reason=reason)
