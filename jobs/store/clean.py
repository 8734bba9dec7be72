"""`ontem store clean`: what nothing names any more leaves the offline store."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, cast

from pyiceberg.table import Table

from jobs.extract.run import LOCK_CLASS as EXTRACT_LOCK
from jobs.job import Job, StageTimer
from jobs.store.age import LEAST_AGE
from jobs.store.compacting import LEAST_FILES, compact, scattered
from jobs.store.errors import CleanIncomplete, LoadOfUnknownTable
from jobs.store.pins import Pins, known_models, loads_in_use, read_pins
from jobs.store.plan import CleanPlan, Cutoffs, choose, make_plan, named_now
from stores.offline.commit import commit_until_first
from stores.offline.expiry import Expiry, expire
from stores.offline.files import FoundFile
from stores.offline.models import StoredModels
from stores.offline.naming import NameReader
from stores.offline.removal import remove, remove_empty_folders
from stores.offline.tables import OfflineStore, existing_table, write_hint
from stores.postgres.cleaning import lock_cleaning
from stores.postgres.connection import Connection
from stores.postgres.loads import LOCK_CLASS as LOADS_LOCK
from stores.postgres.loads import loads_of
from stores.postgres.runs import running_since

CLOCKS_DIFFER: Final = timedelta(hours=1)
"""By how much the clocks of the machines may differ, at most."""


@dataclass(frozen=True, slots=True)
class Cleaning:
    """One cleaning: its job and store, and the session for its lock.

    A journal of `least_files` becomes one file.
    """

    job: Job
    connection: Connection
    store: OfflineStore
    least_files: int = LEAST_FILES

    def lock(self) -> None:
        """Keep others from cleaning and from beginning to train. Raises CleanRunning."""
        lock_cleaning(self.connection)

    def pins(self) -> Pins:
        """What is named by now. Raises ModelUnreadable, ModelMissing."""
        configured = self.job.settings.model_path
        return read_pins(self.connection, known_models(StoredModels(self.store.files), configured))

    def cutoffs(self, older_than: timedelta | None) -> Cutoffs:
        """What is old, by `now`."""
        running = running_since(self.connection, [EXTRACT_LOCK, LOADS_LOCK])
        return cutoffs_at(self.now(), running, older_than)

    def now(self) -> datetime:
        """By the clock that is slowest: that of PostgreSQL, or that of the files."""
        (row,) = self.connection.execute("SELECT clock_timestamp()").fetchall()
        return min(cast(datetime, row[0]), self.store.files.clock())


def cutoffs_at(now: datetime, running: datetime | None, older_than: timedelta | None) -> Cutoffs:
    """The cutoffs at the instant `now`, while the oldest job runs since `running`, if any does."""
    latest = now if running is None else running - CLOCKS_DIFFER
    return Cutoffs(
        expire_before=None if older_than is None else min(now - older_than, latest),
        remove_before=min(now - LEAST_AGE, latest),
    )


def clean(
    cleaning: Cleaning, cutoffs: Cutoffs, timer: StageTimer, *, dry_run: bool = False
) -> CleanPlan:
    """Let go and remove what nothing names; with `dry_run` only say what.

    Before that the many files of a journal become one: they go when their revisions expire.
    What expires is committed before a file is removed, so no table names a file that is gone. After
    a run that was killed the next one removes the rest.

    The caller has the lock. Raises CleanIncomplete, and before anything is removed ModelUnreadable,
    ModelMissing, LoadOfUnknownTable and what `make_plan` raises.
    """
    store, say = cleaning.store, cleaning.job.say
    reader = NameReader(store.files)
    with timer.stage("look at what is there"):
        plan = make_plan(store, reader, cleaning.pins(), cutoffs)
        _check_loads(cleaning, plan)
        if not dry_run:
            _write_hints(store, plan)
    for line in describe(plan):
        say(f"  {_printable(line)}")
    _compact(cleaning, dry_run=dry_run)
    if dry_run:
        return plan
    remove_empty_folders(store.files, cutoffs.remove_before)
    if plan.is_empty:
        return plan
    with timer.stage("expire"):
        for name, expiry in plan.expiries.items():
            if not expiry.is_empty:
                found = existing_table(store, name)
                commit_until_first(store, found, lambda table: _expire(cleaning, table, cutoffs))
    with timer.stage("remove"):
        _write_hints(store, plan)
        named = named_now(store, reader, cleaning.pins())
        doomed = [each for each in plan.removable if each.key not in named]
        _remove(cleaning, doomed, plan.present)
    return replace(plan, removable=tuple(doomed))


def _compact(cleaning: Cleaning, *, dry_run: bool) -> None:
    """Make one file of the many of a table to which rows are only added; nothing is removed."""
    for table, files in scattered(cleaning.store, cleaning.least_files):
        name, say = table.name()[-1], cleaning.job.say
        if dry_run:
            say(f"  {name}: its {files:,} files would become one")
        else:
            rows = compact(cleaning.store, table, cleaning.now())
            say(f"  {name}: its {files:,} files are one now, of {rows:,} rows")


def _write_hints(store: OfflineStore, plan: CleanPlan) -> None:
    """Name the newest states: other tools leave hints that are behind, which name what may go."""
    for name in plan.expiries:
        write_hint(store, existing_table(store, name))


def _expire(cleaning: Cleaning, table: Table, cutoffs: Cutoffs) -> None:
    expiry = choose(table, cleaning.pins(), cutoffs)
    if not expiry.is_empty:
        expire(table, expiry)


def _remove(cleaning: Cleaning, doomed: Sequence[FoundFile], present: Sequence[FoundFile]) -> None:
    failures = remove(cleaning.store.files, doomed, present, say=cleaning.job.say)
    if failures:
        raise CleanIncomplete(
            failed=len(failures),
            of=len(doomed),
            first=_printable(failures[0].key),
            reason=failures[0].reason,
        )


def _check_loads(cleaning: Cleaning, plan: CleanPlan) -> None:
    """Raises LoadOfUnknownTable: with its table the catalogue may have lost others."""
    loads = loads_of(cleaning.connection, cleaning.job.namespace.timelines)
    for load in loads_in_use(loads):
        if load.revision.partition("@")[0] not in plan.expiries:
            raise LoadOfUnknownTable(load_id=load.load_id, revision=load.revision)


def describe(plan: CleanPlan) -> Iterator[str]:
    """What expires and what is to be removed, by folder."""
    for table, expiry in plan.expiries.items():
        yield from _describe_expiry(table, expiry)
    folders: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for each in plan.removable:
        folder = "/".join(each.key.split("/")[:-1][:3])
        folders[folder] += 1
        sizes[folder] += each.bytes
    for folder, count in sorted(folders.items()):
        yield f"{folder}: {_files(count, sizes[folder])}"
    for link in plan.links:
        yield f"{link} is a symbolic link: it stays, and nothing behind it is removed"
    if plan.missing:
        such = plan.missing[0]
        yield f"{len(plan.missing):,} files that tables name are not there, such as {such}"


def _describe_expiry(table: str, expiry: Expiry) -> Iterator[str]:
    for each in expiry.revisions:
        at = f"{each.committed_at:%Y-%m-%d %H:%M}Z"
        yield f"{each.name} expires: {each.rows:,} rows, committed {at}"
    for partition in expiry.partitions:
        yield f"{partition} leaves the table {table}"
    untagged = len(expiry.snapshot_ids) - len(expiry.revisions)
    if untagged > 0:
        yield f"{table}: states that no tag names go: {untagged:,}"


KINDS: Final[tuple[tuple[str, Callable[[str], bool]], ...]] = (
    ("data", lambda key: key.endswith(".parquet")),
    ("metadata", lambda key: "/metadata/" in key),
    ("other", lambda _: True),
)


def total(files: Sequence[FoundFile]) -> str:
    """How many files and bytes, in all and by kind."""
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for each in files:
        kind = next(name for name, is_kind in KINDS if is_kind(each.key))
        counts[kind] += 1
        sizes[kind] += each.bytes
    kinds = [f"{name} {_files(counts[name], sizes[name])}" for name, _ in KINDS if counts[name]]
    of_kinds = f" ({'; '.join(kinds)})" if kinds else ""
    return f"{_files(len(files), sum(sizes.values()))}{of_kinds}"


def _printable(text: str) -> str:
    """The text with escapes for what is not printable: a file may have any bytes for a name."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


def _files(count: int, size: int) -> str:
    return f"{count:,} file{'' if count == 1 else 's'}, {size:,} bytes"
