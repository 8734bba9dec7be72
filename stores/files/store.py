"""The offline store: files below the storage root, each under its key.

A key is a relative path with forward slashes, so that a folder and a bucket look the same from
outside. Files are never replaced: a key that exists keeps its bytes.
"""

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from features_pkg.errors import OntemError


class OfflineError(OntemError):
    """Base of the errors of the offline store."""


class StorageUnusable(OfflineError):
    """The storage root can't be used."""

    def __init__(self, *, url: str, reason: str) -> None:
        super().__init__(f"the storage root {url} can't be used ({reason}): set ONTEM_STORAGE_URL")
        self.url, self.reason = url, reason


class FileMissing(OfflineError):
    """There is no file under a key that a manifest or a caller names."""

    def __init__(self, *, key: str, root: str) -> None:
        super().__init__(
            f"there is no {key} below {root}: set ONTEM_STORAGE_URL to where the files are now"
        )
        self.key, self.root = key, root


class OfflineStore(Protocol):
    """Immutable files by key."""

    def create(self, key: str, content: bytes) -> bool:
        """Create a file with `content`, at once and durably; False when the key exists."""
        ...

    def exists(self, key: str) -> bool:
        """Whether there is a file under `key`."""
        ...

    def open(self, key: str) -> BufferedReader:
        """The file, opened for reading. Raises FileMissing."""
        ...

    def location(self, key: str) -> str:
        """The URL under which Spark writes a folder; nothing in it is percent-encoded."""
        ...

    def make_durable(self, folder: str) -> tuple[str, ...]:
        """Make all files below `folder` durable; the keys of the Parquet files, sorted.

        Only the run that writes the folder calls this: readers start at a manifest.
        """
        ...


@dataclass(frozen=True, slots=True)
class FolderStore:
    """An `OfflineStore` in a folder, of this machine or of a disk that all machines mount."""

    root: Path

    def create(self, key: str, content: bytes) -> bool:
        """Write a draft, then link it: the file appears with all its bytes or not at all."""
        target = self._path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.parent / f".{target.name}.{uuid.uuid4().hex}"
        try:
            with draft.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, target)
        except FileExistsError:
            return False
        finally:
            draft.unlink(missing_ok=True)
        _sync(target.parent)
        return True

    def exists(self, key: str) -> bool:
        """Whether there is a file under `key`."""
        return self._path(key).is_file()

    def open(self, key: str) -> BufferedReader:
        """The file, opened for reading. Raises FileMissing."""
        try:
            return self._path(key).open("rb")
        except FileNotFoundError:
            raise FileMissing(key=key, root=self.root.as_uri()) from None

    def location(self, key: str) -> str:
        """The URL under which Spark writes a folder.

        Hadoop encodes what it is given: of `%20` it makes a folder of that very name.
        """
        return f"file://{self._path(key)}"

    def make_durable(self, folder: str) -> tuple[str, ...]:
        """Make all files below `folder` durable; the keys of the Parquet files, sorted."""
        below = self._path(folder)
        for path in _tree(below):
            _sync(path)
        keys = (path.relative_to(self.root).as_posix() for path in below.rglob("*.parquet"))
        return tuple(sorted(keys))

    def _path(self, key: str) -> Path:
        path = (self.root / key).resolve()
        if not path.is_relative_to(self.root.resolve()):
            raise StorageUnusable(url=self.root.as_uri(), reason=f"{key!r} leads out of it")
        return self.root / key


def open_store(url: str) -> OfflineStore:
    """The store at a root URL such as `file:///folder`; the folder is created if it is missing.

    Raises StorageUnusable when the URL is of another kind or the folder can't be written to.
    """
    parts = urlsplit(url)
    if parts.scheme != "file" or parts.netloc:
        raise StorageUnusable(url=url, reason="only file:///an/absolute/folder is supported")
    root = Path(unquote(parts.path))
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageUnusable(url=url, reason=error.strerror or str(error)) from error
    if not os.access(root, os.W_OK | os.X_OK):
        raise StorageUnusable(url=url, reason="this user may not write there")
    return FolderStore(root)


def _tree(folder: Path) -> Iterator[Path]:
    """All files and folders below `folder`, then the folder itself."""
    yield from folder.rglob("*")
    yield folder


def _sync(path: Path) -> None:
    """Make the operating system write a file or a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
