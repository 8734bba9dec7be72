"""Scratch files of a Spark go when their process has ended, and not before."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jobs.spark.own_folder import FOLDER, own_folder

PROCESS = """
import sys
from pathlib import Path
from jobs.spark.own_folder import own_folder

print(own_folder(Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


@contextmanager
def a_job(scratch: Path) -> Iterator[Path]:
    """The folder of another process with blocks in it; at the end the process is killed."""
    command = [sys.executable, "-c", PROCESS, str(scratch)]
    job = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert job.stdout is not None
        folder = Path(job.stdout.readline().strip())
        (folder / "blockmgr-1" / "0c").mkdir(parents=True)
        (folder / "blockmgr-1" / "0c" / "shuffle_0_0_0.data").write_bytes(b"blocks")
        yield folder
    finally:
        job.kill()
        job.communicate()


def test_what_a_killed_one_left_goes_and_what_a_living_one_has_stays(tmp_path: Path) -> None:
    with a_job(tmp_path) as killed:
        pass
    with a_job(tmp_path) as first, a_job(tmp_path) as second:
        assert not killed.exists()
        assert (first / "blockmgr-1").is_dir()
        assert {first, second} == set((tmp_path / FOLDER).iterdir())


def test_a_process_has_one_folder_for_all_its_sessions(tmp_path: Path) -> None:
    folder = own_folder(tmp_path / "João 50%")

    assert folder.is_dir()
    assert own_folder(tmp_path / "João 50%") == folder


def test_what_is_beside_the_folders_stays(tmp_path: Path) -> None:
    (tmp_path / "traceback.txt").write_text("where")
    own_folder(tmp_path)

    assert (tmp_path / "traceback.txt").read_text() == "where"
