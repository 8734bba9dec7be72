"""Removing files, and nothing beside those that are named."""

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Final

from stores.offline.errors import StorageUnusable
from stores.offline.files import Files, FoundFile
from stores.offline.runs import RUNS

_THREADS: Final = 16
_SAID_AFTER: Final = 1_000
_RUN_PARTS: Final = 3
"""The folder of a run, and that of one kind of files of a table, is at the third level."""


@dataclass(frozen=True, slots=True)
class RemovalFailure:
    """What could not be removed: a file, or a folder of which all files were to go."""

    key: str
    reason: str


def remove(
    files: Files,
    doomed: Sequence[FoundFile],
    present: Sequence[FoundFile],
    *,
    say: Callable[[str], None],
) -> list[RemovalFailure]:
    """Remove the files `doomed`; what could not be removed.

    In a bucket the folder of a run goes in one call for a thousand files when all files `present`
    in it are to go.
    """
    whole = set() if files.is_folder else _whole_runs(doomed, present)
    singles = [each.key for each in doomed if run_folder_of(each.key) not in whole]
    failures: list[RemovalFailure | None] = []
    with ThreadPoolExecutor(_THREADS) as pool:
        for start in range(0, len(singles), _SAID_AFTER):
            failures += pool.map(
                lambda key: _try(files.delete, key), singles[start : start + _SAID_AFTER]
            )
            say(f"  {min(start + _SAID_AFTER, len(singles)):,} of {len(singles):,} files")
        failures += pool.map(lambda folder: _try(files.delete_folder, folder), sorted(whole))
    if files.is_folder:
        _remove_empty(files, {parent for key in singles for parent in _deep_parents(key)})
    return [each for each in failures if each is not None]


def remove_empty_folders(files: Files, before: datetime) -> None:
    """Remove the folders of runs in which nothing is, and nothing was since `before`.

    A build that failed may leave one. A bucket has none.
    """
    if not files.is_folder:
        return
    old: set[str] = set()
    for folder, _, _ in os.walk(f"{files.base}/{RUNS}"):
        key = Path(folder).relative_to(files.base)
        with suppress(FileNotFoundError):  # a job has just removed it
            if len(key.parts) >= _RUN_PARTS and os.lstat(folder).st_mtime < before.timestamp():
                old.add(key.as_posix())
    _remove_empty(files, old)


def run_folder_of(key: str) -> str:
    """The folder of the run that a key is in; empty when it is in none."""
    parts = key.split("/")
    is_in_run = len(parts) > _RUN_PARTS and parts[0] == RUNS
    return "/".join(parts[:_RUN_PARTS]) if is_in_run else ""


def _whole_runs(doomed: Sequence[FoundFile], present: Sequence[FoundFile]) -> set[str]:
    staying = Counter(run_folder_of(each.key) for each in present)
    staying.subtract(run_folder_of(each.key) for each in doomed)
    return {folder for folder, count in staying.items() if folder and not count}


def _try(delete: Callable[[str], None], key: str) -> RemovalFailure | None:
    try:
        delete(key)
    except OSError as error:
        return RemovalFailure(key, error.strerror or str(error).splitlines()[0])
    except (ValueError, StorageUnusable):  # a bucket may have `a//b` and `a/../b`
        return RemovalFailure(key, "its key is not a path: remove it with another tool")
    return None


def _remove_empty(files: Files, folders: Collection[str]) -> None:
    """Remove those of the folders that nothing is in."""
    for folder in sorted(folders, key=len, reverse=True):
        try:
            os.rmdir(f"{files.base}/{folder}")  # noqa: PTH106  it refuses a folder with files
        except OSError:
            continue


def _deep_parents(key: str) -> Iterator[str]:
    """The folders that a key is in, down to the third level."""
    for parent in PurePosixPath(key).parents:
        if len(parent.parts) >= _RUN_PARTS:
            yield parent.as_posix()
