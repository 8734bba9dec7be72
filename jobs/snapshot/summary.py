"""The last lines that a night prints."""

from jobs.snapshot.night import SnapshotResult


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
