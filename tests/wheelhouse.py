"""Wheels of locked packages, made again from what is installed: no network, and no other bytes.

A wheel is a zip of what its installer unpacked, with a list of sha256 of each file. What an
installer adds (compiled files, start scripts) is left out, each other file must have the listed
hash, and the start scripts come again from the entry points.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import zipfile
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution
from pathlib import Path, PurePosixPath
from typing import NamedTuple

ADDED_BY_INSTALLERS = ("INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "RECORD")


class Entry(NamedTuple):
    """A line of the list of a package's files."""

    path: str
    digest: str
    size: str


def make_wheelhouse(folder: Path, names: Iterable[str]) -> None:
    """Write a wheel of each of these installed packages into `folder`."""
    folder.mkdir()
    for name in names:
        _make_wheel(folder, distribution(name))


def _make_wheel(folder: Path, installed: Distribution) -> None:
    record = [Entry(*line) for line in csv.reader(io.StringIO(installed.read_text("RECORD") or ""))]
    own = [entry for entry in record if not _is_added(entry)]
    info = next(e.path.split("/")[0] for e in record if e.path.endswith(".dist-info/METADATA"))
    with zipfile.ZipFile(folder / _file_name(info, installed), "w") as archive:  # stored: fast
        for entry in own:
            content = Path(str(installed.locate_file(entry.path))).read_bytes()
            digest = (
                base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            )
            assert entry.digest == f"sha256={digest}", f"{entry.path} is not as it was installed"
            archive.writestr(entry.path, content)
        lines = [",".join(map(_quoted, entry)) for entry in own]
        archive.writestr(f"{info}/RECORD", "\n".join([*lines, f"{info}/RECORD,,", ""]))


def _is_added(entry: Entry) -> bool:
    path = PurePosixPath(entry.path)
    is_own_information = (
        path.parent.name.endswith(".dist-info") and path.name in ADDED_BY_INSTALLERS
    )
    return is_own_information or ".." in path.parts or "__pycache__" in path.parts


def _file_name(info: str, installed: Distribution) -> str:
    """`name-version-python-abi-platform.whl`, whose last three are the compressed tags."""
    lines = (installed.read_text("WHEEL") or "").splitlines()
    tags = [line.removeprefix("Tag: ").split("-") for line in lines if line.startswith("Tag: ")]
    parts = (".".join(dict.fromkeys(part)) for part in zip(*tags, strict=True))
    return f"{info.removesuffix('.dist-info')}-{'-'.join(parts)}.whl"


def _quoted(text: str) -> str:
    return f'"{text}"' if "," in text else text
