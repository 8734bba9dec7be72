"""Files below the storage root, each under its key: a folder and a bucket look the same.

A key is a relative path with forward slashes. A run writes each of its keys once.
"""

import os
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, cast
from urllib.parse import unquote, urlsplit

import pyarrow as pa
from pyarrow import fs

from stores.offline.errors import FileMissing, StorageUnavailable, StorageUnusable, s3_can_pass

S3_SCHEME = "s3"
WRITABLE = ".writable"
"""The key of an empty file: who can write it may use the root."""
MISSING = ".missing"


class S3Address(Protocol):
    """Where S3 is, when it is not where AWS has it."""

    @property
    def s3_endpoint(self) -> str:
        """The URL of another server than AWS; empty for AWS."""
        ...

    @property
    def s3_region(self) -> str:
        """The region; empty to ask AWS for that of the bucket."""
        ...


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file that is there, by its key."""

    key: str
    bytes: int
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class Files:
    """The files below a root; `base` is its path in `filesystem`, without a slash at the end."""

    url: str
    base: str
    filesystem: fs.FileSystem

    @property
    def is_folder(self) -> bool:
        """Whether the root is a folder of this machine, or of a disk that all machines mount."""
        return urlsplit(self.url).scheme == "file"

    def location(self, key: str) -> str:
        """What Iceberg calls a file: a plain path, or an `s3://` URL with nothing encoded.

        PyIceberg would take a path out of a `file://` URL that ends before the first `#`.
        """
        return self._path(key) if self.is_folder else f"s3://{self._path(key)}"

    def spark_location(self, key: str) -> str:
        """The URL under which Spark writes a folder; nothing in it is encoded.

        Hadoop encodes what it is given: of `%20` it makes a folder of that very name.
        """
        return f"{'file' if self.is_folder else 's3a'}://{self._path(key)}"

    def key_of(self, location: str) -> str | None:
        """The key of a location; None when it is not below this root."""
        root = self.location("")
        return location.removeprefix(root) if location.startswith(root) else None

    def open(self, key: str) -> pa.NativeFile:
        """The file, opened for reading. Raises FileMissing."""
        try:
            return self.filesystem.open_input_file(self._path(key))
        except (FileNotFoundError, NotADirectoryError):
            raise FileMissing(key=key, root=self.url) from None

    def read(self, key: str) -> bytes:
        """All bytes of a file. Raises FileMissing."""
        with self.open(key) as file:
            return bytes(file.read())

    def exists(self, key: str) -> bool:
        """Whether there is a file under `key`."""
        info = self.filesystem.get_file_info(self._path(key))
        return bool(info.type == fs.FileType.File)

    def write(self, key: str, content: bytes | memoryview) -> None:
        """Write a file, at once and durably: it has all its bytes, or those it had before."""
        if self.is_folder:
            _write_durably(Path(self._path(key)), content)
            return
        with self.filesystem.open_output_stream(self._path(key)) as file:
            file.write(content)

    def create(self, key: str) -> pa.NativeFile:
        """A file, opened for writing; before it is closed it may have any part of its bytes."""
        path = self._path(key)
        if self.is_folder:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        return self.filesystem.open_output_stream(path)

    def list(self, folder: str) -> tuple[str, ...]:
        """The keys of all files below `folder`, sorted; none when there is no such folder."""
        selector = fs.FileSelector(self._path(folder), allow_not_found=True, recursive=True)
        found = self.filesystem.get_file_info(selector)
        start = len(self._path(""))
        return tuple(sorted(info.path[start:] for info in found if info.type == fs.FileType.File))

    def find(self, folder: str) -> tuple[FoundFile, ...]:
        """All files below `folder`, sorted by key, but not those that a symbolic link leads to."""
        if self.is_folder:
            walked = _walk(Path(self._path(folder)), Path(self.base))
            return tuple(sorted(walked, key=lambda file: file.key))
        selector = fs.FileSelector(self._path(folder), allow_not_found=True, recursive=True)
        start = len(self._path(""))
        infos = self.filesystem.get_file_info(selector)
        files = [info for info in infos if info.type == fs.FileType.File]
        found = [FoundFile(each.path[start:], each.size, each.mtime) for each in files]
        return tuple(sorted(found, key=lambda file: file.key))

    def delete(self, key: str) -> None:
        """Delete a file; nothing happens when there is none."""
        path = self._path(key)
        if self.is_folder:
            Path(path).unlink(missing_ok=True)
            return
        with suppress(FileNotFoundError):
            self.filesystem.delete_file(path)

    def delete_folder(self, folder: str) -> None:
        """Delete all files below `folder`, of a bucket many in one call."""
        with suppress(FileNotFoundError):
            self.filesystem.delete_dir(self._path(folder))

    def clock(self) -> datetime:
        """What the disk or the server of the files takes for now."""
        self.write(WRITABLE, b"")
        info = self.filesystem.get_file_info(self._path(WRITABLE))
        return cast(datetime, info.mtime)

    def make_durable(self, folder: str) -> tuple[str, ...]:
        """Make all files below `folder` durable; the keys of the Parquet files, sorted.

        Only the run that writes the folder calls this: readers start at a revision. What S3 has
        confirmed is durable.
        """
        if self.is_folder:
            for path in _tree(Path(self._path(folder))):
                _sync(path)
        return tuple(key for key in self.list(folder) if key.endswith(".parquet"))

    def _path(self, key: str) -> str:
        if any(part in (".", "..") for part in key.split("/")):
            raise StorageUnusable(url=self.url, reason=f"{key!r} leads out of it")
        return f"{self.base}/{key}"


def open_files(url: str, s3: S3Address, *, writes: bool = True) -> Files:
    """The files at a root URL such as `file:///folder` or `s3://bucket/folder`.

    A folder is created if it is missing, a bucket never; one that is only read may be missing, and
    has nothing then. Into a bucket that is not only read an empty file is written: no other call
    says whether that is allowed. Then it is asked for a missing one, as libraries do before they
    write: S3 refuses a role that may not list. Raises StorageUnusable.
    """
    parts = urlsplit(url)
    if parts.scheme == S3_SCHEME:
        return _open_bucket(url, s3, writes=writes)
    if parts.scheme != "file" or parts.netloc:
        raise StorageUnusable(
            url=url, reason="only file:///an/absolute/folder and s3://bucket/folder are supported"
        )
    root = Path(unquote(parts.path))
    _check_folder(url, root, writes=writes)
    return Files(url, root.as_posix().rstrip("/"), fs.LocalFileSystem())


def _check_folder(url: str, root: Path, *, writes: bool) -> None:
    """Raises StorageUnusable unless the folder may be written, or if it is there only read."""
    try:
        if writes:
            root.mkdir(parents=True, exist_ok=True)
        elif not root.exists():
            return
    except OSError as error:
        raise StorageUnusable(url=url, reason=error.strerror or str(error)) from error
    right, verb = (os.W_OK, "write") if writes else (os.R_OK, "read")
    if not os.access(root, right | os.X_OK):
        raise StorageUnusable(url=url, reason=f"this user may not {verb} there")


def _open_bucket(url: str, s3: S3Address, *, writes: bool) -> Files:
    base = url.removeprefix(f"{S3_SCHEME}://").rstrip("/")
    options = {"region": s3.s3_region} if s3.s3_region else {}
    if s3.s3_endpoint:
        endpoint = urlsplit(s3.s3_endpoint)
        options |= {"endpoint_override": endpoint.netloc, "scheme": endpoint.scheme}
    right = "write there"
    try:
        files = Files(url, base, fs.S3FileSystem(**options))
        if writes:
            files.write(WRITABLE, b"")
        right = "learn that a file is missing, which takes s3:ListBucket below the root"
        files.exists(MISSING)
    except OSError as error:
        reason = str(error).splitlines()[0]
        if "NO_SUCH_BUCKET" in reason:
            reason = f"there is no bucket {base.split('/')[0]}"
        elif "ACCESS_DENIED" in reason:
            reason = f"these credentials may not {right}"
        kind = StorageUnavailable if s3_can_pass(error) else StorageUnusable
        raise kind(url=url, reason=reason) from error
    return files


def _write_durably(target: Path, content: bytes | memoryview) -> None:
    """Write a draft, then rename it: the file appears with all its bytes or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.parent / f".{target.name}.{uuid.uuid4().hex}"
    try:
        with draft.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    except OSError as error:
        if error.filename is None:  # so it is of a write to an open file, as on a full disk
            error.filename = str(target)
        raise
    finally:
        draft.unlink(missing_ok=True)
    _sync(target.parent)


def _walk(folder: Path, root: Path) -> Iterator[FoundFile]:
    """The files below `folder`; a symbolic link is a file of its own."""
    for parent, folders, names in os.walk(folder):
        links = [name for name in folders if (Path(parent) / name).is_symlink()]
        for path in (Path(parent) / name for name in (*names, *links)):
            with suppress(FileNotFoundError):  # a job has just removed it
                status = path.lstat()
                modified_at = datetime.fromtimestamp(status.st_mtime, UTC)
                key = path.relative_to(root).as_posix()
                yield FoundFile(key, status.st_size, modified_at)


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
