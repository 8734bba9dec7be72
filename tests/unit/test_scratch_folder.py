"""Spark's scratch files go where this user may write."""

import os
import tempfile
from pathlib import Path

import pytest

from jobs.entry import scratch_folder


@pytest.fixture
def may_write(monkeypatch):
    """Says which folders may be written; root may write all of them."""

    def only(*folders):
        monkeypatch.setattr(os, "access", lambda path, _mode: Path(path) in folders)

    return only


def test_they_are_in_the_project(tmp_path, may_write):
    may_write(tmp_path)

    assert scratch_folder(tmp_path) == tmp_path / ".ontem" / "spark"


def test_where_the_project_is_read_only_they_are_in_a_temporary_folder(tmp_path, may_write):
    may_write()

    folder = scratch_folder(tmp_path)

    assert folder.parent == Path(tempfile.gettempdir())
    assert str(os.getuid()) in folder.name


def test_a_folder_in_the_project_that_is_read_only_is_not_written(tmp_path, may_write):
    (tmp_path / ".ontem").mkdir()
    may_write(tmp_path)

    assert scratch_folder(tmp_path).parent == Path(tempfile.gettempdir())
