"""The events behind an evaluation, read from PostgreSQL as that evaluation could see them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final

import psycopg
from psycopg.types.numeric import Int8

from features_pkg.calendar import EPOCH, Calendar, from_us
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.velocity import Past
from features_pkg.definitions.window import LONGEST_SERVED_RECENT_US
from features_pkg.engines.window_events import EntityEvents, NewestEvents
from features_pkg.history.past_orders import PastEvent, PastOrder
from features_pkg.identifiers import Event, Identifier
from service.deadline import Deadline
from service.explaining.explanation import MOST_ORDER_IDS
from service.explaining.statement import run
from service.explaining.stored import StoredEvaluation
from service.statements import Statement, prepare
from stores.postgres.pipelined import PipelinedConnection, Row

MOST_EVENTS: Final = 1_000
"""How many events are read of a value, kind of event and past; of several products, fewer each."""
IDENTIFIER_SECONDS: Final = 1.0
"""How long PostgreSQL may take to read the events of one identifier."""

_PLANS: Final = (
    "SELECT set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true),"
    " set_config('statement_timeout', %s, true)"
)


Entities = tuple[EntityEvents, ...]
"""Those of an order's values of one identifier."""


class EventReader:
    """Reads the events behind evaluations of one feature set."""

    def __init__(self, features: FeatureSet) -> None:
        self._targets: dict[Identifier, list[Identifier]] = {
            identifier: sorted({t for each in by_event.values() for t in each})
            for identifier in Identifier
            if (by_event := features.targets_by_event(identifier))
        }
        self._statements = {
            identifier: _statement(identifier, targets, tuple(Past))
            for identifier, targets in self._targets.items()
        }
        self._calendar = Calendar(features.timezone)
        self._delays = {
            identifier: {
                window.delay_days
                for velocity in features.velocities_of(identifier)
                if (window := velocity.window) and window.delay_days
            }
            for identifier in self._targets
        }
        self._distant_statements = {
            identifier: _statement(identifier, self._targets[identifier], (Past.DISTANT,))
            for identifier, delays in self._delays.items()
            if delays
        }

    def read(
        self,
        connection: PipelinedConnection,
        merchant_id: int,
        evaluation: StoredEvaluation,
        deadline: Deadline,
    ) -> dict[Identifier, Entities]:
        """The events of all that the order names, by identifier.

        An identifier that PostgreSQL could not read in time is not among them. Runs in a
        transaction of the merchant, whose settings it changes. Raises psycopg.Error.
        """
        # Only walks along an index end after so many events; with them planned, nothing is sorted.
        connection.execute(_PLANS, (f"{int(IDENTIFIER_SECONDS * 1000)}",))
        found: dict[Identifier, Entities] = {}
        for identifier, values in evaluation.identifiers.items():
            if identifier not in self._statements or deadline.left() < 2 * IDENTIFIER_SECONDS:
                continue
            try:
                with connection.transaction():
                    found[identifier] = self._entities(
                        connection, merchant_id, evaluation, identifier, values
                    )
            except psycopg.errors.QueryCanceled:
                continue
        return found

    def _entities(
        self,
        connection: PipelinedConnection,
        merchant_id: int,
        evaluation: StoredEvaluation,
        identifier: Identifier,
        values: tuple[str, ...],
    ) -> Entities:
        if not values:
            return ()
        most = max(MOST_ORDER_IDS + 1, MOST_EVENTS // len(values))
        parameters = _parameters(merchant_id, evaluation) | {
            "values": list(values),
            "most": Int8(most + 1),
        }
        targets = self._targets[identifier]
        rows = run(connection, self._statements[identifier], parameters)
        found = _by_value(rows, values, targets, most)
        for delay, end_us in self._delay_ends(evaluation, identifier, found).items():
            before = parameters | {"cutoff_at": from_us(end_us)}
            rows = run(connection, self._distant_statements[identifier], before)
            found = _with_delay(found, delay, _by_value(rows, values, targets, most))
        return found

    def _delay_ends(
        self, evaluation: StoredEvaluation, identifier: Identifier, found: Entities
    ) -> Mapping[int, int]:
        """By delay, where its windows end, if the newest events may not reach so far back."""
        as_of, cutoff_us = evaluation.as_of, evaluation.cutoff_us
        newest = [entity.of(event, Past.DISTANT) for entity in found for event in Event]
        if as_of is None or cutoff_us is None or all(events.is_whole for events in newest):
            return {}
        due_day = as_of + evaluation.stale_days
        return {
            delay: min(cutoff_us, self._calendar.cutoff_us(due_day - delay))
            for delay in self._delays[identifier]
        }


def _with_delay(entities: Entities, delay: int, before: Entities) -> Entities:
    """The entities, with what came before a delay."""
    return tuple(
        replace(
            entity,
            delayed={
                **entity.delayed,
                **{(event, delay): older.of(event, Past.DISTANT) for event in Event},
            },
        )
        for entity, older in zip(entities, before, strict=True)
    )


def _statement(
    identifier: Identifier, targets: Sequence[Identifier], pasts: Sequence[Past]
) -> Statement:
    return prepare(
        "explained_events",
        *("merchant_id", "order_id", "values", "most", "watermark", "xmax", "in_flight"),
        *("cutoff_at", "from_at", "to_at"),
        name=str(identifier),
        targets=[str(target) for target in targets],
        pasts=[str(past) for past in pasts],
    )


def _parameters(merchant_id: int, evaluation: StoredEvaluation) -> dict[str, object]:
    """What one evaluation could see, as values of the statement."""
    at_us, seen = evaluation.evaluated_us, evaluation.seen
    cutoff_us = evaluation.cutoff_us
    from_at_us = at_us - LONGEST_SERVED_RECENT_US
    if cutoff_us is not None:
        from_at_us = min(from_at_us, cutoff_us)
    return {
        "merchant_id": Int8(merchant_id),
        "order_id": evaluation.answer.order_id,
        "watermark": Int8(seen.watermark),
        "xmax": Int8(seen.xmax),
        "in_flight": ",".join(map(str, seen.in_flight)),
        "cutoff_at": EPOCH if cutoff_us is None else from_us(cutoff_us),
        "from_at": from_us(from_at_us),
        "to_at": from_us(at_us),
    }


def _by_value(
    rows: Sequence[Row], values: Sequence[str], targets: Sequence[Identifier], most: int
) -> Entities:
    """The events of each value; of more than `most` the oldest are left out."""
    newest: dict[str, dict[tuple[Event, Past], NewestEvents]] = {value: {} for value in values}
    # By value, event and past; then the newest first, and of one instant the one stored last.
    rows = sorted(rows, key=lambda row: (row[0], row[1], row[2], -row[3], -row[4]))
    for (value, event, past), group in groupby(rows, key=lambda row: row[:3]):
        events = [_event(row, targets) for row in group]
        kept = NewestEvents(events[:most], len(events) <= most)
        newest[value][Event(event), Past(past)] = kept
    return tuple(EntityEvents(newest[value]) for value in values)


def _event(row: Row, targets: Sequence[Identifier]) -> PastEvent:
    _, _, _, at_us, _, order_id, amount_cents, *columns = row
    named = {
        target: tuple(column) if target.several else (column,)
        for target, column in zip(targets, columns, strict=True)
        if column is not None
    }
    return PastEvent(at_us, PastOrder(None, order_id, at_us, amount_cents, named))
