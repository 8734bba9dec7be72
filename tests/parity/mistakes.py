"""The rules of DESIGN section 2, each broken where the code keeps it."""

from __future__ import annotations

from tests.parity.mutants import Mistake

ASK = "features_pkg.engines.arrays.questions:"
ANSWER = "features_pkg.engines.arrays.answers:_About."
RUNS = "features_pkg.history.value_runs:Runs."
DAYS = "features_pkg.calendar:Calendar."
TABLE = "features_pkg.notebook.order_table:OrderTable."
COLUMN = "features_pkg.notebook.point_in_time:_OrderQuestions._column"
BEST = "features_pkg.engines.arrays.columns:best_of_each"

ROWS_REPEATED_FOR_EACH_PRODUCT = """\
times = np.bincount(self.entities(Identifier.PRODUCT).row, minlength=self.rows)[entities.row]
    times = np.maximum(times, 1) if not identifier.several else 1
    rows, code = np.repeat(entities.row, times), np.repeat(entities.code, times)
    at_us = self.at_us
"""

BULK_MISTAKES = {
    "the left edge is out": Mistake(
        ASK + "Asking.edge_us", "self.at_us - min(length", "self.at_us + 1 - min(length",
    ),
    "the left edge is a microsecond early": Mistake(
        ASK + "Asking.edge_us", "self.at_us - min(length", "self.at_us - 1 - min(length",
    ),
    "the right edge is in: an order counts itself and its tie": Mistake(
        ASK + "Asking.edge_us", "return self.at_us\n", "return self.at_us + 1\n",
    ),
    "the distant past has a day more": Mistake(
        ASK + "Asking.edge_us", "self.due_day - length", "self.due_day - length - 1",
    ),
    "the distant past has a day less": Mistake(
        ASK + "Asking.edge_us", "self.due_day - length", "self.due_day - length + 1",
    ),
    "an event of the snapshot's own day is distant": Mistake(
        ASK + "Asking.edge_us", "cutoffs_us(self.as_of)", "cutoffs_us(self.as_of + 1)",
    ),
    "since_cutoff is the last 24 hours": Mistake(
        ASK + "edges", "return CUTOFF, AT", 'return ("before", 86_400_000_000), AT',
    ),
    "since_cutoff begins a day after the distant past ends": Mistake(
        ASK + "edges", "return CUTOFF, AT", 'return ("day", -1), AT',
    ),
    "a distant window ends where the question is asked": Mistake(
        ASK + "edges", '("day", window.days)), CUTOFF', '("day", window.days)), AT',
    ),
    "ever is 90 days": Mistake(
        ASK + "edges", "None if window.days is None", '("day", 90) if window.days is None',
    ),
    "a recent ever is 24 hours": Mistake(
        ASK + "edges", "None if window.span_us is None",
        '("before", 86_400_000_000) if window.span_us is None',
    ),
    "the lag ends a microsecond late": Mistake(
        DAYS + "as_ofs", "us - lag // MICROSECOND", "us - 1 - lag // MICROSECOND",
    ),
    "the lag ends a microsecond early": Mistake(
        DAYS + "as_ofs", "us - lag // MICROSECOND", "us + 1 - lag // MICROSECOND",
    ),
    "there is no lag": Mistake(DAYS + "as_ofs", "us - lag // MICROSECOND", "us"),
    "the lag is read off the clock on the wall": Mistake(
        DAYS + "as_ofs", "us - lag // MICROSECOND",
        "us - lag // MICROSECOND + self.offsets_us(us) - self.offsets_us(us - 18_000_000_000)",
    ),
    "every day has 24 hours": Mistake(
        DAYS + "cutoffs_us", "return cutoffs[days - first]",
        "return (days - EPOCH_DAY) * DAY_US + 10_800_000_000",
    ),
    "days are those of UTC": Mistake(
        DAYS + "cutoffs_us", "return cutoffs[days - first]", "return (days - EPOCH_DAY) * DAY_US",
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
    "the first age is the last": Mistake(
        ANSWER + "value", "self._age(history, before, ", "self._age(history, after - 1, ",
    ),
    "the last age is the first": Mistake(
        ANSWER + "value", "self._age(history, after - 1, ", "self._age(history, before, ",
    ),
    "an age is rounded up": Mistake(ANSWER + "_age", ") // 1_000_000", " + 999_999) // 1_000_000"),
    "an age of a newcomer is 0": Mistake(
        ANSWER + "_age", "// 1_000_000, NEVER)", "// 1_000_000, 0)",
    ),
    "an amount is a count": Mistake(
        ANSWER + "value", "return history.cents_before[after] - history.cents_before[before]",
        "return after - before",
    ),
    "an order's products give the least": Mistake(
        BEST, "np.maximum.reduceat", "np.minimum.reduceat",
    ),
    "an order's products give the sum": Mistake(BEST, "np.maximum.reduceat", "np.add.reduceat"),
    "an order's products give the greatest age": Mistake(
        BEST, "np.minimum.reduceat(np.where(values < 0, never, values), starts)",
        "np.maximum.reduceat(values, starts)",
    ),
    "the null age of one product hides the other's": Mistake(
        BEST, "np.where(values < 0, never, values)", "values",
    ),
    "an identifier that the order lacks is 0": Mistake(
        COLUMN, "np.zeros(self._table.rows, dtype=np.bool_)",
        "np.ones(self._table.rows, dtype=np.bool_)",
    ),
    "an entity never seen is null": Mistake(
        COLUMN, "values >= 0 if velocity.measure.is_age else True", "values > 0",
    ),
}  # fmt: skip

REQUEST = "features_pkg.engines.one_order:"
LINE = "features_pkg.timelines.read:Line."
BUILD = "features_pkg.timelines.build:"
ENTITIES = "features_pkg.shuffle.entities:entities_of"

ONE_REQUEST_MISTAKES = {
    "the left edge is out": Mistake(
        REQUEST + "_Kind.since", "bisect_left(self.at_us, start_us)",
        "bisect_left(self.at_us, start_us + 1)",
    ),
    "the left edge is a microsecond early": Mistake(
        REQUEST + "_Kind.since", "bisect_left(self.at_us, start_us)",
        "bisect_left(self.at_us, start_us - 1)",
    ),
    "rows are taken as they come": Mistake(
        REQUEST + "_Kind.__init__", "sorted(rows, key=lambda row: row.at_us)", "rows",
    ),
    "since_cutoff is the last 24 hours": Mistake(
        REQUEST + "_recent", "at.cutoff_us if span_us is None",
        "at.at_us - 86_400_000_000 if span_us is None",
    ),
    "a null target is a value": Mistake(REQUEST + "_recent_distinct", " if value is not None", ""),
    "the products of an order are one value": Mistake(
        REQUEST + "_recent_distinct", "value for values in named for value in values or ()",
        "tuple(values or ()) for values in named",
    ),
    "distinct counts every event": Mistake(
        REQUEST + "_recent_distinct", "return len({value for value in named if value is not None})",
        "return len([value for value in named if value is not None])",
    ),
    "an amount is a count": Mistake(
        REQUEST + "_recent", "sum(kind.cents[start(kind, at) :])",
        "len(kind.rows) - start(kind, at)",
    ),
    "the first age knows the recent past only": Mistake(
        REQUEST + "_first_age", "if kind.line is not None:", "if False:",
    ),
    "the first age of a newcomer is null until the night": Mistake(
        REQUEST + "_first_age", "if start < len(kind.at_us) else None", "if False else None",
    ),
    "the last age knows the distant past only": Mistake(
        REQUEST + "_last_age", "if kind.at_us and", "if False and",
    ),
    "an age is rounded up": Mistake(
        REQUEST + "_last_age", "(moment.at_us - kind.at_us[-1]) // 1_000_000",
        "-((kind.at_us[-1] - moment.at_us) // 1_000_000) + 1",
    ),
    "an order's products give the least": Mistake(
        REQUEST + "_Step.value", "float(max(answers))", "float(min(answers))",
    ),
    "an order's products give the greatest age": Mistake(
        REQUEST + "_Step.value", "float(min(answers))", "float(max(answers))",
    ),
    "an identifier that the order lacks is 0": Mistake(
        REQUEST + "Evaluator.vector", "[math.nan] *", "[0.0] *",
    ),
    "the distant past has a day more": Mistake(
        LINE + "count", "due_day - days -", "due_day - days - 1 -",
    ),
    "the distant past has a day less": Mistake(
        LINE + "count", "due_day - days -", "due_day - days + 1 -",
    ),
    "distinct values of a day more": Mistake(
        LINE + "distinct", "due_day - days -", "due_day - days - 1 -",
    ),
    "distinct values of a day less": Mistake(
        LINE + "distinct", "due_day - days -", "due_day - days + 1 -",
    ),
    "cents of a day more": Mistake(
        LINE + "amount_cents", "due_day - days -", "due_day - days - 1 -",
    ),
    "cents of a day less": Mistake(
        LINE + "amount_cents", "due_day - days -", "due_day - days + 1 -",
    ),
    "ever is 90 days": Mistake(LINE + "count", "self._older + sum", "sum"),
    "values older than 90 days are forgotten": Mistake(LINE + "distinct", "older + sum", "sum"),
    "cents older than 90 days are forgotten": Mistake(
        LINE + "amount_cents", "self._older_cents + sum", "sum",
    ),
    "a value stays on the day it was first seen": Mistake(
        RUNS + "last_positions", "(~self._same, [True])", "([True], ~self._same)",
    ),
    "a timeline knows its last event as the first": Mistake(
        BUILD + "_Lines.line", "self._at_us[start],", "self._at_us[end - 1],",
    ),
    "days are those of UTC": Mistake(
        "features_pkg.history.sorted_events:History.days", "self._calendar.days_of(self.at_us)",
        "self.at_us // 86_400_000_000 + 719_163",
    ),
    "merchants mix": Mistake("features_pkg.entity_keys:EntityKeys.key", "{merchant_id}", ""),
    "a product's two sightings in an order are two events": Mistake(
        ENTITIES, "np.unique(row * len(pairs) + pair, return_index=True)",
        "(0, np.arange(len(row)))",
    ),
    "null targets are listed": Mistake(
        ENTITIES, "valid = pc.is_valid(column)",
        "column = pc.fill_null(column, '')\n    valid = pc.is_valid(column)",
    ),
}  # fmt: skip
