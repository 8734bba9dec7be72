"""What limited questions could see of the windows of one velocity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features_pkg.array_types import Ints, Mask
from features_pkg.definitions.velocity import Past
from features_pkg.engines.arrays.charged_again import Pairs
from features_pkg.engines.arrays.visibility import Sight
from features_pkg.history.different import different
from features_pkg.history.events import select
from features_pkg.history.hidden_events import HiddenEvents
from features_pkg.history.ranked import HIGHEST
from features_pkg.history.sorted_events import SortedEvents
from features_pkg.identifiers import Event, Identifier
from features_pkg.measures.inputs import Span


@dataclass(frozen=True, slots=True)
class WindowSight:
    """The windows `[before, after)`, from `start_us` (None: always) to `end_us`, of one velocity.

    Hidden events are in sums over ranks. Beside them there are a few single ones: a question's own
    order, and chargebacks that count because the order's first was hidden. The load shows what lies
    before the position `cutoff`.
    """

    sight: Sight
    event: Event
    past: Past | None
    events: SortedEvents
    before: Ints
    after: Ints
    cutoff: Ints
    start_us: Ints | None
    end_us: Ints

    def hidden_count(self) -> Ints:
        """How many events of the windows were hidden."""
        hidden = self._hidden
        own, later = self._own_in_windows(), self._later_in_windows()
        count = hidden.total(None, self.before, self.after)
        np.subtract.at(count, later.question, 1)
        return count + own

    def hidden_cents(self) -> Ints:
        """The cents of the hidden events."""
        hidden = self._hidden
        own, later = self._own_in_windows(), self._later_in_windows()
        cents = self.events.cents_of_positions
        total = hidden.total(cents, self.before, self.after)
        np.subtract.at(total, later.question, self.events.everything.amount_cents[later.row])
        total[own] += cents[self.sight.own(self.event)[own]]
        return total

    def hidden_values(self, target: Identifier, spans: Sequence[Span], *, in_days: bool) -> Ints:
        """How many different values of a target came with hidden events alone."""
        hidden = self._hidden
        total = np.zeros(len(self.before), dtype=np.int64)
        some = np.zeros(len(self.before), dtype=np.bool_)
        some[hidden.in_windows(self.before, self.after)] = True
        for span, questions in spans:
            each = np.arange(len(total))[questions]
            each = each[some[each]]
            if len(each):
                total[each] = hidden.values(target).total(
                    span,
                    hidden.start[each],
                    self.before[each],
                    self.after[each],
                    hidden.limit[each],
                    in_days=in_days,
                )
        self._add_single_values(target, total)
        return total

    def _add_single_values(self, target: Identifier, total: Ints) -> None:
        """Look again at each (question, value) of the own order and of later chargebacks."""
        own, later = np.flatnonzero(self._own_in_windows()), self._later_in_windows()
        if not len(own) + len(later.question):
            return
        hidden, own_position = self._hidden, self.sight.own(self.event)
        own_rows = self.events.row_of_position[own_position[own]]
        question, code = self._values_of_rows(
            target,
            np.concatenate((own, later.question)),
            np.concatenate((own_rows, later.row)),
        )
        of_later, later_code = self._values_of_rows(target, later.question, later.row)
        width = max(int(code.max(initial=0)), int(later_code.max(initial=0))) + 1
        pair = different(question * width + code)
        question, code = np.divmod(pair, width)
        values, limit = hidden.values(target), hidden.limit[question]
        last = values.last_sighting(code, self.after[question], limit)
        other = last.copy()
        is_own = np.flatnonzero((last >= 0) & (last == own_position[question]))
        other[is_own] = values.last_sighting(code[is_own], last[is_own], limit[is_own])
        before = self.before[question]
        counts = (other >= before) | np.isin(pair, of_later * width + later_code)
        np.add.at(total, question, (last >= before).astype(np.int64) - counts)

    def _values_of_rows(self, target: Identifier, question: Ints, row: Ints) -> tuple[Ints, Ints]:
        """Questions with the values at rows of `everything`."""
        everything = self.events.everything
        chosen = select(everything, row, entity=question, entities=len(self.before))
        values = chosen.targets[target]
        return question[values.event], values.code

    def _own_in_windows(self) -> Mask:
        """Whether the windows hold the question's own order, and it could see it."""
        own = self.sight.own(self.event)
        mask = (own >= 0) & (self.before <= own) & (own < self.after)
        hidden = self._hidden
        mask[mask] = hidden.rank[own[mask]] < hidden.limit[mask]
        return np.asarray(mask)

    def _later_in_windows(self) -> Pairs:
        question, row = self.sight.later(self.event, self.past)
        at_us = self.events.everything.at_us[row]
        inside = at_us < self.end_us[question]
        if self.start_us is not None:
            inside &= at_us >= self.start_us[question]
        return Pairs(question[inside], row[inside])

    @property
    def _hidden(self) -> HiddenEvents:
        assert self.past is not None
        return self.sight.hidden(self.event, self.past)

    def first_us(self) -> Ints:
        """The instant of the first event; `HIGHEST` where there is none."""
        distant = self._first(Past.DISTANT, self.before, self.cutoff)
        recent = self._first(Past.RECENT, self.cutoff, self.after)
        found = np.minimum(distant, recent)
        question, row = self.sight.later(self.event, None)
        np.minimum.at(found, question, self.events.everything.at_us[row])
        return found

    def last_us(self) -> Ints:
        """The instant of the last event; `-HIGHEST` where there is none."""
        distant = self._last(Past.DISTANT, self.before, self.cutoff)
        recent = self._last(Past.RECENT, self.cutoff, self.after)
        found = np.maximum(distant, recent)
        question, row = self.sight.later(self.event, None)
        np.maximum.at(found, question, self.events.everything.at_us[row])
        return found

    def _first(self, past: Past, start: Ints, end: Ints) -> Ints:
        hidden, own = self.sight.hidden(self.event, past), self.sight.own(self.event)
        found = hidden.first_from(start)
        is_own = found == own
        found = np.where(is_own, hidden.first_from(np.where(is_own, found + 1, start)), found)
        return self._instants(found, found < end, HIGHEST)

    def _last(self, past: Past, start: Ints, end: Ints) -> Ints:
        hidden, own = self.sight.hidden(self.event, past), self.sight.own(self.event)
        found = hidden.last_before(end)
        is_own = (found == own) & (own >= 0)
        found = np.where(is_own, hidden.last_before(np.where(is_own, found, end)), found)
        return self._instants(found, found >= start, -HIGHEST)

    def _instants(self, position: Ints, counts: Mask, otherwise: int) -> Ints:
        instants = np.full(len(position), otherwise)
        instants[counts] = self.events.at_us[position[counts]]
        return instants
