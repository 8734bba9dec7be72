"""The online store: what an entity takes in Redis, how fast loads are written, how fast one reads.

`python -m benchmarks online_store`: a Redis of its own, timelines of generated orders.
"""

import random
import statistics
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import redis

from benchmarks.size import ORDERS, repetitions
from features_pkg import shuffle
from features_pkg.calendar import Calendar, to_us
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.entity_keys import EntityKeys
from features_pkg.timelines.read import decode
from jobs.snapshot.rows import PIECE_BUCKETS
from ontem.generating import generate
from stores.redis.bucket_writer import BucketWriter
from stores.redis.fence import Fence, take_fence
from stores.redis.keys import GROUPS, Namespace
from stores.redis.load_list import Load
from stores.redis.publish import choose_buckets, set_list
from stores.redis.published import read_published
from stores.redis.reader import OnlineReader
from stores.redis.ring import RingRows, first_key
from tests.servers import own_stack

DAYS = 180
END = datetime(2026, 1, 1, tzinfo=UTC)
READS = repetitions(3_000)
ENTITIES_A_READ = 10
FEATURES = FeatureSet("America/Sao_Paulo", timedelta(hours=4))
KEYS = EntityKeys(bytes(range(32)), FEATURES.timelines_id)
NAMESPACE = Namespace.of(KEYS)


class OnlineStore:
    """One Redis into which load after load is written."""

    def __init__(
        self, client: "redis.Redis", keys: Sequence[bytes], timelines: Sequence[bytes]
    ) -> None:
        self._client, self._keys, self._timelines = client, keys, list(timelines)
        self.entities = len(keys)
        self._empty = self._used()
        self._loads = 0

    def load(self, changed_one_in: int | None) -> float:
        """Write the next load, in which one in so many timelines is new; entities a second.

        They are other ones each time.
        """
        self._loads += 1
        timelines = [
            self._timeline(number, timeline, changed_one_in)
            for number, timeline in enumerate(self._timelines)
        ]
        published = read_published(self._client, NAMESPACE)
        buckets = choose_buckets(self.entities, published.load_list)
        load = Load(self._loads, self._loads, 0, self.entities, "0" * 32, buckets)
        fence = Fence.fresh(load.load_id)
        take_fence(self._client, NAMESPACE, fence)
        self._timelines = timelines
        pieces = list(ring_pieces(self._keys, timelines, buckets))
        start = time.perf_counter()
        writer = BucketWriter(
            self._client, NAMESPACE, fence, load=load, load_list=published.load_list
        )
        writer.write(pieces)
        seconds = time.perf_counter() - start
        set_list(self._client, NAMESPACE, fence, published, published.load_list.with_load(load))
        return self.entities / seconds

    def bytes_an_entity(self) -> float:
        """What Redis has allocated, over the number of entities."""
        return (self._used() - self._empty) / self.entities

    def _timeline(self, number: int, timeline: bytes, changed_one_in: int | None) -> bytes:
        if changed_one_in is None or (number + self._loads) % changed_one_in:
            return timeline
        return timeline[:-1] + bytes([timeline[-1] ^ self._loads])

    def _used(self) -> int:
        return int(self._client.info("memory")["used_memory"])


def measure() -> list[str]:
    """The lines of the page."""
    keys, contents = timelines()
    size = sum(map(len, contents))
    with own_stack() as stack:
        url = stack.variables["ONTEM_REDIS_URL"]
        with redis.Redis.from_url(url) as client:
            store = OnlineStore(client, keys, contents)
            first = store.load(None)
            one_version = store.bytes_an_entity()
            reads = read_times(url, keys)
            whole, _ = store.load(1), store.load(1)
            three_versions = store.bytes_an_entity()
            again = read_times(url, keys)
            few = store.load(10)
    return [
        "## The online store",
        "",
        (
            f"{store.entities:,} entities of {ORDERS:,} generated orders of {DAYS} days; a "
            f"timeline is {size / store.entities:.1f} bytes. One writer."
        ),
        "",
        "| | one version | three |",
        "|---|---|---|",
        f"| bytes an entity in Redis | {one_version:.1f} | {three_versions:.1f} |",
        f"| read and decode {ENTITIES_A_READ} entities, p50, ms | {reads:.3f} | {again:.3f} |",
        "",
        "| load | entities a second |",
        "|---|---|",
        f"| the first | {first:,.0f} |",
        f"| one entity in ten is new | {few:,.0f} |",
        f"| every entity is new | {whole:,.0f} |",
    ]


def read_times(url: str, keys: Sequence[bytes]) -> float:
    """Milliseconds of one read with decoding, at the median."""
    reader, choose = OnlineReader(url, NAMESPACE), random.Random(1)  # noqa: S311  no secret
    reader.connect()
    milliseconds = []
    for _ in range(READS):
        some = choose.sample(keys, ENTITIES_A_READ)
        start = time.perf_counter()
        reader.send(some)
        read = reader.receive(due_day=100, max_stale_days=100)
        found = [decode(content) for content in read.timelines.values() if content is not None]
        milliseconds.append((time.perf_counter() - start) * 1000)
        if len(found) != ENTITIES_A_READ:
            raise AssertionError(f"found {len(found)} of {ENTITIES_A_READ} entities")
    reader.close()
    return statistics.median(milliseconds)


def ring_pieces(
    keys: Sequence[bytes], timelines: Sequence[bytes], buckets: int
) -> Iterator[RingRows]:
    """The rows in the order of their keys, some buckets at a time, as a load reads them."""
    for first in range(0, GROUPS * buckets, PIECE_BUCKETS):
        end = min(first + PIECE_BUCKETS, GROUPS * buckets)
        start = bisect_left(keys, first_key(first, buckets))
        bound = first_key(end, buckets)
        stop = bisect_left(keys, bound) if bound else len(keys)
        yield RingRows(
            first,
            end,
            pa.array(keys[start:stop], pa.binary()),
            pa.array(timelines[start:stop], pa.binary()),
        )


def timelines() -> tuple[list[bytes], list[bytes]]:
    """The rows of a snapshot of all generated orders, in the order of their keys."""
    calendar = Calendar(FEATURES.timezone)
    narrow = shuffle.explode(
        shuffle.with_entity_keys(order_rows(), KEYS), FEATURES.timeline_targets
    )
    table = shuffle.snapshot_timelines(narrow, FEATURES, calendar).sort_by("entity")
    return table["entity"].to_pylist(), table["timeline"].to_pylist()


def order_rows(number: int = ORDERS) -> pa.Table:
    """Generated orders before `END`, as the night's extract has them."""
    orders = generate(number, DAYS, 1, END)
    rows = orders.num_rows
    charged_back = pc.fill_null(orders["chargeback_at"].cast(pa.int64()), to_us(END))
    chargebacks = pa.array(
        [[at_us] if at_us < to_us(END) else None for at_us in charged_back.to_pylist()],
        pa.list_(pa.int64()),
    )
    same = pa.array([1] * rows, pa.int64())
    columns = {name: orders[name] for name in orders.column_names} | {
        "order_pk": pa.array(range(rows), pa.int64()),
        "merchant_id": same,
        "recorded_key": same,
        "event_us": orders["event_at"].cast(pa.int64()),
        "chargeback_us": chargebacks,
        "chargeback_key": chargebacks,
    }
    return pa.table({name: columns[name] for name in shuffle.ORDER_ROWS.names}).cast(
        shuffle.ORDER_ROWS
    )
