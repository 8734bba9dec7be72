"""Random worlds of orders, nights and loads, and what must hold of every read in them.

Orders and chargebacks as they happen, imports of earlier ones, chargebacks that wait for their
order, nights that rewrite all or only what is new, killed, repeated, withdrawn and corrected loads,
days of 23 and 25 hours.
"""

from __future__ import annotations

from datetime import date

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from features_pkg.calendar import DAY_US
from features_pkg.identifiers import Event
from features_pkg.timelines.read import decode
from stores.redis.values import Load, VersionUnreadable, append_version, load_for_day, read_version
from tests.parity.raw_events import (
    CALENDAR,
    Entity,
    RawEvents,
    ReadBounds,
    counted,
    entities,
    key_of,
    opaque,
    snapshot,
    summary,
)

HOUR_US = 3_600_000_000
MAX_STALE = 2
STARTS = (date(2018, 11, 1), date(2019, 2, 14))
"""The fourth day from these has 23 and the third 25 hours."""

BEFORE_ALL = ReadBounds(date(1970, 1, 1).toordinal(), 0)

cards = st.sampled_from(("a", "b"))
users = st.sampled_from(("x", "y"))
merchants = st.sampled_from(("m1", "m1", "m2"))
written = st.sampled_from((None, None, 1, 3, 1000))
"""How many entities a night writes before it is killed (1000: all); None: it is not."""


class Loads(RuleBasedStateMachine):
    """The world. What a publisher decides is in methods of their own, for the mutants to break."""

    def __init__(self) -> None:
        super().__init__()
        self.raw = RawEvents()
        self.values: dict[bytes, bytes] = {}
        self.listed: tuple[Load, ...] = ()
        self.extents: dict[int, ReadBounds] = {}
        self.expected: dict[int, dict[bytes, bytes]] = {}
        self.killed: int | None = None
        self.now_us = 0

    # What happens to orders.

    @initialize(start=st.sampled_from(STARTS))
    def begin(self, start: date) -> None:
        self.now_us = CALENDAR.cutoff_us(start.toordinal()) + HOUR_US

    @rule(card=cards, user=users, merchant=merchants, ago=st.sampled_from((0, 0, 1, 3, 100)))
    def place_or_import(self, card: str, user: str, merchant: str, ago: int) -> None:
        order_id = str(len(self.raw.orders))
        at_us = self.now_us - ago * DAY_US
        values = {"card": card, "user": user, "product": "p"}
        self.raw.place(order_id, at_us, merchant, values)

    @rule(back=st.integers(-1, 4), ago=st.sampled_from((0, 0, 1, 3)))
    def charge_back(self, back: int, ago: int) -> None:
        """Of an order that is there, told now or imported; or of the next one, which waits."""
        number = max(len(self.raw.orders) - 1 - back, 0)
        told_us = self.now_us - ago * DAY_US
        if str(number) in self.raw.orders:
            told_us = max(told_us, self.raw.orders[str(number)][0].at_us)
        self.raw.tell(str(number), told_us)

    @rule(step=st.sampled_from(("microsecond", "hour", "last of the day", "day", "100 days")))
    def wait(self, step: str) -> None:
        tomorrow_us = CALENDAR.cutoff_us(self.today + 1)
        self.now_us = {
            "microsecond": self.now_us + 1,
            "hour": self.now_us + HOUR_US,
            "last of the day": tomorrow_us - 1,
            "day": tomorrow_us,
            "100 days": self.now_us + 100 * DAY_US,
        }[step]

    # What happens to loads.

    @property
    def today(self) -> int:
        return CALENDAR.day_of(self.now_us)

    @property
    def newest(self) -> Load | None:
        return self.listed[-1] if self.listed else None

    @rule(card=cards, user=users, early=st.booleans(), only_new=st.booleans())
    def a_day_goes_by(self, card: str, user: str, *, early: bool, only_new: bool) -> None:
        """With an order of the day, or one of the next day that is there when the night is."""
        if not early:
            self.place_or_import(card, user, "m1", 0)
        self.wait("day")
        if early:
            self.place_or_import(card, user, "m1", 0)
        self.night(ago=0, until=None, only_new=only_new)

    @rule(card=cards, killed=st.booleans(), corrected=st.booleans(), only_new=st.booleans())
    def a_day_too_many(self, card: str, *, killed: bool, corrected: bool, only_new: bool) -> None:
        """A load is killed or withdrawn, and perhaps the day before it published in its place."""
        self.wait("day")
        self.place_or_import(card, "x", "m1", 0)
        self.wait("day")
        self.night(ago=0, until=1000 if killed else None, only_new=only_new)
        if self.listed and not killed:
            self.withdraw(1)
        if corrected:
            self.night(ago=1, until=None, only_new=only_new)

    @rule(ago=st.integers(0, 3), until=written, only_new=st.booleans())
    def night(self, ago: int, until: int | None, *, only_new: bool) -> None:
        as_of = self.today - ago
        if self.may_follow(as_of):
            load_id = self.new_id()
            self.extents[load_id] = ReadBounds(as_of, self.raw.next_xid)
            self.run(load_id, until, only_new=only_new)

    @precondition(lambda self: self.killed is not None)
    @rule(until=written, only_new=st.booleans())
    def repeat_the_killed_load(self, until: int | None, *, only_new: bool) -> None:
        assert self.killed is not None
        newest_id = self.newest.load_id if self.newest else 0
        if self.killed > newest_id and self.may_follow(self.extents[self.killed].as_of):
            self.extents[self.killed] = self.repeated(self.extents[self.killed])
            self.run(self.killed, until, only_new=only_new)

    @precondition(lambda self: self.listed)
    @rule(loads=st.integers(1, 3))
    def withdraw(self, loads: int) -> None:
        self.listed = self.listed[:-loads]

    def run(self, load_id: int, until: int | None, *, only_new: bool) -> None:
        read_bounds = self.extents[load_id]
        timelines = self.timelines_of(read_bounds)
        self.expected[load_id] = timelines
        listed = frozenset(load.load_id for load in self.listed)
        new = {key_of(entity) for entity in self.new_since_published(read_bounds)}
        chosen = [key for key in timelines if not only_new or key in new]
        for key in chosen[:until]:
            content = append_version(self.values.get(key), key, load_id, timelines[key], listed)
            if content is not None:
                self.values[key] = content
        self.killed = load_id if until is not None else None
        if until is None:
            load = Load(load_id, read_bounds.as_of, read_bounds.cutoff_us, len(timelines), "", "")
            self.listed = self.with_load(load)

    def timelines_of(self, read_bounds: ReadBounds) -> dict[bytes, bytes]:
        return snapshot(self.raw, read_bounds)

    # What a publisher decides.

    def may_follow(self, as_of: int) -> bool:
        return self.newest is None or as_of > self.newest.as_of

    def new_id(self) -> int:
        return max(self.extents, default=0) + 1

    def repeated(self, read_bounds: ReadBounds) -> ReadBounds:
        """The input of a load that is run again under its id."""
        return read_bounds

    def with_load(self, load: Load) -> tuple[Load, ...]:
        return (*self.listed, load)

    def new_since_published(self, read_bounds: ReadBounds) -> set[Entity]:
        last = self.extents[self.newest.load_id] if self.newest else BEFORE_ALL
        return {
            entity
            for at_us, xid, order in self.raw.happened()
            if at_us < read_bounds.cutoff_us and xid < read_bounds.watermark
            if self.is_new(at_us, xid, last)
            for entity in entities(order)
        }

    def is_new(self, at_us: int, xid: int, last: ReadBounds) -> bool:
        return not (at_us < last.cutoff_us and xid < last.watermark)

    # What must hold.

    @invariant()
    def every_read_is_right_or_missing(self) -> None:
        listed = frozenset(load.load_id for load in self.listed)
        for load in self.listed:
            timelines = self.expected[load.load_id]
            for key in self.values.keys() | timelines.keys():
                try:
                    found = read_version(self.values.get(key), key, load.load_id, listed)
                except VersionUnreadable:
                    continue
                assert found == timelines.get(key), "wrong"

    @invariant()
    def the_newest_load_that_stands_on_others_is_never_missing(self) -> None:
        listed = frozenset(load.load_id for load in self.listed)
        if self.newest and self.newest.load_id == max(self.extents):
            for key in self.expected[self.newest.load_id]:
                assert read_version(self.values.get(key), key, self.newest.load_id, listed)

    @rule(ahead=st.integers(-1, 3), entity=st.tuples(merchants, st.just("card"), cards))
    def ask(self, ahead: int, entity: Entity) -> None:
        """As the service does for a day that may have no snapshot yet."""
        due_day = self.today + ahead
        load = load_for_day(self.listed, due_day, MAX_STALE)
        fit = [one for one in self.listed if due_day - MAX_STALE <= one.as_of <= due_day]
        assert load == (fit[-1] if fit else None)
        if load is None:
            return
        listed, key = frozenset(one.load_id for one in self.listed), key_of(entity)
        try:
            content = read_version(self.values.get(key), key, load.load_id, listed)
        except VersionUnreadable:
            return
        seen = self.raw.seen_by(self.extents[load.load_id])
        for event in Event:
            line = None if content is None else decode(content).of(event)
            distinct = event is Event.ORDER
            right = counted(seen, entity, event, due_day, distinct=distinct)
            assert summary(line, due_day, distinct=distinct) == right, "wrong"


class OpaqueLoads(Loads):
    """What is in a timeline does not matter to loads: worlds of this kind are made faster."""

    def timelines_of(self, read_bounds: ReadBounds) -> dict[bytes, bytes]:
        return opaque(self.raw, read_bounds)

    def ask(self) -> None:  # type: ignore[override]
        """Nothing can be read off them."""
