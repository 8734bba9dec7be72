"""The process that Spark forks its Python workers from, which has imported what jobs send to them.

As Spark's own it imports none of it: each worker does, and after each task looks for garbage there.
"""

import gc
import zipimport
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


def keep_zip_directories() -> None:
    """Leave what is known of zip files as it is, such as of Spark's own.

    Before each task a worker lets Python forget what it knows of all folders, for a job may have
    sent new files. Python 3.11 then reads the list of each zip file at once, which takes 0.1 s, and
    no zip file changes while workers live.
    """
    zipimport.zipimporter.invalidate_caches = _keep  # type: ignore[assignment,method-assign]


def _keep(_self: zipimport.zipimporter) -> None:
    """Forget nothing."""


if __name__ == "__main__":
    import_what_is_sent()
    keep_zip_directories()
    manager()  # type: ignore[no-untyped-call]  # pyspark has no types for it
