"""The wheels of a commit: Ontem with the model that serves, and the client of merchants."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from features_pkg.models.signing import VerifyKeys
from ontem.delivery.client_wheel import ROOM, client_wheel_of
from ontem.delivery.errors import NotPackaged
from ontem.delivery.wheel import BUILT_NAME, Wheel, read_wheel
from ontem.version import ELSEWHERE, refusal_to_count


def make_package(project: Path, keys: VerifyKeys) -> Wheel:
    """The wheel of the commit that is checked out, in `dist`; the same bytes every time.

    Beside it there is the client's wheel of the same commit, and no other.

    Raises NotPackaged, and WheelRefused for one without a shipped model that is current, is
    signed by one of these keys and loads.
    """
    _refuse_other_than_a_commit(project)
    with tempfile.TemporaryDirectory() as scratch:
        wheel = read_wheel(_build(project, project, Path(scratch, "ontem")), keys)
        built = _build(project, project / ROOM, Path(scratch, ROOM))
        client = client_wheel_of(wheel._replace(path=built))
        _refuse_files_of_no_commit(project, (*wheel.files, *client.files))
        dist = project / "dist"
        dist.mkdir(exist_ok=True)
        # an image takes the one that is there
        for older in (*dist.glob("ontem-*.whl"), *dist.glob(f"{ROOM}-*.whl")):
            older.unlink()
        shutil.move(client.path, dist / client.path.name)
        return wheel._replace(path=Path(shutil.move(wheel.path, dist / wheel.path.name)))


def _refuse_other_than_a_commit(project: Path) -> None:
    """Refuse changed files, those too that git was told to take for unchanged.

    An index that was never used knows no such marks, and no times of files: each file is read.
    """
    if reason := refusal_to_count(project):
        raise NotPackaged(reason)
    with tempfile.TemporaryDirectory() as scratch:
        index = Path(scratch, "index")
        _git(project, "read-tree", "HEAD", index=index)
        words = ("status", "--porcelain", "--untracked-files=normal", "-z")
        changed = _git(project, "-c", "core.fsmonitor=false", *words, index=index)
    if changed:
        _, name = changed.split("\0")[0].split(maxsplit=1)
        raise NotPackaged(f"files differ from the commit, such as {name}: commit or remove them")


def _refuse_files_of_no_commit(project: Path, files: Iterable[str]) -> None:
    """Refuse what git was told to overlook and hatchling packs, as by a user's own ignore file."""
    committed = {BUILT_NAME, *_git(project, "ls-files", "-z").split("\0")}
    for name in files:
        if name not in committed and ".dist-info/" not in name:
            raise NotPackaged(f"the wheel would have {name}, which is not committed: remove it")


def _build(project: Path, room: Path, folder: Path) -> Path:
    # What a wheel has of time is that of the commit, so two builds of one are equal.
    environ = {**os.environ, "SOURCE_DATE_EPOCH": _git(project, "log", "-1", "--format=%ct")}
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(
        command, cwd=room, env=environ, capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise NotPackaged(f"hatchling does not build the wheel ({last})")
    (wheel,) = folder.glob("*.whl")
    return wheel


def _git(project: Path, *words: str, index: Path | None = None) -> str:
    """What git answers about `project`, with that index or its own. Raises NotPackaged."""
    environ = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
    if index is not None:
        environ["GIT_INDEX_FILE"] = str(index)
    done = subprocess.run(
        ["git", "-C", str(project), *words],
        env=environ, capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise NotPackaged(f"git can't say what is committed ({last}): look at the checkout with it")
    return done.stdout.strip()
