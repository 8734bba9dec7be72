"""Whether a committed snapshot may be published, checked before a byte of it is written."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from jobs.job import Job
from jobs.snapshot.chain import Link, chain_of, entities_of, files_of
from jobs.snapshot.errors import NoOrders, SnapshotDamaged, SnapshotShrunk
from jobs.snapshot.facts import SnapshotFacts
from jobs.snapshot.range_writer import CheckFile, Storage
from jobs.snapshot.spread import spread
from jobs.snapshot.stores import OpenStores
from stores.offline.errors import FileDamaged, RevisionMissing, RevisionUnreadable
from stores.offline.revisions import read_revision
from stores.offline.runs import DataFile
from stores.postgres.loads import LoadRow, mark_withdrawn
from stores.redis.load_list import LoadList


def checksum_of(files: tuple[DataFile, ...]) -> str:
    """One checksum over all files of a snapshot; their order does not matter."""
    digests = "".join(sorted(file.sha256 for file in files))
    return hashlib.sha256(digests.encode()).hexdigest()[:32]


def checked_chain(
    job: Job, stores: OpenStores, row: LoadRow, load_list: LoadList
) -> tuple[Link, ...]:
    """The chain of the load's snapshot, of which no file was looked at yet."""
    with given_up_when_damaged(job, stores, row):
        chain = chain_of(stores.offline, _read(stores, row))
        _check_snapshot(job, chain, row, load_list)
        return chain


def check_files(job: Job, stores: OpenStores, row: LoadRow, links: tuple[Link, ...]) -> int:
    """Look at every byte of the files of these links; how many their keys and timelines have."""
    described, rows = files_of(links), sum(link.rows for link in links)
    with given_up_when_damaged(job, stores, row):
        return sum(spread(job, CheckFile(Storage.of(job.settings)), described, rows))


def _read(stores: OpenStores, row: LoadRow) -> Link:
    try:
        return read_revision(stores.offline, row.revision, SnapshotFacts)
    except RevisionMissing:
        remedy = (
            f"load {row.load_id} was made from it; run `ontem night --as-of {row.as_of}`, which "
            "gives the load up, and once more to build the day again"
        )
        raise RevisionMissing(name=row.revision, remedy=remedy) from None


@contextmanager
def given_up_when_damaged(job: Job, stores: OpenStores, row: LoadRow) -> Iterator[None]:
    """Give the load up when its snapshot turns out to be bad.

    Files that are not there may be elsewhere, so that alone gives nothing up.
    """
    try:
        yield
    except (SnapshotDamaged, NoOrders, SnapshotShrunk, FileDamaged, RevisionUnreadable):
        give_up(job, stores, row)
        raise


def give_up(job: Job, stores: OpenStores, row: LoadRow) -> None:
    """Record that the load never gets published, so that its day can be built anew."""
    mark_withdrawn(stores.connection, row.load_id)
    job.say(
        f"  load {row.load_id} is given up: `ontem night --as-of {row.as_of}` builds another one"
    )


def _check_snapshot(
    job: Job,
    chain: tuple[Link, ...],
    row: LoadRow,
    load_list: LoadList,
) -> None:
    """Refuse a snapshot built with another secret, and one that changed, is empty or shrunken."""
    if chain[0].facts.entity_key_id != job.namespace.key_id:
        raise SnapshotDamaged(key=row.revision, reason="it was built with another ONTEM_ENTITY_KEY")
    if entities_of(chain) != row.entities or checksum_of(files_of(chain)) != row.checksum:
        raise SnapshotDamaged(key=row.revision, reason="it changed after the load was registered")
    if not row.entities:
        raise NoOrders(as_of=row.as_of)
    newest = load_list.newest
    if newest and row.entities < newest.entities:
        raise SnapshotShrunk(
            as_of=row.as_of,
            entities=row.entities,
            before=newest.entities,
            before_as_of=row.as_of.fromordinal(newest.as_of),
        )
