"""The command `ontem store clean`: what it says, records and ends with."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import astuple
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ontem.cli import main
from stores.postgres.runs import newest_runs
from tests.integration.cleaning_shop import FOREVER, TRAINING, CleaningShop, a_cleaning_shop, a_day
from tests.integration.imports import ENVIRON
from tests.integration.offline_runs import Place

Ontem = Callable[..., Result]
PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def shop(database_url: str, storage_url: str, tmp_path: Path) -> Iterator[CleaningShop]:
    with a_cleaning_shop(Place(database_url, storage_url), tmp_path) as made:
        made.commit(TRAINING)
        made.commit(a_day(1))
        yield made


@pytest.fixture
def ontem(shop: CleaningShop, monkeypatch: pytest.MonkeyPatch) -> Ontem:
    """Runs `ontem` in an empty project with the shop's store."""
    (shop.folder / ".ontem").mkdir()
    monkeypatch.chdir(shop.folder)
    environ = {
        **ENVIRON,
        "ONTEM_POSTGRES_URL": shop.place.postgres_url,
        "ONTEM_STORAGE_URL": shop.place.storage_url,
    }
    return lambda *words: CliRunner(env=environ).invoke(main, ["store", "clean", *words])


def grow_old(shop: CleaningShop, *, days: int) -> None:
    """Let all files be written so many days ago."""
    at = (datetime.now(UTC) - timedelta(days=days)).timestamp()
    for key in shop.present():
        os.utime(f"{shop.store.files.base}/{key}", (at, at))


@pytest.mark.parametrize("made", [("models",), ()], ids=["an empty folder", "no folder"])
def test_a_model_that_ontem_model_names_and_that_is_not_there_is_refused(
    shop: CleaningShop,
    ontem: Ontem,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    made: tuple[str, ...],
) -> None:
    """It may be on a disk that is not mounted, and its training set would go."""
    folder = tmp_path / "models"
    for name in made:
        (tmp_path / name).mkdir()
    monkeypatch.setenv("ONTEM_MODEL", f"{folder}")
    grow_old(shop, days=2)
    before = shop.present()

    for words in ((), ("--dry-run",), ("--older-than", "1d")):
        done = ontem(*words)
        assert done.exit_code == 1
        assert f"ONTEM_MODEL is {folder}, and there is no model" in done.stderr
        assert "mount the folder, or unset it" in done.stderr
    assert shop.present() == before


def test_it_says_what_it_removes_and_a_dry_run_the_same(shop: CleaningShop, ontem: Ontem) -> None:
    run = shop.write(a_day(2), [b"of a killed run"])
    grow_old(shop, days=2)
    young = shop.write(a_day(2), [b"of a run that writes"])
    before = shop.present()

    dry, done = ontem("--dry-run"), ontem()

    size = run.files[0].bytes
    assert (dry.exit_code, done.exit_code) == (0, 0)
    assert f"runs/snapshots/{run.id}: 1 file, {size:,} bytes\n" in dry.output
    assert f"would remove 1 file, {size:,} bytes (data 1 file, {size:,} bytes)\n" in dry.output
    assert f"removed 1 file, {size:,} bytes (data 1 file, {size:,} bytes)\n" in done.output
    assert before - shop.present() == {run.files[0].key}
    assert young.files[0].key in shop.present()
    (record,) = newest_runs(shop.connection, 9)
    assert (record.command, record.outcome, record.bytes) == ("store clean", "done", size)


def test_names_that_no_terminal_shows_are_said_with_escapes(
    shop: CleaningShop, ontem: Ontem
) -> None:
    odd = os.fsencode(shop.store.files.base) + b"/runs/snapshots/a\nb\xff"
    os.mkdir(odd)  # noqa: PTH102  a path of bytes
    with open(odd + b"/part", "wb"):  # noqa: PTH123
        pass
    os.utime(odd + b"/part", (0, 0))

    done = ontem()

    assert r"runs/snapshots/a\nb\udcff: 1 file, 0 bytes" in done.output
    assert done.exit_code == 0
    assert not os.path.exists(odd)  # noqa: PTH110


def test_where_nothing_is_to_be_done_it_says_so(shop: CleaningShop, ontem: Ontem) -> None:
    grow_old(shop, days=400)

    assert ontem().output.endswith("removed 0 files, 0 bytes\n")
    assert newest_runs(shop.connection, 1)[0].outcome == "unchanged"


@pytest.mark.parametrize(
    ("age", "sentence"),
    [
        ("12h", "12h is less than 1d, the least age"),
        ("0d", "give an age of 1d or more"),
        ("30", "'30' is not an age; write it like 30d"),
        ("-3d", "'-3d' is not an age"),
        ("99999999d", "99999999d is more than 36500d"),
    ],
)
def test_an_age_that_is_malformed_or_too_short_is_refused(
    shop: CleaningShop, ontem: Ontem, age: str, sentence: str
) -> None:
    shop.write(a_day(2), [b"of a killed run"])
    grow_old(shop, days=40)
    before = shop.present()

    result = ontem("--older-than", age)

    assert result.exit_code == 2
    assert sentence in " ".join(result.output.split())
    assert shop.present() == before
    assert newest_runs(shop.connection, 1) == []


def test_revisions_of_today_do_not_expire_whatever_the_files_say(
    shop: CleaningShop, ontem: Ontem
) -> None:
    shop.commit(TRAINING)
    grow_old(shop, days=400)

    assert ontem("--older-than", "1d").exit_code == 0
    assert shop.names(TRAINING) == ["r1", "r2"]


KILLED = """
import os, signal, sys
from pathlib import Path
import jobs.store.clean
from stores.offline.files import Files
from tests.integration.cleaning_shop import FOREVER, a_cleaning_shop
from tests.integration.offline_runs import Place
stage = sys.argv[1]

def kill(*arguments, **named):
    os.kill(os.getpid(), signal.SIGKILL)

def expire_then_kill(*arguments, expire=jobs.store.clean.commit_until_first):
    expire(*arguments)
    kill()

def delete_some(self, key, delete=Files.delete, left=[3]):
    left[0] -= 1
    delete(self, key) if left[0] > 0 else kill()

if stage == "look":
    jobs.store.clean.commit_until_first = kill
elif stage == "one table expired":
    jobs.store.clean.commit_until_first = expire_then_kill
elif stage == "all expired":
    jobs.store.clean.remove = kill
else:
    Files.delete = delete_some
with a_cleaning_shop(Place(*sys.argv[3:]), Path(sys.argv[2])) as shop:
    shop.clean(expire=FOREVER)
"""


@pytest.mark.parametrize("stage", ["look", "one table expired", "all expired", "some removed"])
def test_after_one_that_was_killed_readers_see_whole_tables_and_the_next_one_finishes(
    shop: CleaningShop, stage: str
) -> None:
    for day in (1, 2, 2):
        shop.commit(a_day(day))
        shop.commit(TRAINING)
    shop.write(a_day(2), [b"of a killed run"])
    words = [stage, f"{shop.folder}", *astuple(shop.place)]
    killed = subprocess.run([sys.executable, "-c", KILLED, *words], cwd=PROJECT, check=False)

    assert killed.returncode == -signal.SIGKILL
    shop.check_whole()
    shop.clean(expire=FOREVER)
    assert shop.names(TRAINING) == ["r4"]
    assert shop.names(a_day(1)) == ["2018-06-02.r2"]
    runs = {key.split("/")[2] for key in shop.store.files.list("runs")}
    assert len(runs) == 2
    shop.check_whole()
