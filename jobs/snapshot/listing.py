"""What the offline store has of snapshots, and the loads that were made from them."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from jobs.snapshot.facts import parent_in
from stores.offline.revisions import TaggedRevision
from stores.postgres.loads import LoadRow


@dataclass(frozen=True, slots=True)
class ListedLoad:
    """A load and how it stands, in words."""

    load_id: int
    entity_key_id: str
    entities: int
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSnapshot:
    """A revision, or what is known of one that the store has no more: then `rows` is None.

    `rows` are its own; those of a delta stand beside the rows of its `parent`.
    """

    as_of: date
    revision: str
    snapshot_id: int
    rows: int | None = None
    bytes: int | None = None
    committed_at: datetime | None = None
    parent: str | None = None
    loads: tuple[ListedLoad, ...] = ()


def listed_snapshots(
    revisions: Iterable[TaggedRevision],
    rows: Sequence[LoadRow],
    *,
    key_id: str,
    listed: Sequence[LoadRow | None],
) -> list[ListedSnapshot]:
    """All revisions and what loads name, by day; a load in Redis' list is among `listed`.

    A name may be used again once its revision was let go, so a load is found by its snapshot id.
    """
    loads: defaultdict[int, list[ListedLoad]] = defaultdict(list)
    lost: dict[int, LoadRow] = {}
    newest_listed = max((row.load_id for row in listed if row is not None), default=0)
    for row in rows:
        if row.entity_key_id != key_id:
            state = f"of another ONTEM_ENTITY_KEY ({row.entity_key_id})"
        else:
            state = _state(row, is_listed=row in listed, newest_listed=newest_listed)
        load = ListedLoad(row.load_id, row.entity_key_id, row.entities, state)
        loads[row.snapshot_id].append(load)
        lost[row.snapshot_id] = row
    found = []
    for each in revisions:
        lost.pop(each.snapshot_id, None)
        parent = parent_in(each.facts)
        found.append(
            ListedSnapshot(
                as_of=date.fromisoformat(each.slot.partition),
                revision=each.name,
                snapshot_id=each.snapshot_id,
                rows=each.rows,
                bytes=each.bytes,
                committed_at=each.committed_at,
                parent=None if parent is None else parent.revision,
                loads=tuple(loads[each.snapshot_id]),
            )
        )
    found += [
        ListedSnapshot(
            as_of=row.as_of, revision=row.revision, snapshot_id=snapshot_id,
            loads=tuple(loads[snapshot_id]),
        )
        for snapshot_id, row in lost.items()
    ]  # fmt: skip
    return sorted(found, key=lambda each: each.as_of)


def describe(snapshot: ListedSnapshot) -> str:
    """The snapshot for people, with a line for each load."""
    if snapshot.rows is None or snapshot.bytes is None or snapshot.committed_at is None:
        state = "not in the offline store any more"
    else:
        committed = f"{snapshot.committed_at:%Y-%m-%d %H:%M}Z"
        kind = "full" if snapshot.parent is None else f"delta on {snapshot.parent.split('@')[1]}"
        size = f"{snapshot.rows:,} rows, {snapshot.bytes / 1e6:,.1f} MB"
        state = f"{kind}, {size}, committed {committed}"
    lines = [f"as of {snapshot.as_of}  {snapshot.revision}  {state}"]
    lines += [
        f"  load {load.load_id}  {load.entities:,} entities  {load.state}"
        for load in snapshot.loads
    ]
    return "\n".join(lines)


def as_json(snapshot: ListedSnapshot) -> str:
    """The snapshot as one line of JSON; what is not known any more is null."""
    at = snapshot.committed_at
    return json.dumps(
        {
            "as_of": snapshot.as_of.isoformat(),
            "revision": snapshot.revision,
            "snapshot_id": snapshot.snapshot_id,
            "rows": snapshot.rows,
            "bytes": snapshot.bytes,
            "committed_at": None if at is None else at.isoformat(),
            "parent": snapshot.parent,
            "loads": [
                {
                    "load_id": load.load_id,
                    "entity_key_id": load.entity_key_id,
                    "entities": load.entities,
                    "state": load.state,
                }
                for load in snapshot.loads
            ],
        }
    )


def _state(row: LoadRow, *, is_listed: bool, newest_listed: int) -> str:
    if is_listed:
        return f"published {row.published_at:%Y-%m-%d %H:%M}Z" if row.published_at else "published"
    if row.withdrawn_at:
        return f"withdrawn {row.withdrawn_at:%Y-%m-%d %H:%M}Z"
    if not row.published_at:
        return "not finished"
    return "replaced by newer loads" if row.load_id < newest_listed else "lost by Redis"
