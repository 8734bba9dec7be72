"""A first extraction of a large history beside a plain `COPY` of the same rows."""

import re
import subprocess
import sys
import time
from statistics import median

from benchmarks.size import ORDERS, repetitions
from benchmarks.warm_stack import DAYS, ImportedStack, imported_stack
from jobs.extract.copying import copy_statements
from stores.postgres.connection import Connection, connect
from stores.settings import Settings

ALL_KEYS = 2**62
"""Above every recorded key."""
EXTRACTIONS = repetitions(5)


def measure() -> list[str]:
    """The lines of the section: both take turns."""
    stack = imported_stack()
    url = Settings.from_environ(stack.environ).postgres_url
    with connect(url, application_name="bench", autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        pairs = [(_copy(connection), _extract_all(stack)) for _ in range(EXTRACTIONS)]
    ratios = sorted(extracted / copied for copied, extracted in pairs)
    copy_seconds, extract_seconds = map(median, zip(*pairs, strict=True))
    return [
        "## An extraction of everything against `COPY`",
        "",
        (
            f"{ORDERS:,} generated orders of {DAYS} days. {EXTRACTIONS} times in turn, one client "
            "copied all rows to nowhere by the queries of an extraction, and `ontem extract "
            "--full` wrote them."
        ),
        "",
        "| | median, s |",
        "|---|---|",
        f"| `COPY … TO STDOUT` | {copy_seconds:.1f} |",
        f"| extraction | {extract_seconds:.1f} |",
        "",
        (
            f"Pair by pair the extraction took **{median(ratios):.1f} times** as long "
            f"({ratios[0]:.1f} to {ratios[-1]:.1f}); the goal is at most 3 times."
        ),
    ]


def _copy(connection: Connection) -> float:
    """The seconds in which all rows of an extraction are copied out and thrown away."""
    start = time.perf_counter()
    for statement, _ in copy_statements(None, ALL_KEYS):
        with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            for _ in copy:
                pass
    return time.perf_counter() - start


def _extract_all(stack: ImportedStack) -> float:
    """The seconds that an extraction of everything says it took, without the start of Python."""
    command = [sys.executable, "-m", "ontem", "extract", "--full"]
    done = subprocess.run(
        command, cwd=stack.folder, env=stack.environ, check=True, stdout=subprocess.PIPE, text=True
    )
    found = re.search(r"extract: ([0-9.]+) s", done.stdout)
    assert found is not None, done.stdout
    return float(found[1])
