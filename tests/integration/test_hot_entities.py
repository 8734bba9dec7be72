"""What a process holds of hot entities, when it takes in more, and when it lets go of it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from service.database import Database
from service.hot import keeper
from service.hot.building import SPARE_US, Wish
from service.hot.entity import names_of
from stores.postgres.connection import connect
from tests.e2e.in_process import until
from tests.integration.hot_questions import a_question, crowd, held_now, record_builds
from tests.integration.hot_shop import (
    HOT_CEP,
    HOT_PRODUCT,
    LIMITS,
    SECOND_US,
    HotShop,
    a_hot_shop,
    now_us,
    window_start,
)


@pytest.fixture
def shop(database_url: str) -> Iterator[HotShop]:
    with a_hot_shop(database_url) as shop:
        yield shop


def test_rows_of_an_older_generation_are_held_whatever_their_transaction(shop: HotShop) -> None:
    """A restored order of a second ago has a transaction that is yet to come, and counts once."""
    crowd(shop, zip_code=HOT_CEP)
    order = a_question(shop, zip_code=HOT_CEP)
    shop.insert(shop.connection, "restored", SECOND_US, zip_code=HOT_CEP, recorded_xid="999999999")
    shop.restore()

    read = held_now(shop, order)

    assert read.held
    shop.assert_exact(order, now_us(), read)


def test_a_longer_window_than_is_held_is_missing_until_it_is(shop: HotShop) -> None:
    """As when a snapshot is late, and the window begins where the one before it ends."""
    crowd(shop, zip_code=HOT_CEP)
    order = a_question(shop, zip_code=HOT_CEP)
    assert held_now(shop, order).held
    at_us = now_us()
    from_us = at_us - 60 * 3_600_000_000

    first = shop.read(order, at_us, from_us=from_us)
    assert shop.hot.settle(30)
    second = shop.read(order, at_us, from_us=from_us)

    assert (first.is_whole, second.is_whole) == (False, True)
    (held,) = (events for (_, _, event), events in second.held.items() if event == "order")
    assert len(held) + len(second.events) == 70


def test_the_least_used_entity_makes_room(shop: HotShop) -> None:
    cards = ("first", "second", "third")
    for card in cards:
        crowd(shop, zip_code="z", card=card)
    one = held_now(shop, a_question(shop, card="first"))
    size = sum(events.nbytes for events in one.held.values())
    shop.stop()
    shop.start(replace(LIMITS, most_bytes=int(2.5 * size)))

    for card in ("first", "second", "first", "third"):
        assert held_now(shop, a_question(shop, card=card)).held

    found = {card: shop.read(a_question(shop, card=card), now_us()) for card in cards}
    assert {card for card, read in found.items() if read.held} == {"first", "third"}


def test_what_came_is_taken_in_and_what_is_too_old_leaves(shop: HotShop) -> None:
    crowd(shop, zip_code=HOT_CEP)
    order = a_question(shop, zip_code=HOT_CEP)
    before = held_now(shop, order)
    name = names_of(shop.merchant_id, order)[0]
    for _ in range(5):
        shop.insert(shop.connection, f"came {now_us()}", 2 * SECOND_US, zip_code=HOT_CEP)

    came = shop.read(order, now_us())
    assert shop.hot.settle(30)
    after = shop.read(order, now_us())
    held = shop.hot.of(shop.merchant_id, order, window_start(now_us()), now_us())[name]
    wish = Wish(now_us() - 3_600_000_000, now_us())
    an_hour = replace(held, from_us=wish.from_us - 2 * SPARE_US)
    later = shop.builder.build(name, wish, an_hour)

    assert (len(before.events), len(came.events), len(after.events)) == (0, 5, 0)
    assert len(held.orders) == 75
    assert later is not None
    assert 0 < len(later.orders) < 75
    assert later.orders.at_us[0] >= later.from_us > an_hour.from_us


def test_what_is_taken_in_for_a_short_window_does_not_end_a_longer_one(shop: HotShop) -> None:
    """While a snapshot is late, each request asks about both."""
    crowd(shop, zip_code=HOT_CEP)
    order = a_question(shop, zip_code=HOT_CEP)
    long = 60 * 3_600_000_000
    shop.read(order, now_us(), from_us=now_us() - long)
    assert shop.hot.settle(30)
    for _ in range(5):
        shop.insert(shop.connection, f"came {now_us()}", 2 * SECOND_US, zip_code=HOT_CEP)

    grown = held_now(shop, order)
    longer = shop.read(order, now_us(), from_us=now_us() - long)

    assert grown.held
    assert not grown.events
    assert longer.held


def test_an_earlier_question_does_not_stretch_what_is_held(shop: HotShop) -> None:
    """What came before is not held, whatever the instants of two questions."""
    crowd(shop, zip_code=HOT_CEP)
    order = a_question(shop, zip_code=HOT_CEP)
    held_now(shop, order)
    name = names_of(shop.merchant_id, order)[0]
    held = shop.hot.of(shop.merchant_id, order, window_start(now_us()), now_us())[name]

    grown = shop.builder.build(name, Wish(held.from_us + 1, now_us()), held)

    assert grown is not None
    assert grown.from_us >= held.from_us


def test_an_order_that_counts_from_before_what_is_held_ends_is_counted(shop: HotShop) -> None:
    """The database's clock was set back, and right again later."""
    crowd(shop, zip_code=HOT_CEP)
    order = a_question(shop, zip_code=HOT_CEP)
    assert held_now(shop, order).held
    set_clock_back(shop, 20)
    shop.insert(shop.connection, "repeated time", 20 * SECOND_US, zip_code=HOT_CEP)
    assert not shop.read(order, now_us() - 19 * SECOND_US).is_whole
    assert shop.hot.settle(30)
    set_clock_back(shop, 0)

    read = held_now(shop, order)

    assert read.held
    shop.assert_exact(order, now_us(), read)


def set_clock_back(shop: HotShop, seconds: int) -> None:
    shop.connection.execute(
        "CREATE OR REPLACE FUNCTION ontem_clock() RETURNS timestamptz LANGUAGE sql VOLATILE"
        f" PARALLEL SAFE AS $$ SELECT clock_timestamp() - interval '{seconds} s' $$".encode()
    )


def test_an_entity_for_which_there_is_no_room_is_left_alone_for_a_while(shop: HotShop) -> None:
    """Else each request would have all its rows read, for nothing."""
    crowd(shop, zip_code=HOT_CEP)
    order = a_question(shop, zip_code=HOT_CEP)
    recorded = record_builds(shop, replace(LIMITS, most_bytes=1))

    for _ in range(3):
        assert not held_now(shop, order).held

    assert len(recorded.names) == 1


def test_an_error_that_nobody_thought_of_does_not_end_the_thread(
    shop: HotShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd(shop, zip_code=HOT_CEP)
    order = a_question(shop, zip_code=HOT_CEP)
    record_builds(shop, LIMITS).failures = [ZeroDivisionError()]
    monkeypatch.setattr(keeper, "PAUSE_SECONDS", 0.0)

    assert not held_now(shop, order).held
    assert held_now(shop, order).held


def test_an_entity_that_can_not_be_read_is_left_alone_for_a_while(shop: HotShop) -> None:
    """Requests go on without it, and wish for it in vain."""
    crowd(shop, zip_code=HOT_CEP)
    order = a_question(shop, zip_code=HOT_CEP)
    shop.builder.database.close()

    for _ in range(3):
        assert not shop.read(order, now_us()).is_whole
        assert shop.hot.settle(30)
    shop.stop()
    shop.start()

    assert held_now(shop, order).held


def test_what_can_not_be_taken_in_yet_is_not_tried_at_each_request(shop: HotShop) -> None:
    """Of the last five seconds, chargebacks and orders of a product come with each request."""
    crowd(shop, product=[HOT_PRODUCT], zip_code="z")
    order = replace(a_question(shop), product=(HOT_PRODUCT,))
    recorded = record_builds(shop, LIMITS)
    held_now(shop, order)
    for number in range(3):
        shop.insert(shop.connection, f"now {number}", 0, product=[HOT_PRODUCT], zip_code="z")
    at_us = now_us()
    later_us = at_us + 6 * SECOND_US

    shop.read(order, at_us)
    assert shop.hot.settle(30)
    read = shop.read(order, at_us)
    builds = len(recorded.names)
    shop.read(order, later_us)

    assert read.held
    assert (builds, len(read.events)) == (1, 3)
    assert shop.hot.settle(30)
    assert len(recorded.names) == 2


def test_a_build_has_its_own_time_whatever_the_limit_of_its_session(shop: HotShop) -> None:
    """As behind a pooler, where no session has settings of its own."""
    crowd(shop, zip_code=HOT_CEP)
    limit = timedelta(seconds=1)
    database = Database(shop.service_url, statement_timeout=limit, connections=1)
    builder = replace(shop.builder, database=database)
    (name,) = names_of(shop.merchant_id, a_question(shop, zip_code=HOT_CEP))
    wish = Wish(window_start(now_us()), now_us())
    waits = (
        "SELECT 1 FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND query_start < clock_timestamp() - %s"
    )

    with ThreadPoolExecutor(1) as pool, connect(shop.url, application_name="locks") as locks:
        locks.execute("LOCK TABLE orders")
        built = pool.submit(builder.build, name, wish, None)
        until(
            lambda: (
                built.done() or shop.connection.execute(waits, (2 * limit,)).fetchall() == [(1,)]
            ),
            bool,
        )
        locks.rollback()
        entity = built.result()
    builder.close()

    assert entity is not None
    assert len(entity.orders) == 70
