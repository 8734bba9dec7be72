"""Whether one state of a table follows from another: their metadata files have logs of that.

The catalogue says which state is current, and the hint beside the metadata which one was committed
last. After a restore of the catalogue from an older backup the hint's follows from the catalogue's;
once something was committed to that older state, or where two catalogues have the same table,
neither follows from the other.
"""

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Final

import pydantic
from pyiceberg.exceptions import ValidationError
from pyiceberg.table import Table
from pyiceberg.table.metadata import TableMetadata, TableMetadataUtil
from pyiceberg.table.refs import SnapshotRefType

from stores.offline.errors import FileMissing
from stores.offline.files import Files
from stores.offline.metadata_files import (
    hinted_name,
    metadata_key,
    metadata_keys,
    name_of,
    number_of,
)
from stores.offline.state_errors import (
    CatalogueForked,
    HintedMissing,
    MetadataAmbiguous,
    MetadataUnreadable,
)

_MOST_TAGS: Final = 5
_NAME: Final = re.compile(r"[\w-][\w.-]{0,200}")


@dataclass(frozen=True, slots=True)
class State:
    """A state of a table: the name of its metadata file, and what that says."""

    name: str
    metadata: TableMetadata

    @classmethod
    def of(cls, table: Table) -> "State":
        """The state that a table was loaded in."""
        return cls(name_of(table.metadata_location), table.metadata)

    @property
    def log(self) -> list[str]:
        """The names of the states before it, oldest first, as far as it names them."""
        return [name_of(each.metadata_file) for each in self.metadata.metadata_log]


def read_state(files: Files, table: str, name: str) -> State:
    """The state that a metadata file has. Raises FileMissing, MetadataUnreadable."""
    if not _NAME.fullmatch(name):  # a hint may say anything
        raise FileMissing(key=name, root=files.url)
    content = files.read(metadata_key(table, name))
    try:
        return State(name, TableMetadataUtil.parse_raw(content.decode()))
    except (ValueError, ValidationError) as error:
        raise MetadataUnreadable(table=table, reason=reason_of(error), name=name) from None


def reason_of(error: ValueError | ValidationError) -> str:
    """Why something is not metadata, in one line."""
    if isinstance(error, pydantic.ValidationError):  # its first line only counts the others
        return "it is not the description of a table, or of a newer Iceberg"
    return str(error).splitlines()[0]


def follows(files: Files, table: str, newer: State, older: str) -> bool:
    """Whether a state follows from the one of the name `older`, or is it.

    A log has the newest hundred states alone (`write.metadata.previous-versions-max`), so that of
    the oldest of these is read next. False where that is gone.
    """
    state = newer
    while older not in (state.name, *state.log):
        if not state.log or number_of(state.log[0]) <= number_of(older):
            return False
        try:
            state = read_state(files, table, state.log[0])
        except FileMissing:
            return False
    return True


def newer_by_hint(files: Files, table: str, known: State, hinted: str) -> State | None:
    """The hint's state where it follows from the known one; None where the known one is as new.

    A hint may be behind: it could not be written, or another run has committed since. So it has to
    be read before the table: commits only go on. Without one (`hinted` is empty) the newest of the
    files that are newer than the known state is taken for what it would name.

    Raises CatalogueForked where neither follows, unless the hint's is that of a table without any
    snapshot; HintedMissing, MetadataAmbiguous, MetadataUnreadable.
    """
    if not hinted and (newer_files := names_after(files, table, known)):
        hinted = _newest_of(table, newer_files)
    if not hinted or follows(files, table, known, hinted):
        return None
    try:
        newer = read_state(files, table, hinted)
    except FileMissing:
        printable = hinted.encode("unicode_escape").decode()
        raise HintedMissing(table=table, hinted=printable, known=known.name) from None
    if not follows(files, table, newer, known.name):
        if not newer.metadata.snapshots:  # it was made, lost, and made anew
            return None
        raise CatalogueForked(
            table=table,
            hinted=hinted,
            known=known.name,
            only_hinted=describe_more(newer, known),
            only_known=describe_more(known, newer),
        )
    return newer


def names_after(files: Files, table: str, known: State) -> list[str]:
    """The names of all metadata files with a higher number than that of a state."""
    names = [name_of(key) for key in metadata_keys(files, table)]
    return [name for name in names if number_of(name) > number_of(known.name)]


def newest_name(files: Files, table: str) -> str:
    """The name of the metadata file that nothing follows, from the one that the hint names on.

    A run that was killed while it committed may have left a file that the catalogue never took. It
    has the number of one that it did take, or follows the hint's. What was given up in favour of
    the hint's does not follow from it, whatever its number.

    Raises MetadataAmbiguous, MetadataUnreadable.
    """
    names = [name_of(key) for key in metadata_keys(files, table)]
    hinted = hinted_name(files, table)
    if hinted not in names:
        return _newest_of(table, names)
    after = names_after(files, table, read_state(files, table, hinted))
    states = [read_state(files, table, name) for name in after]
    newer = [each.name for each in states if follows(files, table, each, hinted)]
    return _newest_of(table, newer or [hinted])


def _newest_of(table: str, names: Sequence[str]) -> str:
    newest = max(map(number_of, names))
    candidates = [name for name in names if number_of(name) == newest]
    if len(candidates) > 1:
        raise MetadataAmbiguous(table=table, names=candidates)
    return candidates[0]


def describe_more(state: State, other: State) -> str:
    """What one state has that another has not, in words: snapshots and tags."""
    snapshots = _snapshots(state) - _snapshots(other)
    tags = sorted(name for name, _ in _tags(state) - _tags(other))
    counted = f"{len(snapshots):,} snapshot{'' if len(snapshots) == 1 else 's'}"
    if not tags:
        return f"{counted} and no tag"
    more = f" and {len(tags) - _MOST_TAGS:,} more" if len(tags) > _MOST_TAGS else ""
    such = "the tag" if len(tags) == 1 else "the tags"
    return f"{counted} and {such} {', '.join(tags[:_MOST_TAGS])}{more}"


def _snapshots(state: State) -> Set[int]:
    return {each.snapshot_id for each in state.metadata.snapshots}


def _tags(state: State) -> Set[tuple[str, int]]:
    """The tags of a state; one that names another snapshot is another one."""
    return {
        (name, ref.snapshot_id)
        for name, ref in state.metadata.refs.items()
        if ref.snapshot_ref_type == SnapshotRefType.TAG
    }
