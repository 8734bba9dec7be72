"""The Avro files in which a table names its files: a list for each state, and what the list names.

Nothing has a checksum of them. One that is lost or cut is found as it is opened (`checked_io.py`),
one that is damaged otherwise is known by what PyIceberg makes of it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from pyiceberg.exceptions import ResolveError
from pyiceberg.manifest import ManifestEntry, ManifestFile
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from stores.offline.errors import NamedDamaged

_DAMAGE: Final = (
    ValueError, KeyError, IndexError, TypeError, EOFError, OverflowError, AssertionError,
    MemoryError, SystemError, ResolveError,
)  # fmt: skip
"""What PyIceberg's reader of Avro raises for bytes that were changed, as they come."""


def manifests_of(table: Table, snapshot: Snapshot) -> list[ManifestFile]:
    """The manifests of a snapshot. Raises NamedMissing, NamedDamaged."""
    with _read(table, snapshot.manifest_list):
        return snapshot.manifests(table.io)


def entries_of(table: Table, manifest: ManifestFile) -> list[ManifestEntry]:
    """What a manifest names, without what it says is gone. Raises NamedMissing, NamedDamaged."""
    with _read(table, manifest.manifest_path):
        return manifest.fetch_manifest_entry(table.io)


@contextmanager
def lists_are_sound(table: Table) -> Iterator[None]:
    """Inside, PyIceberg reads what the newest state of the table names.

    Where it fails, and a list of files is the reason, raises NamedDamaged; for one that is not
    there NamedMissing.
    """
    try:
        yield
    except _DAMAGE:
        if snapshot := table.current_snapshot():
            for manifest in manifests_of(table, snapshot):
                entries_of(table, manifest)
        raise


@contextmanager
def _read(table: Table, location: str) -> Iterator[None]:
    try:
        yield
    except _DAMAGE:
        raise NamedDamaged(table=table.name()[-1], location=location) from None
