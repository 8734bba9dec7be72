"""The statements about held entities, and their values."""

from collections.abc import Mapping
from typing import Final, TypeVar

from psycopg.types.numeric import Int8

from features_pkg import calendar
from features_pkg.identifiers import IDENTIFIERS, SINGLE_VALUED, Identifier
from features_pkg.orders.order import Order
from service import recent
from service.hot.entity import EntityName, HeldEntity, oldest_watermark
from service.statements import prepare

Value = TypeVar("Value")

_PARTS: Final = {
    "values": {name: name for name in SINGLE_VALUED},
    "from_at": {name: f"from_{name}" for name in SINGLE_VALUED},
    "until_at": {name: f"until_{name}" for name in SINGLE_VALUED},
    "visible": {name: f"visible_{name}" for name in SINGLE_VALUED},
}
_VALUES: Final = (
    *("merchant_id", "order_id", "to_at", "product", "from_product", "most_rows"),
    *("generation", "watermark"),
)
SINCE: Final = prepare("recent", *_VALUES, **_PARTS, settled_at="to_at", held=True)
"""The recent read of an order, without what is held."""
HOLD: Final = prepare("held_events", *_VALUES, "settled_at", "targets", **_PARTS, held=True)
"""What one entity did, without what is held."""


def since_values(
    merchant_id: int,
    order: Order,
    held: Mapping[EntityName, HeldEntity],
    *,
    from_us: int,
    to_us: int,
    most_rows: int,
) -> dict[str, object]:
    """The values of `SINCE`."""
    values = recent.values_of(merchant_id, order, from_us, to_us, most_rows)
    from_at = values.pop("from_at")
    for name in SINGLE_VALUED:
        entity = held.get(EntityName(merchant_id, name, getattr(order, name)))
        if entity is None:
            values[f"from_{name}"] = values[f"until_{name}"] = from_at
            values[f"visible_{name}"] = None
        else:
            values[f"from_{name}"] = calendar.from_us(entity.settled_us)
            values[f"until_{name}"] = calendar.from_us(entity.until_us)
            values[f"visible_{name}"] = entity.visible
    products = [held.get(EntityName(merchant_id, "product", each)) for each in order.product]
    values["from_product"] = [
        from_at if entity is None else calendar.from_us(entity.settled_us) for entity in products
    ]
    values["generation"] = Int8(next(iter(held.values())).generation)
    values["watermark"] = str(oldest_watermark(held.values()))
    return values


def hold_values(
    name: EntityName,
    held: HeldEntity | None,
    *,
    from_us: int,
    until_us: int,
    settled_us: int,
    generation: int,
    watermark: int,
    targets: frozenset[Identifier],
) -> dict[str, object]:
    """The values of `HOLD`: all since `from_us`, or what is new since `held`."""
    began_us = from_us if held is None else held.settled_us
    order = {str(each): None for each in IDENTIFIERS} | {name.identifier: name.value}
    values: dict[str, object] = {each: order[each] for each in SINGLE_VALUED}
    values |= {f"from_{each}": calendar.from_us(began_us) for each in SINGLE_VALUED}
    began_at = calendar.from_us(from_us if held is None else held.until_us)
    values |= {f"until_{each}": began_at for each in SINGLE_VALUED}
    visible = None if held is None else held.visible
    values |= {f"visible_{each}": visible for each in SINGLE_VALUED}
    products = [name.value] if name.identifier == Identifier.PRODUCT else []
    return values | {
        "merchant_id": Int8(name.merchant_id),
        "order_id": "",
        "to_at": calendar.from_us(until_us),
        "settled_at": calendar.from_us(settled_us),
        "product": products,
        "from_product": [calendar.from_us(began_us) for _ in products],
        "most_rows": Int8(recent.ALL_ROWS - 1),
        "generation": Int8(generation),
        "watermark": str(watermark if held is None else held.watermark),
        "targets": sorted(targets),
    }
