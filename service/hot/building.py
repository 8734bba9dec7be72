"""Reads from PostgreSQL what a process holds of an entity, beside the requests."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, LiteralString, NamedTuple

import numpy as np

from features_pkg.array_types import Ints
from features_pkg.calendar import to_us
from features_pkg.definitions.velocity import Past, Velocity
from features_pkg.history.held_events import NO_EVENTS, HeldEvents, LastSeen
from features_pkg.identifiers import Event, Identifier
from service.database import Database
from service.deadline import Deadline
from service.hot.entity import LATE_AFTER_US, EntityName, HeldEntity, Seen, Snapshot
from service.hot.statements import HOLD, hold_values
from service.session import ServiceConnection, Session
from service.statements import queries_of
from stores.postgres.pipelined import Query, Row

BUILD_TIMEOUT: Final = timedelta(seconds=30)
"""How long PostgreSQL may take to read all that an entity did."""
MARGIN_US: Final = 100_000
"""How much older than the newest question one may be that is still answered."""
SPARE_US: Final = 60_000_000
"""How much further back than the window of the question that asked arrays reach."""
_LONGEST_PAUSE_SECONDS: Final = 0.05

_BEGIN: Final[LiteralString] = """
WITH now AS MATERIALIZED (SELECT ontem_clock() AS clock)
SELECT clock, pg_current_xact_id()::text::bigint FROM now
"""
_FIRST_OPEN: Final[LiteralString] = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
_LIMIT: Final = Query(
    b"SELECT set_config('statement_timeout', $1, true)",
    [str(round(BUILD_TIMEOUT.total_seconds() * 1000))],
)
Targets = Mapping[Identifier, frozenset[Identifier]]


class Wish(NamedTuple):
    """The question for which an entity should have been held."""

    from_us: int
    at_us: int


class _Watermark(NamedTuple):
    """A transaction, and an instant of the database's clock at which it had not begun."""

    clock_us: int
    transaction: int


class _Packed(NamedTuple):
    """What came of one statement."""

    seen: Seen
    events: dict[Event, HeldEvents]


@dataclass(frozen=True, slots=True)
class Builder:
    """Makes what is held of entities."""

    database: Database
    targets: Targets
    """By identifier, the targets whose different values are counted in recent events."""
    patience: float = 1.0
    """For how many seconds open transactions are waited for; most end within milliseconds."""

    def build(self, name: EntityName, wish: Wish, held: HeldEntity | None) -> HeldEntity | None:
        """What an entity did until now, by adding to what is held of it if that can be.

        None if the rows are another server's. Raises psycopg.Error or PostgresUnavailable.
        """
        deadline = Deadline.within(BUILD_TIMEOUT)
        with self.database.session() as session:
            begun = session.call(_watermark, deadline)
            self._await_end_of_others(session, begun.transaction, deadline)
            if session.generation is None:
                return None
            if held is not None and _can_grow(held, wish, begun):
                grown = self._read(session, name, wish, held, begun, deadline)
                if grown is not None:
                    return grown
            return self._read(session, name, wish, None, begun, deadline)

    def _await_end_of_others(self, session: Session, transaction: int, deadline: Deadline) -> None:
        """Wait until no older transaction is open, or no longer."""
        waited, pause = 0.0, 0.001
        while session.call(_first_open, deadline) < transaction and waited < self.patience:
            time.sleep(pause)
            waited, pause = waited + pause, min(pause * 2, _LONGEST_PAUSE_SECONDS)

    def close(self) -> None:
        """End the session."""
        self.database.close()

    def _read(
        self,
        session: Session,
        name: EntityName,
        wish: Wish,
        held: HeldEntity | None,
        begun: _Watermark,
        deadline: Deadline,
    ) -> HeldEntity | None:
        """What an entity did until the watermark; None if what is held is of no more use."""
        until_us = min(begun.clock_us, wish.at_us) - MARGIN_US
        if held is not None:
            until_us = max(until_us, held.until_us)
        settled_us = until_us - LATE_AFTER_US
        from_us = _from_us(wish, held, until_us)
        generation = session.generation
        if generation is None:
            return None
        values = hold_values(
            name,
            held,
            from_us=from_us,
            until_us=until_us,
            settled_us=settled_us,
            generation=generation,
            watermark=begun.transaction,
            targets=self.targets.get(Identifier(name.identifier), frozenset()),
        )
        packed = _unpack(session.call(lambda it: _hold(it, values), deadline), session.generation)
        if packed.seen.generation != generation:
            return None
        if held is not None and held.contradiction(packed.seen):
            return None
        events = {
            event: (NO_EVENTS if held is None else before).plus(packed.events[event], from_us)
            for event, before in _held_by_event(held).items()
        }
        snapshot = Snapshot.of(packed.seen.visible)
        return HeldEntity(
            name=name,
            generation=generation,
            visible=packed.seen.visible,
            watermark=begun.transaction,
            open=frozenset(each for each in snapshot.open if each < begun.transaction),
            from_us=from_us,
            settled_us=settled_us,
            until_us=until_us,
            orders=events[Event.ORDER],
            chargebacks=events[Event.CHARGEBACK],
        )


def _can_grow(held: HeldEntity, wish: Wish, begun: _Watermark) -> bool:
    """Whether what is held reaches back far enough, and ends before now.

    It does not after the database's clock went back. What comes then counts from instants of which
    all seemed to be held.
    """
    return held.from_us <= wish.from_us and held.until_us <= begun.clock_us


def _from_us(wish: Wish, held: HeldEntity | None, until_us: int) -> int:
    """From when on events are held: from before the wish, and for as long a time as until now.

    While a snapshot is late a request asks about two windows. To hold the shorter one would be to
    lose the longer one each time.
    """
    from_us = wish.from_us - SPARE_US
    if held is None:
        return from_us
    same_span_us = held.from_us + until_us - held.until_us
    return max(held.from_us, min(from_us, same_span_us))


def recent_targets(velocities: Iterable[Velocity]) -> Targets:
    """By identifier, the targets whose different values are counted in recent events."""
    targets: dict[Identifier, frozenset[Identifier]] = {}
    for velocity in velocities:
        if velocity.target is not None and velocity.past is Past.RECENT:
            known = targets.get(velocity.identifier, frozenset())
            targets[velocity.identifier] = known | {velocity.target}
    return targets


def _held_by_event(held: HeldEntity | None) -> dict[Event, HeldEvents]:
    if held is None:
        return {Event.ORDER: NO_EVENTS, Event.CHARGEBACK: NO_EVENTS}
    return {Event.ORDER: held.orders, Event.CHARGEBACK: held.chargebacks}


def _watermark(connection: ServiceConnection) -> _Watermark:
    """A transaction of its own, which ends at once."""
    ((clock, transaction),) = connection.execute(_BEGIN).fetchall()
    return _Watermark(to_us(clock), int(str(transaction)))  # type: ignore[arg-type]


def _first_open(connection: ServiceConnection) -> int:
    ((transaction,),) = connection.execute(_FIRST_OPEN).fetchall()
    return int(str(transaction))


def _hold(connection: ServiceConnection, values: Mapping[str, object]) -> list[Row]:
    """The rows of `HOLD`, for which PostgreSQL may take the time of a build.

    It is set for the transaction: behind a pooler the session's limit is that of a request.
    """
    return connection.send(_LIMIT, *queries_of(HOLD, values)).rows()


def _unpack(rows: list[Row], generation: int | None) -> _Packed:
    """What the rows of `HOLD` say."""
    visible, newest_import = "", (0, 0)
    numbers = {event: (_no_ints(), _no_ints()) for event in Event}
    last_seen: dict[Event, dict[Identifier, LastSeen]] = {event: {} for event in Event}
    for kind, target, first, second in rows:
        if kind == "visible":
            visible = target
        elif kind == "import":
            newest_import = (int(_ints(first)[0]), int(_ints(first)[1]))
        elif not target:
            numbers[Event(kind)] = (_ints(first), _ints(second))
        else:
            values = second.split(b"\0")[:-1]
            last_seen[Event(kind)][Identifier(target)] = LastSeen.of(values, _ints(first))
    events = {event: HeldEvents.of(*numbers[event], last_seen[event]) for event in Event}
    return _Packed(Seen(visible, generation, newest_import), events)


def _ints(packed: bytes) -> Ints:
    return np.frombuffer(packed, dtype=">i8").astype(np.int64)


def _no_ints() -> Ints:
    return np.zeros(0, dtype=np.int64)
