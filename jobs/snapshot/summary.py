"""The last lines of a night."""

from jobs.snapshot.night import Night


def summary(night: Night) -> str:
    """What the load is, how much of it was new, and what took how long."""
    load = night.load
    if night.was_published:
        return f"load {load.load_id} as of {load.as_of} is published already: nothing was done"
    total = sum(night.seconds.values())
    return (
        f"load {load.load_id} as of {load.as_of} is published: {load.entities:,} entities, "
        f"{night.written:,} of them written, in {total:.1f} s\n  {load.revision}"
    )
