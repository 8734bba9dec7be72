"""Ctrl-C goes to all processes of an import at once: one of them answers it."""

import os
import signal
import subprocess
import sys

IMPORTING = """
import pyarrow as pa
from jobs.importing.mapping import FileMapping
from jobs.importing.pool import prepare_batches
from jobs.importing.prepare import Rules
from jobs.importing.source import open_source

if __name__ == "__main__":
    rows = 60_000
    table = pa.table({
        "order_id": [str(n) for n in range(rows)], "amount_cents": [1] * rows,
        "event_at": ["2018-06-01T12:00:00Z"] * rows,
    })
    columns = {name: name for name in table.column_names}
    source = open_source(table)
    rules = Rules("orders", FileMapping(), columns, 2**60)
    batches = prepare_batches(source.batches(list(columns)), rules, 2)
    next(batches)
    print("working", flush=True)
    input()
"""


def test_an_interrupted_import_has_no_traceback_of_its_other_processes() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", IMPORTING],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    ) as importing:  # fmt: skip
        assert importing.stdout is not None
        assert importing.stdout.readline() == "working\n"
        os.killpg(importing.pid, signal.SIGINT)
        _, errors = importing.communicate()

    assert errors.count("KeyboardInterrupt") == 1, errors
    assert "Process ForkServerProcess" not in errors
