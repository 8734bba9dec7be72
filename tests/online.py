"""What tests do to the online store by hand: load some timelines, and read one entity."""

from collections.abc import Mapping

import pyarrow as pa
import redis

from stores.redis.bucket_writer import BucketWriter, WriteCounts
from stores.redis.buckets import read_timeline
from stores.redis.fence import Fence, take_fence
from stores.redis.keys import GROUPS, Namespace, bucket_of, group_of, name_of
from stores.redis.load_list import Load, LoadList
from stores.redis.publish import set_list
from stores.redis.published import Published, read_published
from stores.redis.ring import RingRows


def ring_rows(timelines: Mapping[bytes, bytes], buckets: int) -> RingRows:
    """Timelines by entity key, as a load into so many buckets takes them."""
    keys = sorted(timelines)
    contents = [timelines[key] for key in keys]
    return RingRows(
        0, GROUPS * buckets, pa.array(keys, pa.binary()), pa.array(contents, pa.binary())
    )


def write_load(
    client: "redis.Redis",
    namespace: Namespace,
    load: Load,
    timelines: Mapping[bytes, bytes],
    *,
    fence: Fence | None = None,
    load_list: LoadList | None = None,
    is_whole: bool = True,
) -> WriteCounts:
    """Write the buckets of a load, and do not list it: what one leaves that dies then."""
    if fence is None:
        fence = Fence.fresh(load.load_id)
        take_fence(client, namespace, fence)
    if load_list is None:
        load_list = read_published(client, namespace).load_list
    writer = BucketWriter(
        client, namespace, fence, load=load, load_list=load_list, is_whole=is_whole
    )
    return writer.write([ring_rows(timelines, load.buckets)])


def publish_load(
    client: "redis.Redis", namespace: Namespace, load: Load, timelines: Mapping[bytes, bytes]
) -> Published:
    """Write a load and list it."""
    fence = Fence.fresh(load.load_id)
    take_fence(client, namespace, fence)
    published = read_published(client, namespace)
    write_load(client, namespace, load, timelines, fence=fence, load_list=published.load_list)
    return set_list(client, namespace, fence, published, published.load_list.with_load(load))


def bucket_key(namespace: Namespace, entity_key: bytes, buckets: int) -> bytes:
    """The key of the bucket that an entity is in."""
    number = bucket_of(entity_key, buckets)
    return namespace.bucket_key(buckets, group_of(entity_key), number)


def timeline_at(
    client: "redis.Redis", namespace: Namespace, entity_key: bytes, load_id: int
) -> bytes | None:
    """What a request reads of an entity that resolved to `load_id`. Raises ValueUnreadable."""
    load_list = read_published(client, namespace).load_list
    (*_, newest) = load_list.loads
    load = next((each for each in load_list.loads if each.load_id == load_id), newest)
    key = bucket_key(namespace, entity_key, load.buckets)
    content: bytes | None = client.get(key)  # type: ignore[assignment]
    return read_timeline(content, key, name_of(entity_key), load_id, load_list)
