"""The rules of what a velocity means (docs/semantics.md section 2), each broken once.

A `Mistake` rewords the line that keeps a rule; a `Swap` lets another measure answer.
"""

from __future__ import annotations

from features_pkg.definitions.velocity import Measure
from features_pkg.measures import Count, FirstAge, LastAge
from tests.parity.mutants import Mistake, Swap

QUESTIONS = "features_pkg.engines.arrays.questions:"
DISTINCT = "features_pkg.measures.distinct:"
AGE = "features_pkg.measures.age:"
RUNS = "features_pkg.history.value_runs:ValueRuns."
DAYS = "features_pkg.calendar:Calendar."
TABLE = "features_pkg.notebook.order_table:OrderTable."
COLUMN = "features_pkg.engines.arrays.columns:order_column"
BEST = "features_pkg.engines.arrays.columns:best_of_each"

ROWS_REPEATED_FOR_EACH_PRODUCT = """\
times = np.bincount(self.entities(Identifier.PRODUCT).row, minlength=self.rows)[entities.row]
    times = np.maximum(times, 1) if not identifier.several else 1
    rows, code = np.repeat(entities.row, times), np.repeat(entities.code, times)
    at_us = self.at_us
"""

ARRAY_MISTAKES: dict[str, Mistake | Swap] = {
    "the left edge is out": Mistake(
        QUESTIONS + "Questions.edge_us", "self.at_us - min(length", "self.at_us + 1 - min(length",
    ),
    "the left edge is a microsecond early": Mistake(
        QUESTIONS + "Questions.edge_us", "self.at_us - min(length", "self.at_us - 1 - min(length",
    ),
    "the right edge is in: an order counts itself and its tie": Mistake(
        QUESTIONS + "Questions.edge_us", "return self.at_us\n", "return self.at_us + 1\n",
    ),
    "the distant past has a day more": Mistake(
        QUESTIONS + "Questions.edge_us", "self.due_day - length", "self.due_day - length - 1",
    ),
    "the distant past has a day less": Mistake(
        QUESTIONS + "Questions.edge_us", "self.due_day - length", "self.due_day - length + 1",
    ),
    "an event of the snapshot's own day is distant": Mistake(
        QUESTIONS + "Questions.edge_us", "cutoffs_us(self.as_of)", "cutoffs_us(self.as_of + 1)",
    ),
    "since_cutoff is the last 24 hours": Mistake(
        QUESTIONS + "edges", "return CUTOFF, AT", 'return ("before", 86_400_000_000), AT',
    ),
    "since_cutoff begins a day after the distant past ends": Mistake(
        QUESTIONS + "edges", "return CUTOFF, AT", 'return ("day", -1), AT',
    ),
    "a distant window ends where the question is asked": Mistake(
        QUESTIONS + "edges", "if delay else CUTOFF", "if delay else AT",
    ),
    "ever is 90 days": Mistake(
        QUESTIONS + "edges", "None if window.days is None", '("day", 90) if window.days is None',
    ),
    "a recent ever is 24 hours": Mistake(
        QUESTIONS + "edges", "None if window.span_us is None",
        '("before", 86_400_000_000) if window.span_us is None',
    ),
    "the lag ends a microsecond late": Mistake(
        DAYS + "due_days", "us - lag // MICROSECOND", "us - 1 - lag // MICROSECOND",
    ),
    "the lag ends a microsecond early": Mistake(
        DAYS + "due_days", "us - lag // MICROSECOND", "us + 1 - lag // MICROSECOND",
    ),
    "there is no lag": Mistake(DAYS + "due_days", "us - lag // MICROSECOND", "us"),
    "the lag is read off the clock on the wall": Mistake(
        DAYS + "due_days", "us - lag // MICROSECOND",
        "us - lag // MICROSECOND + self.offsets_us(us) - self.offsets_us(us - 18_000_000_000)",
    ),
    "every day has 24 hours": Mistake(
        DAYS + "cutoffs_us", "return table.cutoffs[days - table.first]",
        "return (days - EPOCH_DAY) * DAY_US + 10_800_000_000",
    ),
    "days are those of UTC": Mistake(
        DAYS + "cutoffs_us", "return table.cutoffs[days - table.first]",
        "return (days - EPOCH_DAY) * DAY_US",
    ),
    "a value that comes back is one for ever": Mistake(
        RUNS + "_continued", "<= span", "<= 60 * span",
    ),
    "a value seen twice in the window is two": Mistake(
        RUNS + "_continued", "<= span", "<= span // 10",
    ),
    "a null target is a value": Mistake(
        TABLE + "_values", "flatnonzero(code >= 0)", "flatnonzero(code >= -1)",
    ),
    "a product that appears twice is two events": Mistake(
        TABLE + "_code", "np.unique(rows * max", "np.sort(rows * max",
    ),
    "the products of an order are as many events of its card": Mistake(
        TABLE + "events", "rows, code, at_us = entities.row, entities.code, self.at_us\n",
        ROWS_REPEATED_FOR_EACH_PRODUCT,
    ),
    "an order's amount is shared out to its products": Mistake(
        TABLE + "events", "self.amount_cents[rows] if amounts",
        "self.amount_cents[rows] // np.maximum(np.bincount(rows)[rows], 1) if amounts",
    ),
    "merchants mix": Mistake(
        TABLE + "_code", "self._merchant_count > 1", "self._merchant_count > 9",
    ),
    "a chargeback counts from its order's time": Mistake(
        TABLE + "events", "at_us[charged] = charged_us", "at_us[charged] = self.at_us[charged]",
    ),
    "the first age is the last": Swap(Measure.FIRST_AGE, LastAge()),
    "the last age is the first": Swap(Measure.LAST_AGE, FirstAge()),
    "an age is rounded up": Mistake(
        AGE + "_ages", "- event_us) // SECOND_US", "- event_us + 999_999) // SECOND_US",
    ),
    "an age of a newcomer is 0": Mistake(AGE + "_ages", "// SECOND_US, NEVER)", "// SECOND_US, 0)"),
    "an amount is a count": Swap(Measure.AMOUNT, Count()),
    "values that left the window are still counted": Mistake(
        DISTINCT + "Distinct.arrays", "opened[after] - closed[before]",
        "opened[after] - opened[before]",
    ),
    "an order's products give the least": Mistake(
        BEST, "np.maximum.reduceat", "np.minimum.reduceat",
    ),
    "an order's products give the sum": Mistake(BEST, "np.maximum.reduceat", "np.add.reduceat"),
    "an order's products give the greatest age": Mistake(
        BEST, "np.minimum.reduceat(np.where(values == NEVER, latest, values), starts)",
        "np.maximum.reduceat(values, starts)",
    ),
    "the null age of one product hides the other's": Mistake(
        BEST, "np.where(values == NEVER, latest, values)", "values",
    ),
    "an identifier that the order lacks is 0": Mistake(
        COLUMN, "np.zeros(orders, dtype=np.bool_)", "np.ones(orders, dtype=np.bool_)",
    ),
    "an entity never seen is null": Mistake(
        COLUMN, "values != NEVER if velocity.measure.is_age else True", "values > 0",
    ),
}  # fmt: skip

ONE_ORDER = "features_pkg.engines.one_order:"
EVENT_READER = "features_pkg.engines.event_reader:"
PAST = "features_pkg.measures.inputs:EntityPast."
WINDOWED = "features_pkg.measures.measure:windowed"
TIMELINE = "features_pkg.timelines.read:EventTimeline."
STATES = "features_pkg.fold.states:"
ENTITY_KEYS = "features_pkg.shuffle.keyed:_entity_keys"

ONE_ORDER_MISTAKES: dict[str, Mistake | Swap] = {
    "the left edge is out": Mistake(
        PAST + "since", "bisect_left(self.at_us, start_us)",
        "bisect_left(self.at_us, start_us + 1)",
    ),
    "the left edge is a microsecond early": Mistake(
        PAST + "since", "bisect_left(self.at_us, start_us)",
        "bisect_left(self.at_us, start_us - 1)",
    ),
    "rows are taken as they come": Mistake(
        PAST + "__init__", "sorted(events, key=lambda event: event.at_us)", "list(events)",
    ),
    "since_cutoff is the last 24 hours": Mistake(
        WINDOWED, "at.cutoff_us if span_us is None",
        "at.at_us - 86_400_000_000 if span_us is None",
    ),
    "a null target is a value": Mistake(DISTINCT + "_different", "values - {None}", "values"),
    "the products of an order are one value": Mistake(
        DISTINCT + "_different_products", "product for several in products for product in several",
        "tuple(several) for several in products",
    ),
    "distinct counts every event": Mistake(
        DISTINCT + "_different", "return len(values - {None})", "return len(past.events[start:])",
    ),
    "an amount is a count": Swap(Measure.AMOUNT, Count()),
    "the first age is the last": Swap(Measure.FIRST_AGE, LastAge()),
    "the first age knows the recent past only": Mistake(
        AGE + "_first_age", "if past.timeline is not None:", "if False:",
    ),
    "the first age of a newcomer is null until the night": Mistake(
        AGE + "_first_age", "if start < len(past.at_us) else None", "if False else None",
    ),
    "the last age knows the distant past only": Mistake(
        AGE + "_last_age", "if past.at_us and", "if False and",
    ),
    "an age is rounded up": Mistake(
        AGE + "_last_age", "(at.at_us - past.at_us[-1]) // SECOND_US",
        "-((past.at_us[-1] - at.at_us) // SECOND_US) + 1",
    ),
    "an order's products give the last one's": Mistake(
        EVENT_READER + "_keep_greatest", "value > values[position]", "True",
    ),
    "an order's products give the greatest age": Mistake(
        EVENT_READER + "EventReader.read_recent", "not values[position] <= age",
        "not values[position] > age",
    ),
    "the recent past is not read": Mistake(
        EVENT_READER + "EventReader.read_recent", "_keep_greatest(values, self.recent, past, at)",
        "pass",
    ),
    "an entity that was never seen is null": Mistake(
        EVENT_READER + "_begin", "= 0.0", "= float('nan')",
    ),
    "an identifier that the order lacks is 0": Mistake(
        ONE_ORDER + "Evaluator.begin", "[math.nan] *", "[0.0] *",
    ),
    "the distant past has a day more": Mistake(
        TIMELINE + "count", "due_day - days -", "due_day - days - 1 -",
    ),
    "the distant past has a day less": Mistake(
        TIMELINE + "count", "due_day - days -", "due_day - days + 1 -",
    ),
    "distinct values of a day more": Mistake(
        TIMELINE + "distinct", "due_day - days -", "due_day - days - 1 -",
    ),
    "distinct values of a day less": Mistake(
        TIMELINE + "distinct", "due_day - days -", "due_day - days + 1 -",
    ),
    "cents of a day more": Mistake(
        TIMELINE + "amount_cents", "due_day - days -", "due_day - days - 1 -",
    ),
    "cents of a day less": Mistake(
        TIMELINE + "amount_cents", "due_day - days -", "due_day - days + 1 -",
    ),
    "ever is 90 days": Mistake(TIMELINE + "count", "self._older + sum", "sum"),
    "values older than 90 days are forgotten": Mistake(TIMELINE + "distinct", "older + sum", "sum"),
    "cents older than 90 days are forgotten": Mistake(
        TIMELINE + "amount_cents", "self._older_cents + sum", "sum",
    ),
    "a value stays on the day it was first seen": Mistake(
        STATES + "_newest", "np.maximum, values.day", "np.minimum, values.day",
    ),
    "a timeline knows its last event as the first": Mistake(
        STATES + "_fold_event", "first_us[happened],", "last_us[happened] + 0,",
    ),
    "days are those of UTC": Mistake(
        STATES + "states_of", "calendar.days_of(single.at_us)",
        "single.at_us // 86_400_000_000 + 719_163",
    ),
    "merchants mix": Mistake("features_pkg.entity_keys:EntityKeys.key", "{merchant_id}", ""),
    "a product's two sightings in an order are two events": Mistake(
        ENTITY_KEYS, "row, pair, _ = coded_pairs(row, pair)", "",
    ),
    "null targets are listed": Mistake(
        ENTITY_KEYS, "valid = pc.is_valid(column)",
        "column = pc.fill_null(column, '')\n    valid = pc.is_valid(column)",
    ),
}  # fmt: skip
