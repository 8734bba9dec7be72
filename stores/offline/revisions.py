"""Revisions: what is committed to the offline store, and where every reader starts."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, Generic, TypeVar

import msgspec
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from stores.offline.errors import RevisionMissing, RevisionUnreadable
from stores.offline.runs import DataFile, Provenance, Run, Slot, read_file_list
from stores.offline.tables import OfflineStore, find_table

LAYOUT: Final = 1
_TABLE: Final = "([a-z_]+?)_([0-9a-f][0-9a-f_]*)"

Facts = TypeVar("Facts")


class Property(StrEnum):
    """What Ontem says in the summary of an Iceberg snapshot."""

    LAYOUT = "ontem-layout"
    RUN = "ontem-run"
    FILES_SHA256 = "ontem-files-sha256"
    FACTS = "ontem-facts"
    PROVENANCE = "ontem-provenance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision(Generic[Facts]):
    """A committed run.

    `snapshot_id` and `metadata_location` find it without the catalogue.
    """

    slot: Slot
    number: int
    run: str
    files: tuple[DataFile, ...]
    facts: Facts
    provenance: Provenance
    snapshot_id: int
    metadata_location: str

    @property
    def name(self) -> str:
        """What `read_revision` finds it by, e.g. `snapshots_3dd308cb7769@2018-06-01.r1`."""
        return self.slot.name(self.number)

    @property
    def rows(self) -> int:
        """How many rows all files have."""
        return sum(file.rows for file in self.files)

    @property
    def bytes(self) -> int:
        """How many bytes all files have."""
        return sum(file.bytes for file in self.files)

    @classmethod
    def of(cls, run: Run[Facts], table: Table, number: int) -> "Revision[Facts]":
        """What a run has become in `table`."""
        return cls(
            slot=run.slot,
            number=number,
            run=run.id,
            files=run.files,
            facts=run.facts,
            provenance=run.provenance,
            snapshot_id=table.metadata.refs[run.slot.tag(number)].snapshot_id,
            metadata_location=table.metadata_location,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TaggedRevision:
    """A revision by what the metadata of its table say; its files are not looked at.

    `facts` is JSON, `committed_at` the clock of the machine that committed it.
    """

    slot: Slot
    number: int
    run: str
    snapshot_id: int
    committed_at: datetime
    rows: int
    bytes: int
    facts: str

    @property
    def name(self) -> str:
        """What `read_revision` finds it by."""
        return self.slot.name(self.number)


def tagged_revisions(table: Table) -> list[TaggedRevision]:
    """All revisions of a table, oldest number first.

    A tag that names no run is not one of them, nor is one that only looks like a revision's, such
    as `paper.r1`.
    """
    found = []
    for tag, ref in table.metadata.refs.items():
        snapshot = table.metadata.snapshot_by_id(ref.snapshot_id)
        parsed = _parsed_or_none(f"{table.name()[-1]}@{tag}")
        said = _said(snapshot)
        if snapshot is None or parsed is None or said.get(Property.LAYOUT) != str(LAYOUT):
            continue
        slot, number = parsed
        if not _can_have(table, slot):
            continue
        found.append(
            TaggedRevision(
                slot=slot,
                number=number,
                run=said.get(Property.RUN, ""),
                snapshot_id=ref.snapshot_id,
                committed_at=datetime.fromtimestamp(snapshot.timestamp_ms / 1000, UTC),
                rows=int(said.get("added-records", 0)),
                bytes=int(said.get("added-files-size", 0)),
                facts=said.get(Property.FACTS, ""),
            )
        )
    return sorted(found, key=lambda each: (each.slot.partition, each.number))


def newest_revision(store: OfflineStore, slot: Slot) -> int:
    """The number of the newest revision of a slot, 0 when it has none."""
    table = find_table(store, slot.table)
    return 0 if table is None else newest_number(table, slot)


def read_revision(
    store: OfflineStore, name: str, facts: type[Facts], table: Table | None = None
) -> Revision[Facts]:
    """The revision of that name; its facts are of the type `facts`.

    Who reads several of one table finds that once, and hands it over. Raises RevisionMissing,
    RevisionUnreadable, CatalogueLost, FileMissing, FileDamaged.
    """
    slot, number = _parsed(name)
    table = table or find_table(store, slot.table)
    tag = slot.tag(number)
    if table is None or tag not in table.metadata.refs:
        raise _missing(name)
    snapshot_id = table.metadata.refs[tag].snapshot_id
    said = _said(table.metadata.snapshot_by_id(snapshot_id))
    try:
        if said[Property.LAYOUT] != str(LAYOUT):
            reason = f"layout {said[Property.LAYOUT]}, known is {LAYOUT}"
            raise RevisionUnreadable(name=name, reason=reason)
        found_facts = msgspec.json.decode(said[Property.FACTS], type=facts)
        made = msgspec.json.decode(said[Property.PROVENANCE], type=Provenance)
        run, sha256 = said[Property.RUN], said[Property.FILES_SHA256]
    except KeyError as error:
        raise RevisionUnreadable(name=name, reason=f"it has no {error.args[0]}") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise RevisionUnreadable(name=name, reason=str(error)) from None
    return Revision(
        slot=slot,
        number=number,
        run=run,
        files=read_file_list(store.files, slot.dataset, run, sha256),
        facts=found_facts,
        provenance=made,
        snapshot_id=snapshot_id,
        metadata_location=table.metadata_location,
    )


def _parsed(name: str) -> tuple[Slot, int]:
    """The slot and the number in the name of a revision."""
    parsed = _parsed_or_none(name)
    if parsed is None:
        raise _missing(name)
    return parsed


def dataset_of(table: str) -> str:
    """The dataset in the name of a table; empty when the name is none of Ontem's."""
    found = re.fullmatch(_TABLE, table)
    return "" if found is None else found[1]


def _parsed_or_none(name: str) -> tuple[Slot, int] | None:
    found = re.fullmatch(rf"{_TABLE}@(?:([^@]+)\.)?r([1-9][0-9]*)", name)
    return None if found is None else (Slot(found[1], found[2], found[3] or ""), int(found[4]))


def _can_have(table: Table, slot: Slot) -> bool:
    """Whether a table has such partitions: each is a day, or there are none."""
    if not table.spec().fields:
        return not slot.partition
    return re.fullmatch(r"\d{4}-\d{2}-\d{2}", slot.partition, re.ASCII) is not None


def _missing(name: str) -> RevisionMissing:
    return RevisionMissing(
        name=name or "such revision", remedy="name one that `ontem snapshots` or a job printed"
    )


def facts_of(snapshot: Snapshot) -> str:
    """What the run that made a snapshot says of it, as JSON; empty when it was none of ours."""
    return _said(snapshot).get(Property.FACTS, "")


def run_of(snapshot: Snapshot) -> str:
    """The run that made a snapshot; empty when it was none of ours."""
    return _said(snapshot).get(Property.RUN, "")


def newest_number(table: Table, slot: Slot) -> int:
    """The number of the slot's newest revision in this state of its table, 0 without one."""
    return max((number for number, _ in _revisions(table, slot)), default=0)


def number_of_run(table: Table, slot: Slot, run: str) -> int | None:
    """The number under which a run is committed; None when it is not."""
    for number, snapshot_id in _revisions(table, slot):
        if _said(table.metadata.snapshot_by_id(snapshot_id)).get(Property.RUN) == run:
            return number
    return None


def _revisions(table: Table, slot: Slot) -> Iterator[tuple[int, int]]:
    """The number and the snapshot id of each revision of a slot."""
    for tag, ref in table.metadata.refs.items():
        number = slot.number_of(tag)
        if number is not None:
            yield number, ref.snapshot_id


def _said(snapshot: Snapshot | None) -> dict[str, str]:
    if snapshot is None or snapshot.summary is None:
        return {}
    return snapshot.summary.additional_properties
