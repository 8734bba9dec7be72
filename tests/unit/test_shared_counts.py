"""The files in which the processes of a service count: none is lost, none is left behind."""

import subprocess
import sys
from pathlib import Path

import pytest

from service.metrics import files
from service.metrics.files import SharedCounts


def names(counts: SharedCounts) -> set[str]:
    return {path.name for path in counts.folder.glob("*.db")}


def test_a_slot_is_given_anew_only_after_its_process_has_ended(tmp_path: Path):
    counts = SharedCounts((tmp_path,))
    first, second = counts.begin(), counts.begin()
    counts.end(first)

    assert (first, second) == (0, 1)
    assert "counter_0.db" in names(counts)  # what it counted stays
    assert "gauge_livesum_0.db" not in names(counts)  # what it was doing does not
    assert counts.begin() == 0
    assert counts.begin() == 2


def test_the_space_of_a_file_is_taken_before_a_process_counts(tmp_path: Path):
    counts = SharedCounts((tmp_path,))
    counts.begin()

    for path in counts.folder.glob("*.db"):
        assert path.stat().st_blocks * 512 >= path.stat().st_size > 0


def test_a_process_without_space_for_its_files_counts_for_itself(tmp_path: Path, monkeypatch):
    counts = SharedCounts((tmp_path,))
    counts.folder.chmod(0o500)
    monkeypatch.setattr(files, "_BYTES", {"counter": 1 << 62})  # more than any disk has

    assert counts.begin() is None


def test_the_folder_of_a_killed_service_is_removed_and_that_of_a_running_one_is_not(tmp_path: Path):
    running = SharedCounts((tmp_path,))
    program = (
        "import os, pathlib, sys; from service.metrics.files import SharedCounts;"
        "counts = SharedCounts((pathlib.Path(sys.argv[1]),)); counts.begin();"
        "print(counts.folder, flush=True); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert Path(killed.stdout.strip()).is_dir()
    other = SharedCounts((tmp_path,))

    assert {path.name for path in tmp_path.iterdir()} == {running.folder.name, other.folder.name}


def test_another_folder_is_taken_where_the_first_is_not_there(tmp_path: Path):
    counts = SharedCounts((tmp_path / "nowhere", tmp_path))

    assert counts.folder.parent == tmp_path
    counts.close()
    assert list(tmp_path.iterdir()) == []


def test_without_any_folder_there_are_no_counts(tmp_path: Path):
    with pytest.raises(OSError, match="nowhere"):
        SharedCounts((tmp_path / "nowhere",))
