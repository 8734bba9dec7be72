"""Questions about single entities of a hot shop, and what was built for them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from features_pkg.identifiers import SINGLE_VALUED
from features_pkg.orders.order import Order
from service.hot.building import Builder, Wish
from service.hot.entity import EntityName, HeldEntity
from service.hot.keeper import HotEntities, HotLimits
from service.hot.reading import HotReader
from service.recent import RecentRead
from tests.integration.hot_shop import HotShop, now_us


def a_question(shop: HotShop, **columns: Any) -> Order:
    """An order that names only these entities."""
    nothing = dict.fromkeys(SINGLE_VALUED)
    return replace(shop.question(), product=(), **{**nothing, **columns})


def crowd(shop: HotShop, orders: int = 70, **columns: Any) -> None:
    """Import orders of the last day."""
    with shop.connection.transaction():
        for number in range(orders):
            ago_us = shop.random.randrange(20 * 3_600_000_000)
            order_id = f"{columns} {number}"
            shop.insert(shop.connection, order_id, ago_us, import_id=1, **columns)


def held_now(shop: HotShop, order: Order) -> RecentRead:
    """The read of an order once all that it wishes for is held."""
    shop.read(order, now_us())
    assert shop.hot.settle(30)
    return shop.read(order, now_us())


class RecordedBuilder:
    """A builder, what it was asked for, and how it fails instead."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self.names: list[EntityName] = []
        self.failures: list[Exception] = []

    def build(self, name: EntityName, wish: Wish, held: HeldEntity | None) -> HeldEntity | None:
        self.names.append(name)
        if self.failures:
            raise self.failures.pop()
        return self.builder.build(name, wish, held)

    def close(self) -> None:
        self.builder.close()


def record_builds(shop: HotShop, limits: HotLimits) -> RecordedBuilder:
    recorded = RecordedBuilder(shop.builder)
    shop.hot = HotEntities(recorded, limits)
    shop.reader = HotReader(shop.hot)
    return recorded
