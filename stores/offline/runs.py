"""Runs: what a job has written, before and after a table names it."""

import hashlib
import importlib
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Final, Generic, TypeVar

import msgspec
import pyarrow.parquet as pq

from stores.offline.errors import FileDamaged
from stores.offline.files import Files

LIBRARIES: Final = ("numpy", "pyarrow", "pyiceberg", "pyspark", "scikit-learn", "tzdata")
RUNS: Final = "runs"
FILE_LIST: Final = "files.json"
CHUNK_BYTES: Final = 1 << 20

Facts = TypeVar("Facts")


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for revisions: one partition of a dataset's table, or all of it.

    The dataset is `snapshots` or `training_sets`, the id the timelines id or the feature set's
    version: together they name the table. The partition of a snapshot is its `as_of` (YYYY-MM-DD);
    a table whose revisions replace all of it has none.
    """

    dataset: str
    id: str
    partition: str = ""

    @property
    def table(self) -> str:
        """The name of the table."""
        return f"{self.dataset}_{self.id}"

    def tag(self, number: int) -> str:
        """The tag of a revision; the first one is 1."""
        return f"{self.partition}.r{number}" if self.partition else f"r{number}"

    def number_of(self, tag: str) -> int | None:
        """The number of the revision with that tag; None when it is of another slot."""
        digits = tag.removeprefix(self.tag(0)[:-1])
        return int(digits) if digits.isdecimal() and tag == self.tag(int(digits)) else None

    def name(self, number: int) -> str:
        """The name of a revision, as commands print it and `read_revision` takes it."""
        return f"{self.table}@{self.tag(number)}"


@dataclass(frozen=True, slots=True)
class Bounds:
    """The lowest and the highest value of a column in a file; an instant is epoch µs, bytes hex."""

    column: str
    lowest: int | str
    highest: int | str


@dataclass(frozen=True, slots=True)
class DataFile:
    """One immutable file of a run, and the bounds of some of its columns.

    Whoever looks for some values leaves out the files that can't have any. A column without bounds
    may have all values.
    """

    key: str
    rows: int
    bytes: int
    sha256: str
    bounds: tuple[Bounds, ...] = ()

    def bounds_of(self, column: str) -> Bounds | None:
        """The bounds of a column, None where they are not known."""
        return next((each for each in self.bounds if each.column == column), None)


@dataclass(frozen=True, slots=True)
class Provenance:
    """When, by which command and with which libraries a run was made."""

    at: datetime
    by: str
    libraries: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Generic[Facts]):
    """What one run has written: its files, and the `facts` that its dataset defines."""

    slot: Slot
    id: str
    files: tuple[DataFile, ...]
    facts: Facts
    provenance: Provenance

    @property
    def rows(self) -> int:
        """How many rows all files have."""
        return sum(file.rows for file in self.files)

    @property
    def bytes(self) -> int:
        """How many bytes all files have."""
        return sum(file.bytes for file in self.files)


def run_folder(dataset: str, run: str) -> str:
    """The key of the folder that a run writes to."""
    return f"{RUNS}/{dataset}/{run}"


def provenance(*, at: datetime, by: str) -> Provenance:
    """The provenance of what the command `by` makes at the instant `at` in this process."""
    return Provenance(at=at, by=by, libraries=library_versions())


def library_versions() -> dict[str, str]:
    """The versions of Python and of the libraries that values may depend on."""
    return {"python": platform.python_version()} | {name: _version(name) for name in LIBRARIES}


def _version(name: str) -> str:
    """The version of a library; one that a cluster brings along is no package that is installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return str(importlib.import_module(name).__version__)


def describe_files(files: Files, folder: str) -> tuple[DataFile, ...]:
    """Make the Parquet files of a run folder durable, and describe each that has rows.

    An empty file has no partition, so no table can name it.
    """
    described = (_describe_one(files, key) for key in files.make_durable(folder))
    return tuple(file for file in described if file.rows)


def write_file_list(files: Files, run: Run[Facts]) -> str:
    """Write the list of a run's files into its folder; the sha256 of that list."""
    content = msgspec.json.format(msgspec.json.encode(run.files), indent=1) + b"\n"
    files.write(file_list_key(run.slot.dataset, run.id), content)
    return hashlib.sha256(content).hexdigest()


def read_file_list(files: Files, dataset: str, run: str, sha256: str) -> tuple[DataFile, ...]:
    """The files of a committed run. Raises FileMissing or FileDamaged."""
    key = file_list_key(dataset, run)
    content = files.read(key)
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise FileDamaged(key=key, expected=sha256, found=found)
    return msgspec.json.decode(content, type=tuple[DataFile, ...])


def verify_files(files: Files, described: Iterable[DataFile]) -> None:
    """Raises FileMissing or FileDamaged unless every file is as it was committed."""
    for file in described:
        found = _sha256(files, file.key)
        if found != file.sha256:
            raise FileDamaged(key=file.key, expected=file.sha256, found=found)


def file_list_key(dataset: str, run: str) -> str:
    """The key of the list of a run's files."""
    return f"{run_folder(dataset, run)}/{FILE_LIST}"


def _describe_one(files: Files, key: str) -> DataFile:
    with files.open(key) as file:
        rows = pq.ParquetFile(file).metadata.num_rows
        size = int(file.size())
    return DataFile(key=key, rows=rows, bytes=size, sha256=_sha256(files, key))


def _sha256(files: Files, key: str) -> str:
    digest = hashlib.sha256()
    with files.open(key) as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
