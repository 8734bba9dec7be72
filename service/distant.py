"""The distant past of one order: one MGET of Redis, resolved to one load."""

from collections.abc import Mapping
from dataclasses import dataclass

from features_pkg.engines.one_order import DistantPast
from features_pkg.entity_keys import EntityKeys
from features_pkg.errors import TimelineUnreadable
from features_pkg.identifiers import IDENTIFIERS, MERCHANT
from features_pkg.orders.order import Order
from features_pkg.timelines.read import Timeline, decode
from stores.redis.reader import OnlineReader, OnlineReadFailed, Reply
from stores.redis.values import Load, VersionUnreadable, decode_list, load_for_day, read_version

Entity = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Asked:
    """The entities of one order and the keys under which they were asked for."""

    entities: tuple[Entity, ...]
    keys: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Distant:
    """The one load that a request uses and what it knows; or neither, and why."""

    load: Load | None
    past: DistantPast | None
    failure: str = ""


def ask(keys: EntityKeys, merchant_id: int, order: Order) -> Asked:
    """The entities of an order, the merchant first; nothing is read yet."""
    entities: list[Entity] = [(MERCHANT, "")]
    for identifier in IDENTIFIERS:
        value = getattr(order, identifier.value)
        if value is None:
            continue
        values = value if identifier.several else (value,)
        entities += [(identifier.value, one) for one in values]
    return Asked(
        tuple(entities), tuple(keys.key(merchant_id, name, value) for name, value in entities)
    )


def receive(reader: OnlineReader, asked: Asked, *, due_day: int, max_stale: int) -> Distant:
    """What the newest load as of day `due_day` (ordinal), at most `max_stale` days older, knows.

    Every entity is read for that one load. No list, or no answer, is no past at all: never zeros.
    """
    try:
        reply = reader.receive()
        loads = () if reply.loads is None else decode_list(reply.loads)
    except OnlineReadFailed as failed:
        return Distant(None, None, f"distant: {failed.reason}")
    except VersionUnreadable:
        return Distant(None, None, "distant: list unreadable")
    load = load_for_day(loads, due_day, max_stale)
    if load is None:
        return Distant(None, None, f"distant: no {'list' if reply.loads is None else 'load'}")
    listed = frozenset(one.load_id for one in loads)
    return Distant(load, DistantPast(load.as_of, _timelines(reply, asked, load, listed)))


def _timelines(
    reply: Reply, asked: Asked, load: Load, listed: frozenset[int]
) -> Mapping[Entity, Timeline | None]:
    """The timeline of each entity, None where never seen; an unreadable one is left out."""
    timelines: dict[Entity, Timeline | None] = {}
    for entity, key, value in zip(asked.entities, asked.keys, reply.values, strict=True):
        try:
            content = read_version(value, key, load.load_id, listed)
            timelines[entity] = None if content is None else decode(content)
        except (VersionUnreadable, TimelineUnreadable):
            continue
    return timelines
