"""Which files the tables name, so that everything else can go."""

from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from pyiceberg.manifest import ManifestFile
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from stores.offline.errors import NamedElsewhere
from stores.offline.files import Files
from stores.offline.manifests import entries_of, manifests_of
from stores.offline.metadata_files import hint_key
from stores.offline.revisions import dataset_of, run_of
from stores.offline.runs import file_list_key

_THREADS: Final = 16


@dataclass(frozen=True, slots=True)
class _NamedFile:
    """A file with rows, and the partition that it is of, as people write it."""

    key: str
    partition: str


@dataclass(frozen=True, slots=True)
class NameReader:
    """Reads what tables name. A manifest never changes, so each is read once."""

    files: Files
    _manifests: dict[str, tuple[_NamedFile, ...]] = field(default_factory=dict, repr=False)

    def metadata_keys(self, table: Table) -> set[str]:
        """The files of its metadata: the newest and those before it, and all lists of files."""
        metadata = table.metadata
        snapshots = metadata.snapshots
        locations = [table.metadata_location, *(log.metadata_file for log in metadata.metadata_log)]
        locations += [each.manifest_list for each in snapshots]
        locations += [each.manifest_path for each in _manifests_of(table, snapshots)]
        locations += [each.statistics_path for each in metadata.statistics]
        locations += [each.statistics_path for each in metadata.partition_statistics]
        keys = {self._key(table, location) for location in locations}
        return keys | {hint_key(table.name()[-1])}

    def data_keys(
        self, table: Table, kept: Collection[int], *, without: Collection[str] = ()
    ) -> set[str]:
        """The files with rows, and the runs' lists of them, of the snapshots `kept`.

        The newest state of the table counts as one without these partitions.
        """
        snapshots = [each for each in table.metadata.snapshots if each.snapshot_id in kept]
        self._read(table, _manifests_of(table, snapshots))
        keys: set[str] = set()
        for snapshot in snapshots:
            is_head = snapshot.snapshot_id == table.metadata.current_snapshot_id
            keys |= {
                named.key
                for manifest in manifests_of(table, snapshot)
                for named in self._manifests[manifest.manifest_path]
                if not (is_head and named.partition in without)
            }
            if run := run_of(snapshot):
                keys.add(file_list_key(dataset_of(table.name()[-1]), run))
        return keys

    def state_keys(self, table: Table, snapshot_id: int) -> set[str]:
        """All that one state needs beside the metadata file: its lists and its files."""
        snapshots = [each for each in table.metadata.snapshots if each.snapshot_id == snapshot_id]
        locations = [each.manifest_list for each in snapshots]
        locations += [each.manifest_path for each in _manifests_of(table, snapshots)]
        return {self._key(table, each) for each in locations} | self.data_keys(table, {snapshot_id})

    def _read(self, table: Table, manifests: Iterable[ManifestFile]) -> None:
        new = [each for each in manifests if each.manifest_path not in self._manifests]
        with ThreadPoolExecutor(_THREADS) as pool:
            for manifest, named in zip(
                new, pool.map(lambda each: tuple(self._named(table, each)), new), strict=True
            ):
                self._manifests[manifest.manifest_path] = named

    def _named(self, table: Table, manifest: ManifestFile) -> Iterator[_NamedFile]:
        spec = table.specs()[manifest.partition_spec_id]
        for entry in entries_of(table, manifest):
            partition = ""
            if spec.fields:
                column = table.schema().find_field(spec.fields[0].source_id)
                value = entry.data_file.partition[0]
                partition = spec.fields[0].transform.to_human_string(column.field_type, value)
            yield _NamedFile(self._key(table, entry.data_file.file_path), partition)

    def _key(self, table: Table, location: str) -> str:
        key = self.files.key_of(location)
        if key is None:
            name = table.name()[-1]
            raise NamedElsewhere(table=name, location=location, root=self.files.url)
        return key


def _manifests_of(table: Table, snapshots: Iterable[Snapshot]) -> list[ManifestFile]:
    """Each manifest of these snapshots once. Raises NamedMissing, NamedDamaged."""
    with ThreadPoolExecutor(_THREADS) as pool:
        lists = pool.map(lambda each: manifests_of(table, each), snapshots)
        found = {each.manifest_path: each for manifests in lists for each in manifests}
    return list(found.values())
