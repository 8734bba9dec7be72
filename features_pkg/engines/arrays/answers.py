"""The answers of many questions about one identifier."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from features_pkg.array_types import Ints
from features_pkg.definitions.velocity import Past, Velocity
from features_pkg.engines.arrays.questions import CUTOFF, Edge, Questions, edges
from features_pkg.engines.arrays.visibility import Sight, sights
from features_pkg.engines.arrays.window_sight import WindowSight
from features_pkg.history.sorted_events import SortedEvents, by_code
from features_pkg.identifiers import Event
from features_pkg.measures import MEASURES
from features_pkg.measures.inputs import ArrayWindows, Span

History = Mapping[Event, SortedEvents]


def answer(
    velocities: Sequence[Velocity],
    history: History,
    questions: Questions,
    rows: Ints,
    entity: Ints,
) -> Iterator[tuple[Velocity, Ints]]:
    """Each of `velocities`, which are all of one identifier, with its values.

    Value `i` answers the question in row `rows[i]` of `questions` about the entity `entity[i]`. An
    age is `NEVER` where the entity was never seen.
    """
    # Neighbouring questions look up neighbouring positions when they are sorted by entity.
    sorting = by_code(entity)
    answers = _IdentifierAnswers(history, questions, rows[sorting], entity[sorting])
    place = np.empty(len(rows), dtype=np.int64)
    place[sorting] = np.arange(len(rows))
    corrections = [
        (some, answers.limited(place[some], sight))
        for some, sight in sights(history, questions, rows, entity)
    ]
    for velocity in velocities:
        values = np.empty(len(rows), dtype=np.int64)
        values[sorting] = answers.value(velocity)
        for some, limited in corrections:
            values[some] = limited.value(velocity)
        yield velocity, values


class _IdentifierAnswers:
    """Answers questions `rows` about the entities `entity`, keeping the positions it has found.

    With a `sight` of these questions it answers what they could see, else what the rule shows.
    """

    def __init__(
        self,
        history: History,
        questions: Questions,
        rows: Ints,
        entity: Ints,
        sight: Sight | None = None,
    ) -> None:
        self._sight = sight
        self._history, self._questions = history, questions
        self._rows, self._entity = rows, entity
        self._at_us = questions.at_us[rows]
        self._stale_days = (questions.due_day - questions.as_of)[rows]
        self._positions: dict[tuple[Event, Edge | None], Ints] = {}
        self._whole: tuple[_IdentifierAnswers, Ints] | None = None

    def limited(self, some: Ints, sight: Sight) -> _IdentifierAnswers:
        """The answers to `some` of these questions, which have this sight."""
        answers = _IdentifierAnswers(
            self._history, self._questions, self._rows[some], self._entity[some], sight
        )
        answers._whole = self, some
        return answers

    def value(self, velocity: Velocity) -> Ints:
        """The value of `velocity` for each question."""
        start, end = edges(velocity)
        after = self._position(velocity.event, end)
        # An older snapshot can end before a short window begins. Such a window is empty, so its
        # start may not lie after its end.
        before = np.minimum(self._position(velocity.event, start), after)
        windows = ArrayWindows(
            events=self._history[velocity.event],
            at_us=self._at_us,
            before=before,
            after=after,
            spans=self._spans(velocity, start),
            in_days=velocity.past is Past.DISTANT,
            sight=self._window_sight(velocity, before, after),
        )
        return MEASURES[velocity.measure].arrays(velocity, windows)

    def _window_sight(self, velocity: Velocity, before: Ints, after: Ints) -> WindowSight | None:
        """What the questions could see of windows, if that is less than all."""
        if self._sight is None:
            return None
        start, end = edges(velocity)
        return WindowSight(
            sight=self._sight,
            event=velocity.event,
            past=velocity.past,
            events=self._history[velocity.event],
            before=before,
            after=after,
            cutoff=self._position(velocity.event, CUTOFF),
            start_us=None if start is None else self._sight.questions.edge_us(start),
            end_us=self._sight.questions.edge_us(end),
        )

    def _position(self, event: Event, edge: Edge | None) -> Ints:
        """The position of an edge in the events of each question's entity; None is their start."""
        key = (event, edge)
        if key not in self._positions:
            events = self._history[event]
            if self._whole is not None:
                whole, some = self._whole
                self._positions[key] = whole._position(event, edge)[some]
            elif edge is None:
                self._positions[key] = events.starts[self._entity]
            else:
                ranks = self._questions.ranks(edge, events.times)[self._rows]
                self._positions[key] = events.positions(self._entity, ranks)
        return self._positions[key]

    def _spans(self, velocity: Velocity, start: Edge | None) -> tuple[Span, ...]:
        """How long the windows are; one that an older snapshot ends is shorter by its days."""
        everything = slice(None)
        if start is None:
            return (Span(None, everything),)
        if velocity.past is not Past.DISTANT or not self._stale_days.any():
            return (Span(start[1], everything),)
        return tuple(
            Span(start[1] - days, np.flatnonzero(self._stale_days == days))
            for days in np.unique(self._stale_days).tolist()
        )
