"""What Redis has for an entity with one version and with three, and after twelve nights.

The entities are those of a first night, in a Redis of their own: shops whose entities change as
often as these would take years to generate.
"""

import pyarrow.dataset as ds
import redis

from benchmarks.night_runs import first_night, first_run
from benchmarks.offline_files import snapshot_files
from benchmarks.online_store import OnlineStore
from benchmarks.size import ORDERS
from benchmarks.warm_stack import DAYS
from tests.servers import own_stack

NIGHTS = 12
CHANGED_ONE_IN = 10


def measure() -> list[str]:
    """The lines of the section."""
    keys, timelines = snapshot_rows()
    with own_stack() as stack, redis.Redis.from_url(stack.variables["ONTEM_REDIS_URL"]) as client:
        store = OnlineStore(client, keys, timelines)
        store.load(None)
        one_version, before = store.bytes_an_entity(), resident_bytes(client)
        for _ in range(NIGHTS):
            store.load(CHANGED_ONE_IN)
        nightly, after = store.bytes_an_entity(), resident_bytes(client)
        client.flushall()
        store = OnlineStore(client, keys, timelines)
        for changed_one_in in (None, 1, 1):
            store.load(changed_one_in)
        three_versions = store.bytes_an_entity()
    size = sum(map(len, timelines)) / len(timelines)
    nights = f"{NIGHTS} nights, each with a new version of one in {CHANGED_ONE_IN}"
    return [
        "## What Redis has for an entity",
        "",
        (
            f"{len(keys):,} entities of {ORDERS:,} generated orders of {DAYS} days, as the first "
            f"night has them; a timeline is {size:.1f} bytes."
        ),
        "",
        "| | bytes an entity | the goal is at most |",
        "|---|---|---|",
        f"| one version of each entity | **{one_version:.1f}** | 75 |",
        f"| three versions of each | **{three_versions:.1f}** | 165 |",
        f"| {nights} | {nightly:.1f} | |",
        "",
        (
            f"After those nights the resident memory of Redis was **{after / before:.2f} times** "
            "that of the first load (the goal is at most 1.4 times)."
        ),
    ]


def snapshot_rows() -> tuple[list[bytes], list[bytes]]:
    """The keys of all entities of the first night, in their order, and their timelines."""
    world = first_night(ORDERS, DAYS)
    revision = first_run(world).row.revision
    assert revision is not None
    files = ds.dataset(snapshot_files(world.stack, revision), format="parquet")
    table = files.to_table(columns=["entity", "timeline"]).sort_by("entity")
    return table["entity"].to_pylist(), table["timeline"].to_pylist()


def resident_bytes(client: "redis.Redis") -> int:
    """The memory that the process has."""
    return int(client.info("memory")["used_memory_rss"])
