"""Which buckets a load goes through: all, or those of the entities that are new since the newest.

The buckets of a delta's entities are enough where every version in Redis is one that the list
shows: then nothing is left of a load that failed or was withdrawn, which must not come to light
when the floor of the list rises (docs/adr/0048-publishing-by-executors.md).
"""

from dataclasses import dataclass

from jobs.job import Job
from jobs.snapshot.chain import Link
from jobs.snapshot.facts import Parent
from jobs.snapshot.stores import OpenStores
from jobs.snapshot.withdraw import loads_of_namespace, row_of
from stores.redis.fence import fence_holders
from stores.redis.load_list import Load
from stores.redis.published import Published, shows_all


@dataclass(frozen=True, slots=True)
class Visit:
    """The links of a chain whose rows are brought to Redis, newest first.

    With `is_whole` they are all links, and every bucket is visited. Otherwise it is the newest one,
    and only the buckets of its entities are; then no other run may have had the fence since the
    load `after`.
    """

    links: tuple[Link, ...]
    is_whole: bool = True
    after: int | None = None

    @property
    def rows(self) -> int:
        """How many rows the links have."""
        return sum(link.rows for link in self.links)


def visit_of(
    job: Job, stores: OpenStores, chain: tuple[Link, ...], load: Load, published: Published
) -> Visit:
    """The visit of a load before its run takes the fence; it is said why a delta is not enough."""
    newest, parent = published.newest, chain[0].facts.parent
    if parent is None or newest is None:
        return Visit(chain)
    reason = _why_whole(job, stores, parent, load, newest, published)
    if reason:
        job.say(f"  all buckets in Redis are gone through, because {reason}")
        return Visit(chain)
    return Visit(chain[:1], is_whole=False, after=newest.load_id)


def _why_whole(
    job: Job, stores: OpenStores, parent: Parent, load: Load, newest: Load, published: Published
) -> str | None:
    """Why the buckets of a delta's entities are not enough; None if they are."""
    if newest.buckets != load.buckets:
        return f"there are {load.buckets:,} in each group by now"
    row = row_of(newest, loads_of_namespace(stores.connection, job.namespace))
    if row is None or (row.revision, row.snapshot_id) != (parent.revision, parent.snapshot_id):
        return f"the snapshot does not stand on that of load {newest.load_id}"
    if not shows_all(published, fence_holders(stores.client, job.namespace)):
        return f"another load has begun, failed or been withdrawn since load {newest.load_id}"
    return None
