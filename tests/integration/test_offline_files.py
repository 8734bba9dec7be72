"""The files below the storage root, and which roots there are."""

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.library_errors import ending
from stores.offline.errors import (
    StorageUnusable,
)
from stores.offline.files import Files, open_files
from stores.offline.tables import (
    open_store,
)
from tests.integration.offline_runs import Place


@pytest.fixture
def files(storage_url: str) -> Files:
    return open_files(storage_url, Place("", storage_url))


def test_a_file_is_replaced_at_once_and_leaves_no_draft(files: Files, storage_folder: Path) -> None:
    files.write("a/b.json", b"first")
    files.write("a/b.json", b"second")

    assert files.read("a/b.json") == b"second"
    assert [path.name for path in (storage_folder / "a").iterdir()] == ["b.json"]


def test_a_disk_that_is_full_is_named_by_the_file_that_had_no_room(
    files: Files, storage_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_no_room(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", find_no_room)
    with pytest.raises(OSError, match="No space left") as caught:
        files.write("a/b.json", b"first")

    end = ending(caught.value)
    assert end is not None
    assert end.sentence.startswith(f"{storage_folder / 'a' / 'b.json'}: No space left on device: ")
    assert list((storage_folder / "a").iterdir()) == []


def test_a_key_that_leads_out_of_the_root_is_refused(files: Files) -> None:
    for use in (files.open, files.exists, files.list, files.location):
        with pytest.raises(StorageUnusable, match="leads out"):
            use("runs/../../etc/passwd")  # type: ignore[operator]


@pytest.mark.parametrize(
    "url", ["s3a://bucket/prefix", "gs://bucket", "/a/path", "file://host/folder"]
)
def test_a_root_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(StorageUnusable, match="ONTEM_STORAGE_URL"):
        open_files(url, Place("", url))


def test_a_bucket_that_is_not_there_is_a_sentence(place: Place) -> None:
    if place.storage_url.startswith("s3:"):
        with pytest.raises(StorageUnusable, match="there is no bucket nobody-made-it"):
            open_store(replace(place, storage_url="s3://nobody-made-it/root"))


def test_a_root_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StorageUnusable, match="exists"):
        open_files((tmp_path / "file").as_uri(), Place("", ""))
