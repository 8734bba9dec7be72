"""The second half: the request, what it stores, and what happens when something is down."""

import json
import math
import struct
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import redis

from features_pkg.calendar import to_us
from features_pkg.orders.order import Order
from service import recent
from service.database import Database
from service.deadline import Deadline
from service.start import Limits
from tests.integration.story import past
from tests.integration.story.page import an_instant, table
from tests.integration.story.world import (
    ASKED,
    COMPARED,
    CPF,
    DAY,
    FOURTH,
    HOUR,
    PATIENT,
    SHOWN,
    THIRD,
    World,
)

NOBODY_REDIS = "redis://127.0.0.1:1"
NOBODY_POSTGRES = "postgresql://127.0.0.1:1/nobody"
MASKED = ("evaluation_id", "score", "decision", "model", "feature_set")
"""The fields of the answer that depend on the run or on the made-up model."""

CANONICAL = Order(order_id="A-4", amount_cents=89900, document=CPF, zip_code="22041001")


def third_asked(world: World) -> None:
    """The third order, one hour before the fourth."""
    status, body = world.evaluate(world.service(), THIRD, ASKED - HOUR)
    assert (status, body["missing"]) == (200, [])


def fourth_asked(world: World) -> dict[str, str]:
    """The fourth order: what it reads, what it is answered, what is stored."""
    world.recent_events = _recent_events(world)
    service = world.service()
    with redis.Redis.from_url(world.redis_url) as client, client.monitor() as monitor:
        status, body = world.evaluate(service, FOURTH)
        asked: Any = monitor.next_command()
        while not _reads_buckets(asked["command"]):
            asked = monitor.next_command()
    assert status == 200
    blocks = {
        "request": json.dumps(FOURTH) + "\n",
        "mget": _mget(world, asked["command"]),
        "recent": table(
            "identifier | value | event | at | amount_cents | zip_code",
            [
                (e.identifier, e.value, e.event, an_instant(e.at_us), e.amount_cents, e.zip_code)
                for e in world.recent_events
            ],
        ),
    }
    masked = body | dict.fromkeys(MASKED, "…")
    content = json.dumps(masked, ensure_ascii=False)
    blocks["answer"] = "\n ".join(textwrap.wrap(content, 100)) + "\n"
    values = vector(world, "A-4")
    blocks["vector"] = table("feature | value", [(name, values[name]) for name in SHOWN])
    return blocks


def _reads_buckets(command: str) -> bool:
    """A process that has read no list yet asks for the lists alone before."""
    verb, *keys = command.split()
    return verb == "MGET" and not all(key.endswith("loads") for key in keys)


def _mget(world: World, command: str) -> str:
    """What Redis was asked for, and what it has there."""
    values = past.redis_strings(world)
    lines = [(name, _says(world, name, values.get(name))) for name in command.split()[1:]]
    return table("key | the reply", lines)


def _says(world: World, name: str, value: bytes | None) -> str:
    if value is None:
        return "not there: missing"
    if name.endswith("loads"):
        return f"{len(value)} bytes: the list of loads"
    names = [name for (name, _), timeline in world.timelines.items() if timeline in value]
    if not names:
        return f"{len(value)} bytes, a bucket without the entity: never seen"
    return f"{len(value)} bytes, a bucket with the timeline of the {' and '.join(names)}"


def _recent_events(world: World) -> Any:
    """What the recent read of the fourth order brings, read as the service reads it."""
    start_us, at_us = to_us(ASKED - DAY), to_us(ASKED)
    database = Database(world.postgres_url, statement_timeout=timedelta(seconds=5))
    deadline = Deadline.within(timedelta(seconds=30))
    with database.session() as session:
        read = recent.ask(
            session,
            world.merchant.merchant_id,
            CANONICAL,
            from_us=start_us,
            to_us=at_us,
            deadline=deadline,
        )()
    database.close()
    return read.events


def vector(world: World, order_id: str) -> dict[str, int | None]:
    """The stored vector of an order by the features' names; None is NaN."""
    ((content,),) = world.rows("SELECT vector FROM evaluations WHERE order_id = %s", order_id)
    values = struct.unpack(f"<{len(content) // 8}d", content)
    return {
        name: None if math.isnan(value) else int(value)
        for name, value in zip(world.features.names, values, strict=True)
    }


def with_something_down(world: World) -> dict[str, str]:
    """The fourth order again, each time under another id and with something that is not there."""
    answers = {"nothing": world.evaluate(world.service(), FOURTH)}
    cases: tuple[tuple[str, datetime, dict[str, Any]], ...] = (
        ("snapshot late", ASKED + DAY, {}),
        ("snapshot too old", ASKED + 3 * DAY, {}),
        ("Redis", ASKED, {"redis_url": NOBODY_REDIS}),
        ("PostgreSQL", ASKED, {"postgres_url": NOBODY_POSTGRES}),
    )
    for name, at, changes in cases:
        answers[name] = world.evaluate(world.service(**changes), FOURTH | {"order_id": name}, at)
    with _damaged_value(world):
        answers["one value"] = _again(world, "one value")
    with _locked_table(world, "chargeback_entities"):
        limits = replace(PATIENT, statement_timeout=timedelta(milliseconds=200))
        answers["recent read"] = _again(world, "recent read", limits)
    lines = [(name, *_outcome(*answers[name])) for name in _ORDER]
    order_ids = {name: "A-4" if name == "nothing" else name for name in _WITH_VALUES}
    vectors = {name: vector(world, order_id) for name, order_id in order_ids.items()}
    values = [
        (name, *(vectors[column][name] for column in _WITH_VALUES))
        for name in (*COMPARED, "merchant_history_days")
    ]
    return {
        "down": table("what fails | status | missing | as_of | stale | score", lines),
        "down-values": table(" | ".join(("feature", *_WITH_VALUES)), values),
    }


_WITH_VALUES = ("nothing", "snapshot late", "Redis", "one value", "recent read")
_ORDER = (*_WITH_VALUES[:2], "snapshot too old", *_WITH_VALUES[2:], "PostgreSQL")


def _again(world: World, order_id: str, limits: Limits | None = None) -> tuple[int, dict[str, Any]]:
    return world.evaluate(world.service(limits), FOURTH | {"order_id": order_id})


def _outcome(status: int, body: dict[str, Any]) -> tuple[object, ...]:
    if status != 200:
        return status, "", "", "", ""
    score = None if body["score"] is None else "a number"
    return status, ", ".join(body["missing"]), body["as_of"], body["stale"], score


@contextmanager
def _damaged_value(world: World) -> Iterator[None]:
    """Meanwhile half of the CPF's value in Redis is gone."""
    values = past.redis_strings(world)
    ((name, value),) = ((n, v) for n, v in values.items() if world.document_bytes in v)
    with redis.Redis.from_url(world.redis_url) as client:
        client.set(name, value[: len(value) // 2])
        yield
        client.set(name, value)


@contextmanager
def _locked_table(world: World, name: str) -> Iterator[None]:
    """Meanwhile no statement can read a table before its time is over."""
    with world.connect(autocommit=False) as connection:
        connection.execute(f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE".encode())
        yield
        connection.rollback()
