"""Random worlds of orders, nights and loads, and what must hold of every read in them.

Imports of earlier orders, chargebacks that wait for theirs, restored servers, nights that rewrite
all or only what is new, killed, repeated, withdrawn and corrected loads, damaged buckets, other
numbers of buckets, another secret, days of 23 and 25 hours.
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
from stores.redis.buckets import ValueUnreadable
from stores.redis.load_list import load_for_day
from tests.parity.load_store import LoadStore
from tests.parity.raw_events import (
    CALENDAR,
    Entity,
    RawEvents,
    ReadBounds,
    counted,
    entities,
    key_of,
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
"""How many buckets a night writes before it is killed (1000: all); None: it is not."""


class Loads(LoadStore, RuleBasedStateMachine):
    """The world. What a publisher decides is in methods of their own, for the mutants to break."""

    def __init__(self) -> None:
        super().__init__()
        self.raw = RawEvents()
        self.extents: dict[int, ReadBounds] = {}
        self.expected: dict[int, dict[bytes, bytes]] = {}
        self.killed: int | None = None
        self.now_us = 0
        self.checked: object = None
        """What reads depend on, when all of them were right or missing last."""

    # What happens to orders.

    @initialize(start=st.sampled_from(STARTS))
    def begin(self, start: date) -> None:
        self.now_us = CALENDAR.cutoff_us(start.toordinal()) + HOUR_US

    @rule(card=cards, user=users, merchant=merchants, ago=st.sampled_from((0, 0, 1, 3, 100)))
    def place_or_import(self, card: str, user: str, merchant: str, ago: int) -> None:
        at_us, order_id = self.now_us - ago * DAY_US, str(len(self.raw.orders))
        self.raw.place(order_id, at_us, merchant, {"card": card, "user": user, "product": "p"})

    @rule(back=st.integers(-1, 4), ago=st.sampled_from((0, 0, 1, 3)))
    def charge_back(self, back: int, ago: int) -> None:
        """Of an order that is there, told now or imported; or of the next one, which waits."""
        number = str(max(len(self.raw.orders) - 1 - back, 0))
        told_us = self.now_us - ago * DAY_US
        if number in self.raw.orders:
            told_us = max(told_us, self.raw.orders[number][0].at_us)
        self.raw.tell(number, told_us)

    @rule()
    def restore_postgresql(self) -> None:
        self.raw.restore()

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

    @rule()
    def change_the_secret(self) -> None:
        self.secret, self.killed = 1 - self.secret, None

    @precondition(lambda self: self.newest is not None)
    @rule(place=st.integers(0, 15), deleted=st.booleans())
    def damage(self, place: int, *, deleted: bool) -> None:
        self.damage_bucket(place, deleted=deleted)

    @rule(card=cards, user=users, early=st.booleans(), only_new=st.booleans())
    def a_day_goes_by(self, card: str, user: str, *, early: bool, only_new: bool) -> None:
        """With an order of the day, or one of the next day that is there when the night is."""
        if not early:
            self.place_or_import(card, user, "m1", 0)
        self.wait("day")
        if early:
            self.place_or_import(card, user, "m1", 0)
        self.night(ago=0, until=None, only_new=only_new, buckets=None)

    @rule(card=cards, killed=st.booleans(), corrected=st.booleans(), only_new=st.booleans())
    def a_day_too_many(self, card: str, *, killed: bool, corrected: bool, only_new: bool) -> None:
        """A load is killed or withdrawn, and perhaps the day before it published in its place."""
        self.wait("day")
        self.place_or_import(card, "x", "m1", 0)
        self.wait("day")
        self.night(ago=0, until=1000 if killed else None, only_new=only_new, buckets=None)
        if self.newest and not killed:
            self.withdraw(1)
        if corrected:
            self.night(ago=1, until=None, only_new=only_new, buckets=None)

    @rule(card=cards, only_new=st.booleans())
    def a_load_is_killed_and_repeated(self, card: str, *, only_new: bool) -> None:
        """After a day that no load was made for; perhaps with what is new only."""
        self.wait("day")
        self.place_or_import(card, "x", "m1", 0)
        self.wait("day")
        self.night(ago=0, until=1000, only_new=only_new, buckets=None)
        if self.killed is not None:
            self.repeat_the_killed_load(until=None, only_new=only_new)

    @rule(card=cards, killed=st.booleans())
    def days_are_made_up_for(self, card: str, *, killed: bool) -> None:
        """A load is killed or withdrawn, and days before it are published in its place."""
        for _ in range(4):
            self.wait("day")
        self.place_or_import(card, "x", "m1", 0)
        self.wait("day")
        self.night(ago=0, until=1000 if killed else None, only_new=True, buckets=None)
        if self.newest and not killed:
            self.withdraw(1)
        for ago in (3, 2, 1):
            self.night(ago=ago, until=None, only_new=True, buckets=None)

    @rule(
        ago=st.integers(0, 3),
        until=written,
        only_new=st.booleans(),
        buckets=st.sampled_from((None, None, 1, 2)),
    )
    def night(self, ago: int, until: int | None, *, only_new: bool, buckets: int | None) -> None:
        as_of = self.today - ago
        if self.may_follow(as_of):
            load_id = self.new_id()
            self.extents[load_id] = ReadBounds(as_of, self.watermark())
            assert self.raw.is_all_in(self.extents[load_id]), "wrong"
            self.run(load_id, until, only_new=only_new, buckets=buckets)

    @precondition(lambda self: self.killed is not None)
    @rule(until=written, only_new=st.booleans())
    def repeat_the_killed_load(self, until: int | None, *, only_new: bool) -> None:
        assert self.killed is not None
        newest_id = self.newest.load_id if self.newest else 0
        if self.killed > newest_id and self.may_follow(self.extents[self.killed].as_of):
            self.extents[self.killed] = self.repeated(self.extents[self.killed])
            self.run(self.killed, until, only_new=only_new, buckets=None)

    @precondition(lambda self: self.newest is not None)
    @rule(loads=st.integers(1, 3))
    def withdraw(self, loads: int) -> None:
        for _ in range(loads):
            self.set_list(self.load_list.without_newest())

    def run(self, load_id: int, until: int | None, *, only_new: bool, buckets: int | None) -> None:
        read_bounds, newest = self.extents[load_id], self.newest
        timelines = self.timelines_of(read_bounds)
        self.expected[load_id] = timelines
        if self.fences.get(self.secret) == 0:
            buckets = None  # who leaves the floor where it is goes on in the same buckets
        buckets = buckets or (newest.buckets if newest else 1)
        only_new = only_new and newest is not None and newest.buckets == buckets
        is_enough = not only_new or self.shows_all()
        new = {key_of(entity) for entity in self.new_since_published(read_bounds)}
        chosen = {key for key in timelines if not only_new or key in new}
        self.write(load_id, buckets, timelines, chosen, until)
        self.killed = load_id if until is not None else None
        if until is None:
            load = read_bounds.load(load_id, len(timelines), buckets)
            self.set_list(self.with_load(load, is_enough=is_enough))

    def timelines_of(self, read_bounds: ReadBounds) -> dict[bytes, bytes]:
        return snapshot(self.raw, read_bounds)

    # What a publisher decides.

    def may_follow(self, as_of: int) -> bool:
        return self.newest is None or as_of > self.newest.as_of

    def watermark(self) -> int:
        return self.raw.watermark

    def new_id(self) -> int:
        return max(self.extents, default=0) + 1

    def repeated(self, read_bounds: ReadBounds) -> ReadBounds:
        """The input of a load that is run again under its id."""
        return read_bounds

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
        state = (self.secret, self.redis.copy(), self.expected.copy())
        if state == self.checked:
            return  # the same bytes are read the same way: nothing that a read can see has changed
        self.checked = state
        everybody = {key for timelines in self.expected.values() for key in timelines}
        load_list = self.load_list
        for load in load_list.loads:
            timelines = self.expected[load.load_id]
            for key in everybody:
                try:
                    found = self.read(key, load, load_list)
                except ValueUnreadable:
                    continue
                assert found == timelines.get(key), "wrong"

    @invariant()
    def the_newest_load_that_stands_on_others_is_never_missing(self) -> None:
        load_list = self.load_list
        newest = load_list.newest
        if newest and newest.load_id == max(self.extents):
            for key in self.expected[newest.load_id]:
                if self.is_whole(self.bucket_key(key, newest.buckets)):
                    assert self.read(key, newest, load_list)

    @rule(ahead=st.integers(-1, 3), entity=st.tuples(merchants, st.just("card"), cards))
    def ask(self, ahead: int, entity: Entity) -> None:
        """As the service does for a day that may have no snapshot yet."""
        due_day = self.today + ahead
        load_list = self.load_list
        loads = load_list.loads
        load = load_for_day(loads, due_day, MAX_STALE)
        fit = [one for one in loads if due_day - MAX_STALE <= one.as_of <= due_day]
        assert load == (fit[-1] if fit else None)
        if load is None:
            return
        try:
            content = self.read(key_of(entity), load, load_list)
        except ValueUnreadable:
            return
        seen = self.raw.seen_by(self.extents[load.load_id])
        for event in Event:
            line = None if content is None else decode(content).of(event)
            distinct = event is Event.ORDER
            right = counted(seen, entity, event, due_day, distinct=distinct)
            assert summary(line, due_day, distinct=distinct) == right, "wrong"
