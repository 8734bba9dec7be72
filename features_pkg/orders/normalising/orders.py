"""One order from what a merchant sent, with canonical values."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from features_pkg.identifiers import IDENTIFIERS
from features_pkg.orders.normalising.values import normalise_value
from features_pkg.orders.order import Item, Order

SCALARS: tuple[str, ...] = tuple(one.value for one in IDENTIFIERS if not one.several)


def normalise_order(
    order_id: str,
    amount_cents: int,
    identifiers: Mapping[str, str | Sequence[str] | None],
    placed_at: datetime | None = None,
    items: Sequence[Item] = (),
) -> Order:
    """The order with canonical values; `identifiers` by their names, absent ones may be left out.

    `product` is one text or several; the products of the items join them. `order_id` and amounts
    are taken as they stand: the caller has checked them.
    """
    scalars = {name: _scalar(name, identifiers.get(name)) for name in SCALARS}
    lines = tuple(
        Item(_scalar("product", item.product), item.quantity, item.amount_cents) for item in items
    )
    named = identifiers.get("product") or ()
    texts = [named] if isinstance(named, str) else [*named]
    return Order(
        order_id=order_id,
        amount_cents=amount_cents,
        product=different([normalise_value("product", text) for text in texts], lines),
        placed_at=placed_at,
        items=lines,
        **scalars,
    )


def different(products: Iterable[str | None], lines: Iterable[Item] = ()) -> tuple[str, ...]:
    """The different products of a list and of order lines, in order of appearance, without None."""
    values = [*products, *(line.product for line in lines)]
    return tuple(dict.fromkeys(value for value in values if value is not None))


def _scalar(identifier: str, value: str | Sequence[str] | None) -> str | None:
    return normalise_value(identifier, value) if isinstance(value, str) else None
