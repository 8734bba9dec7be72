"""The distant past of one order: one MGET of Redis, read as one load."""

from collections.abc import Mapping
from dataclasses import dataclass

from features_pkg.engines.one_order import DistantPast
from features_pkg.entity_keys import EntityKeys
from features_pkg.errors import TimelineUnreadable
from features_pkg.identifiers import IDENTIFIERS, MERCHANT
from features_pkg.orders.order import Order
from features_pkg.timelines.read import Timeline, decode
from service.errors import PastUnavailable
from service.online import Question
from stores.redis.load_list import Load
from stores.redis.reader import OnlineRead, OnlineReadFailed

Entity = tuple[str, str]
"""Identifier and value."""


@dataclass(frozen=True, slots=True)
class EntityRequest:
    """The entities of one order and the key of each in Redis, in the same order."""

    entities: tuple[Entity, ...]
    keys: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class DistantRead:
    """The one load that a request uses, and what it knows of the order's entities."""

    load: Load
    past: DistantPast


def entity_request(keys: EntityKeys, merchant_id: int, order: Order) -> EntityRequest:
    """The entities of an order, the merchant first; nothing is read yet."""
    entities: list[Entity] = [(MERCHANT, "")]
    for identifier in IDENTIFIERS:
        field = getattr(order, identifier.value)
        if field is None:
            continue
        values = field if identifier.several else (field,)
        entities += [(identifier.value, value) for value in values]
    return EntityRequest(
        tuple(entities), tuple(keys.key(merchant_id, name, value) for name, value in entities)
    )


def receive(
    question: Question, request: EntityRequest, *, due_day: int, max_stale_days: int
) -> DistantRead:
    """What the newest load knows that is of `due_day` (ordinal) or at most `max_stale_days` older.

    Every entity is read as that one load has it. Without an answer, a list or such a load there is
    no distant past: never zeros. Raises PastUnavailable.
    """
    try:
        online_read = question.answer(due_day, max_stale_days)
    except OnlineReadFailed as failed:
        raise PastUnavailable(f"distant: {failed.reason}") from failed
    past = DistantPast(online_read.load.as_of, _timelines(online_read, request))
    return DistantRead(online_read.load, past)


def _timelines(read: OnlineRead, request: EntityRequest) -> Mapping[Entity, Timeline | None]:
    """The timeline of each entity, None where never seen; an unreadable one is left out."""
    timelines: dict[Entity, Timeline | None] = {}
    for entity, key in zip(request.entities, request.keys, strict=True):
        if key not in read.timelines:
            continue
        content = read.timelines[key]
        try:
            timelines[entity] = None if content is None else decode(content)
        except TimelineUnreadable:
            continue
    return timelines
