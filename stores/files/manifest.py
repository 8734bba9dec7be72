"""Manifests: what is committed to the offline store, and where every reader starts.

A run writes its files into a folder of its own. Then it commits them: it creates a manifest as the
next revision of a slot. No reader finds files without a manifest, so a run that fails, is killed or
is repeated changes nothing that was committed.
"""

import hashlib
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Final, Generic, TypeVar

import msgspec
import pyarrow.parquet as pq

from stores.files.store import OfflineError, OfflineStore

LAYOUT: Final = 1
LIBRARIES: Final = ("numpy", "pyarrow", "pyspark", "scikit-learn", "tzdata")

Facts = TypeVar("Facts")


class ManifestMissing(OfflineError):
    """There is no such manifest: the slot has no revision, or not this one."""

    def __init__(self, *, key: str, remedy: str) -> None:
        super().__init__(f"there is no {key} in the offline store: {remedy}")
        self.key, self.remedy = key, remedy


class ManifestUnreadable(OfflineError):
    """A file that is not a manifest of this layout."""

    def __init__(self, *, key: str, reason: str) -> None:
        super().__init__(f"the manifest {key} can't be read ({reason}): build it again")
        self.key, self.reason = key, reason


class FileDamaged(OfflineError):
    """A file that has changed since it was committed."""

    def __init__(self, *, key: str, expected: str, found: str) -> None:
        super().__init__(f"{key} has sha256 {found}, its manifest says {expected}: build it again")
        self.key, self.expected, self.found = key, expected, found


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for the revisions of one manifest: a dataset, its id and its partition.

    The id is the timelines id or the feature set's version. The partition of a snapshot is its
    `as_of` (YYYY-MM-DD); a dataset without partitions has `all`.
    """

    dataset: str
    id: str
    partition: str

    def key(self, revision: int) -> str:
        """The key of a revision; the first one is 1."""
        return f"manifests/{self.dataset}/{self.id}/{self.partition}/{revision:06d}.json"


def revision_of(key: str) -> int:
    """The revision in the key of a manifest."""
    return int(key.rpartition("/")[2].removesuffix(".json"))


@dataclass(frozen=True, slots=True)
class DataFile:
    """One immutable file of a run."""

    key: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """When, by which command and with which libraries a manifest was made."""

    at: datetime
    by: str
    libraries: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest(Generic[Facts]):
    """A committed run: its files, and the `facts` that its dataset defines."""

    slot: Slot
    run: str
    files: tuple[DataFile, ...]
    facts: Facts
    provenance: Provenance
    layout: int = LAYOUT

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
    return f"runs/{dataset}/{run}"


def provenance(*, at: datetime, by: str) -> Provenance:
    """The provenance of what the command `by` makes at the instant `at` in this process."""
    return Provenance(at=at, by=by, libraries=library_versions())


def library_versions() -> dict[str, str]:
    """The versions of Python and of the libraries that values may depend on."""
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}


def describe_files(store: OfflineStore, folder: str) -> tuple[DataFile, ...]:
    """Make the Parquet files of a run folder durable, and describe each."""
    return tuple(_describe_one(store, key) for key in store.make_durable(folder))


def commit_manifest(store: OfflineStore, manifest: Manifest[Facts]) -> str:
    """Create `manifest` as the next revision of its slot; the key of that revision.

    Runs that commit at the same time get a revision each.
    """
    revision = newest_revision(store, manifest.slot) + 1
    while not commit_revision(store, manifest, revision):
        revision += 1
    return manifest.slot.key(revision)


def commit_revision(store: OfflineStore, manifest: Manifest[Facts], revision: int) -> bool:
    """Create `manifest` as just this revision; False where another run has committed it."""
    content = msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"
    return store.create(manifest.slot.key(revision), content)


def newest_revision(store: OfflineStore, slot: Slot) -> int:
    """The newest revision of a slot, 0 when it has none.

    Revisions have no gaps, so a binary search finds it without listing, which object stores do
    slowly.
    """
    absent = 1
    while store.exists(slot.key(absent)):
        absent *= 2
    present = absent // 2
    while absent - present > 1:
        middle = (present + absent) // 2
        if store.exists(slot.key(middle)):
            present = middle
        else:
            absent = middle
    return present


def read_manifest(store: OfflineStore, key: str, facts: type[Facts]) -> Manifest[Facts]:
    """The manifest under `key`; its facts are of the type `facts`.

    Raises ManifestMissing or ManifestUnreadable.
    """
    if not store.exists(key):
        raise ManifestMissing(key=key, remedy="name one that `ontem snapshots` or a job printed")
    with store.open(key) as file:
        content = file.read()
    try:
        manifest: Manifest[Facts] = msgspec.json.decode(content, type=Manifest[facts])  # type: ignore[valid-type]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ManifestUnreadable(key=key, reason=str(error)) from None
    if manifest.layout != LAYOUT:
        raise ManifestUnreadable(key=key, reason=f"layout {manifest.layout}, known is {LAYOUT}")
    return manifest


def verify_files(store: OfflineStore, files: Iterable[DataFile]) -> None:
    """Raises FileMissing or FileDamaged unless every file is as it was committed."""
    for file in files:
        found = _sha256(store, file.key)
        if found != file.sha256:
            raise FileDamaged(key=file.key, expected=file.sha256, found=found)


def _describe_one(store: OfflineStore, key: str) -> DataFile:
    with store.open(key) as file:
        rows = pq.ParquetFile(file).metadata.num_rows
        size = file.seek(0, 2)
    return DataFile(key=key, rows=rows, bytes=size, sha256=_sha256(store, key))


def _sha256(store: OfflineStore, key: str) -> str:
    with store.open(key) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
