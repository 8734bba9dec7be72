"""Two trainings at once write their models one after the other."""

import os
import subprocess
import sys
from pathlib import Path

from jobs.train.folder_lock import only_writer
from ontem.compose.model_folder import a_draft

ENVIRON = {
    "ONTEM_ENVIRONMENT": "development",
    "ONTEM_POSTGRES_URL": "postgresql://127.0.0.1:1/none",
    "ONTEM_REDIS_URL": "redis://127.0.0.1:1",
    "ONTEM_STORAGE_URL": "file:///nowhere",
    "ONTEM_ENTITY_KEY": "0a" * 32,
    "PYTHONUNBUFFERED": "1",
}


def another_model_step(folder: Path) -> "subprocess.Popen[str]":
    """`ontem compose model` for the model `current` in that folder."""
    return subprocess.Popen(
        [sys.executable, "-m", "ontem", "compose", "model"],
        env={**os.environ, **ENVIRON, "ONTEM_MODEL": str(folder / "current")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_a_second_one_waits_and_finds_the_model_of_the_first(tmp_path: Path) -> None:
    with only_writer(tmp_path, say=print), a_draft(tmp_path / "current") as draft:
        draft.mkdir()
        second = another_model_step(tmp_path)
        assert second.stdout is not None
        waiting = second.stdout.readline()
        assert draft.is_dir(), "the second one removed the draft of the first"
        (draft / "manifest.json").write_text("{}")

    printed, _ = second.communicate()
    assert waiting == f"waiting for another training that writes into {tmp_path}\n"
    assert printed == f"there is a model in {tmp_path / 'current'}\n"
    assert second.returncode == 0


def test_what_a_killed_one_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".draft-0a0b").mkdir()

    with only_writer(tmp_path, say=print), a_draft(tmp_path / "current") as draft:
        draft.mkdir()

    assert [path.name for path in tmp_path.iterdir()] == ["current"]


def test_a_folder_that_is_not_there_is_made_and_nothing_is_said(tmp_path: Path) -> None:
    said: list[str] = []

    with only_writer(tmp_path / "models", said.append):
        assert (tmp_path / "models").is_dir()

    assert said == []
