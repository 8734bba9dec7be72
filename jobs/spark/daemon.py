"""The process that Spark forks its Python workers from, which has imported what jobs send to them.

As Spark's own it imports none of it: each worker does, and after each task looks for garbage there.
"""

import gc
from importlib import import_module
from typing import Final

from pyspark.daemon import manager

SENT: Final = (
    "jobs.snapshot.timelines_in_spark",
    "jobs.snapshot.merging_in_spark",
    "jobs.snapshot.range_writer",
    "jobs.training_set.writing",
)
"""The modules of the functions that workers run."""
ON_THE_WAY: Final = ("pandas",)
"""What PyArrow imports as soon as it makes an array of Python's or NumPy's values."""


def import_what_is_sent() -> None:
    """Import it, and have nobody look for garbage among it."""
    for name in (*SENT, *ON_THE_WAY):
        import_module(name)
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    import_what_is_sent()
    manager()  # type: ignore[no-untyped-call]  # pyspark has no types for it
