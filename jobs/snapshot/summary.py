"""The last lines that a night prints."""

from features_pkg.timelines.read import LISTED_DAYS
from jobs.snapshot.facts import SnapshotFacts
from jobs.snapshot.night import SnapshotResult
from stores.offline.revisions import Revision


def describe_made(made: Revision[SnapshotFacts], entities: int) -> str:
    """How many entities a snapshot has, how many had an event lately, and how many have a row."""
    activity = made.facts.activity
    rows = "it has all rows" if made.facts.parent is None else f"{made.rows:,} rows are new"
    return (
        f"  {entities:,} entities, {activity.active:,} of them active in the last {LISTED_DAYS} "
        f"days and {activity.inactive:,} inactive: {rows}"
    )


def summary(result: SnapshotResult) -> str:
    """What was published, how much of it was written, and how long it took."""
    load = result.load
    if result.was_published:
        return f"load {load.load_id} as of {load.as_of} is published already: nothing was done"
    total = sum(result.seconds.values())
    return (
        f"load {load.load_id} as of {load.as_of} is published: {load.entities:,} entities, "
        f"{result.written:,} of them written, in {total:.1f} s\n  {load.revision}"
    )
