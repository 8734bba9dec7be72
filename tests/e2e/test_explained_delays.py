"""What is behind a window with a delay, of an entity with very many events in the delay."""

from datetime import date

from features_pkg import parse_name
from features_pkg.calendar import DAY_US
from features_pkg.history.past_orders import PastOrder
from features_pkg.identifiers import IDENTIFIERS, Identifier
from tests.e2e.conftest import Shop
from tests.e2e.explained_world import Came, Row, World, evaluated
from tests.e2e.published import OnlineStore
from tests.e2e.test_explanations import by_name, check_velocity, explanation
from tests.parity.rows import CALENDAR

NOTHING: dict[Identifier, tuple[object, ...]] = dict.fromkeys(IDENTIFIERS, ())
TEN = tuple(f"p{number}" for number in range(10))
"""Of one of ten products at most 101 events are read at once."""
IN_THE_DELAY = 120


def a_busy_product(shop: Shop) -> World:
    """An order of ten products, one of which was ordered very often on the day before."""
    due_day = date(2018, 6, 1).toordinal()
    noon_us = CALENDAR.cutoff_us(due_day) + DAY_US // 2
    asker = PastOrder("m1", "asker", noon_us, 1990, {**NOTHING, Identifier.PRODUCT: TEN})
    yesterday = [DAY_US + number * 60_000_000 for number in range(IN_THE_DELAY)]
    before = [days * DAY_US for days in (8, 20, 36, 38)]
    orders = [
        PastOrder(
            "m1", str(number), noon_us - ago_us, 100, {**NOTHING, Identifier.PRODUCT: TEN[3:4]}
        )
        for number, ago_us in enumerate([*yesterday, *before])
    ]
    return World(shop, asker, due_day, [Row(each, Came.BEFORE_THE_LOAD, []) for each in orders])


def test_orders_before_a_delay_are_told_though_very_many_are_in_it(
    shop: Shop, online: OnlineStore
) -> None:
    world = a_busy_product(shop)
    with evaluated(world, online) as evaluation_id:
        features = by_name(explanation(shop, evaluation_id))

    delayed = features["product_orders_30d_delay_7d_distant"]
    assert features["product_orders_7d_distant"]["behind"]["recount"] == "too_many"
    assert delayed["behind"]["order_ids"] == ["120", "121", "122"]
    check_velocity(world, parse_name("product_orders_30d_delay_7d_distant"), delayed)
