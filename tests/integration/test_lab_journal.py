"""The journal of trials: rows are added, none is changed, and a killed step stays visible."""

import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from jobs.store.pins import Pins
from jobs.store.retention import expired
from ontem.cli import main
from ontem.generating.generate import generate
from ontem.lab import journal
from ontem.lab.journal_table import SLOT, State, read_rows
from ontem.lab.laboratory import Laboratory
from ontem.lab.recording import TrialWords, on_record
from stores.offline.revisions import tagged_revisions
from stores.offline.tables import find_table
from stores.postgres.connection import connect
from tests.integration.history import a_job
from tests.integration.lab_shop import environment_of

WORDS = TrialWords("t1", ("card_orders_3h_recent",), "do they hurry?")


@pytest.fixture
def laboratory(database_url: str, storage_url: str) -> Laboratory:
    return Laboratory(a_job(database_url, "redis://127.0.0.1:1", storage_url).settings)


def test_a_store_without_trials_has_an_empty_journal(laboratory: Laboratory) -> None:
    assert journal(laboratory).entries == ()
    assert repr(journal(laboratory)) == "no trial yet"


def test_a_killed_step_stays_visible(laboratory: Laboratory) -> None:
    program = (
        "import os, signal, sys\n"
        "from tests.integration.history import a_job\n"
        "from ontem.lab.laboratory import Laboratory\n"
        "from ontem.lab.recording import TrialWords, on_record\n"
        "laboratory = Laboratory(a_job(*sys.argv[1:]).settings)\n"
        "with on_record(laboratory, TrialWords('t', ('x',), 'why?'), 'lift', takes_long=True):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    settings = laboratory.settings
    words = (settings.postgres_url, settings.redis_url, settings.storage_url)
    done = subprocess.run([sys.executable, "-c", program, *words], check=False)

    assert done.returncode == -signal.SIGKILL
    with connect(settings.postgres_url, application_name="test", autocommit=True) as connection:
        alive = "SELECT FROM pg_stat_activity WHERE application_name = 'ontem trial'"
        while connection.execute(alive).fetchall():
            pass
    entry = journal(laboratory, most=1).entries[0]
    assert (entry.step, entry.state, entry.candidates) == ("lift", State.KILLED, ("x",))


def test_no_row_is_ever_changed_or_let_go(laboratory: Laboratory) -> None:
    with on_record(laboratory, WORDS, "lift", takes_long=True):
        before = list(read_rows(laboratory.store))
        assert journal(laboratory).entries[0].state is State.RUNNING
    with on_record(laboratory, WORDS, "check") as recording:
        recording.result = {"nearest": "card_orders_6h_recent"}

    after = list(read_rows(laboratory.store))
    assert [(row.step, row.state) for row in before] == [("lift", State.RUNNING)]
    assert after[0] == before[0]
    assert [(row.step, row.state) for row in after[1:]] == [
        ("lift", State.DONE),
        ("check", State.DONE),
    ]
    checked, lifted = journal(laboratory).entries
    assert checked.result == {"nearest": "card_orders_6h_recent"}
    assert lifted.seconds is not None
    table = find_table(laboratory.store, SLOT.table)
    assert table is not None
    revisions = tagged_revisions(table)
    assert len(revisions) == 3
    assert expired(revisions, Pins(), datetime.now(UTC) + timedelta(days=3650), {}) == []


@pytest.fixture
def ontem_trial(
    laboratory: Laboratory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """Runs `ontem trial` with its words."""
    (tmp_path / ".ontem").mkdir()
    monkeypatch.chdir(tmp_path)
    settings = replace(laboratory.settings, label_maturity=timedelta(days=30))
    environ = environment_of(settings)
    return lambda *words: CliRunner(env=environ).invoke(main, ["trial", *words])


def test_orders_of_a_file_stand_in_for_a_training_set(
    ontem_trial: Callable[..., Result], laboratory: Laboratory
) -> None:
    orders = generate(600, 120, 3, datetime(2018, 6, 1, tzinfo=UTC))
    orders = orders.append_column("merchant_id", pa.array(["shop"] * orders.num_rows))
    pq.write_table(orders, "orders.parquet")
    Path("no.parquet").write_text("order_id,event_at\n")
    words = ("peek", "ip_orders_12h_recent", "--question", "a burst?", "--orders")

    peeked, refused = ontem_trial(*words, "orders.parquet"), ontem_trial(*words, "no.parquet")

    assert "charged back orders and all of" in peeked.stdout, peeked.output
    (entry,) = journal(laboratory).entries
    assert entry.source == "600 orders that were given"
    assert refused.exit_code == 2
    assert "no.parquet is not a Parquet file" in " ".join(refused.stderr.split())


def test_a_step_that_ctrl_c_ends_is_interrupted(laboratory: Laboratory) -> None:
    with pytest.raises(KeyboardInterrupt), on_record(laboratory, WORDS, "lift", takes_long=True):
        raise KeyboardInterrupt

    assert journal(laboratory).entries[0].state is State.INTERRUPTED
