"""Live questions that may have seen less than the rule shows: rows were in flight, or came later.

What a live order saw is docs/semantics.md section 5. All questions are answered by the rule first.
Then those that missed something are answered again, less what was hidden from them: each event gets
a rank and each question a limit, and hidden is what is not below it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from features_pkg.array_types import Ints, Mask
from features_pkg.definitions.velocity import Past
from features_pkg.engines.arrays.charged_again import Pairs, later_chargebacks
from features_pkg.engines.arrays.questions import AT, CUTOFF, Edge, Questions
from features_pkg.engines.arrays.snapshots import Chain, chains
from features_pkg.history.hidden_events import HiddenEvents
from features_pkg.history.sorted_events import SortedEvents, by_code
from features_pkg.identifiers import Event

History = Mapping[Event, SortedEvents]
REACH: Mapping[Past, Edge] = {Past.DISTANT: CUTOFF, Past.RECENT: AT}
"""Where each past ends."""


def limited_questions(history: History, questions: Questions, rows: Ints, entity: Ints) -> Ints:
    """Which questions are live and may not have seen all of their past, or see their own order."""
    visibility = questions.visibility
    if visibility is None:
        return np.zeros(0, dtype=np.int64)
    limited = (visibility.own_us < questions.at_us)[rows]
    for events in history.values():
        start, newest = events.starts[entity], events.newest_recorded_key
        for edge, limit in ((AT, visibility.xmin), (CUTOFF, visibility.watermark)):
            # `newest[i]` is the greatest recorded key of an entity's events up to position i. If it
            # is not below the limit just before the edge, an event was stored after what the
            # question is certain to have seen.
            before = events.positions(entity, questions.ranks(edge, events.times)[rows])
            if len(newest):
                limited |= (before > start) & (newest[before - 1] >= limit[rows])
    return np.flatnonzero(limited & visibility.live[rows])


def sights(
    history: History, questions: Questions, rows: Ints, entity: Ints
) -> Iterator[tuple[Ints, Sight]]:
    """The limited questions, which of those in `rows` they are, and what they could see."""
    limited = limited_questions(history, questions, rows, entity)
    if not len(limited):
        return
    assert questions.visibility is not None
    for chain in chains(questions.visibility.select(rows[limited])):
        # Neighbouring questions look up neighbouring positions when they are sorted by entity.
        link = by_code(entity[limited[chain.questions]])
        some = limited[chain.questions[link]]
        yield some, Sight(history, questions.select(rows[some]), entity[some], link, chain)


class Sight:
    """What live questions could see of their entities; question `i` is at `link[i]` of `chain`."""

    def __init__(
        self, history: History, questions: Questions, entity: Ints, link: Ints, chain: Chain
    ) -> None:
        assert questions.visibility is not None
        self.questions, self.visibility, self.entity = questions, questions.visibility, entity
        self._history, self._chain = history, chain
        self._limits = {
            Past.DISTANT: self.visibility.watermark,
            Past.RECENT: link + 1,
        }
        self._ranks: dict[tuple[Event, Past], Ints] = {}
        self._hidden: dict[tuple[Event, Past], HiddenEvents] = {}
        self._later: dict[tuple[Event, Past | None], Pairs] = {}
        self._own: dict[Event, Ints] = {}

    def hidden(self, event: Event, past: Past) -> HiddenEvents:
        """The events that the load or the recent read of each question did not have."""
        key = (event, past)
        if key not in self._hidden:
            events, reach = self._history[event], REACH[past]
            self._hidden[key] = HiddenEvents(
                events,
                events.by_position(self._rank(event, past)),
                self._limits[past],
                self.entity,
                events.positions(self.entity, self.questions.ranks(reach, events.times)),
            )
        return self._hidden[key]

    def own(self, event: Event) -> Ints:
        """The position of the own order's event; -1 where it has none."""
        if event not in self._own:
            self._own[event] = self._find_own(self._history[event])
        return self._own[event]

    def later(self, event: Event, past: Past | None) -> Pairs:
        """The later chargebacks that count; of the past None those of both pasts."""
        key = (event, past)
        if key not in self._later:
            self._later[key] = (
                self._later_of_both(event)
                if past is None
                else later_chargebacks(
                    self._history[event].everything,
                    self.entity,
                    self.questions.edge_us(REACH[past]),
                    lambda question, row: self._sees(event, past, question, row),
                )
            )
        return self._later[key]

    def _later_of_both(self, event: Event) -> Pairs:
        """Those of the load, and from its cutoff on those of the recent read.

        The recent read knew an order's first chargeback also where that was before the cutoff and
        the load lacked it: then neither has one that counts.
        """
        distant, recent = self.later(event, Past.DISTANT), self.later(event, Past.RECENT)
        cutoff_us = self.questions.edge_us(CUTOFF)[recent.question]
        after = self._history[event].everything.at_us[recent.row] >= cutoff_us
        return Pairs(
            np.concatenate((distant.question, recent.question[after])),
            np.concatenate((distant.row, recent.row[after])),
        )

    def _sees(self, event: Event, past: Past, question: Ints, row: Ints) -> Mask:
        """Whether question `question[i]` could see the event in `row[i]`; never its own."""
        events = self._history[event].everything
        assert events.order is not None
        visible = self._rank(event, past)[row] < self._limits[past][question]
        return np.asarray(visible & (events.order[row] != self.visibility.order[question]))

    def _rank(self, event: Event, past: Past) -> Ints:
        """The rank of each row: for loads its recorded key, for recent reads the first that saw it.

        A chargeback was seen where it and its order were.
        """
        key = (event, past)
        if key not in self._ranks:
            events = self._history[event].everything
            assert events.recorded_key is not None
            assert events.order_recorded_key is not None
            self._ranks[key] = (
                events.recorded_key
                if past is Past.DISTANT
                else np.maximum(
                    self._chain.links(events.recorded_key),
                    self._chain.links(events.order_recorded_key),
                )
            )
        return self._ranks[key]

    def _find_own(self, events: SortedEvents) -> Ints:
        """Orders that were imported and posted later are found by (entity, order)."""
        found = np.full(len(self.entity), -1)
        asks = np.flatnonzero(self.visibility.own_us < self.questions.at_us)
        if not len(asks):
            return found
        assert events.everything.order is not None
        order = events.by_position(events.everything.order)
        known, code = np.unique(self.visibility.order[asks], return_inverse=True)
        nearest = np.minimum(np.searchsorted(known, order), len(known) - 1)
        position = np.flatnonzero(known[nearest] == order)
        pair = events.entity[position].astype(np.int64) * len(known) + nearest[position]
        by_pair = np.argsort(pair)
        pair, position = pair[by_pair], position[by_pair]
        wanted = self.entity[asks].astype(np.int64) * len(known) + code
        at = np.searchsorted(pair, wanted)
        hit = at < len(pair)
        hit[hit] = pair[at[hit]] == wanted[hit]
        found[asks[hit]] = position[at[hit]]
        return found
