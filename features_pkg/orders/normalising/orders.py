"""One order with canonical values, from what a merchant sent."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from features_pkg.identifiers import SINGLE_VALUED
from features_pkg.orders.normalising.values import normalise_value
from features_pkg.orders.order import Item, Order


def normalise_order(
    order_id: str,
    amount_cents: int,
    identifiers: Mapping[str, str | Sequence[str] | None],
    placed_at: datetime | None = None,
    items: Sequence[Item] = (),
) -> Order:
    """The order with canonical values.

    `identifiers` has values by the identifier's name; one without a value may be left out. The
    order's products are those under `product` (one text or several), then those of the items.
    `order_id` and amounts stay unchanged: the caller has checked them.
    """
    single = {name: _canonical(name, identifiers.get(name)) for name in SINGLE_VALUED}
    canonical_items = tuple(
        Item(_canonical("product", item.product), item.quantity, item.amount_cents)
        for item in items
    )
    products = identifiers.get("product") or ()
    texts = [products] if isinstance(products, str) else [*products]
    return Order(
        order_id=order_id,
        amount_cents=amount_cents,
        product=distinct_products(
            [normalise_value("product", text) for text in texts], canonical_items
        ),
        placed_at=placed_at,
        items=canonical_items,
        **single,
    )


def distinct_products(
    products: Iterable[str | None], items: Iterable[Item] = ()
) -> tuple[str, ...]:
    """Each product of `products` and of `items` once, in order of appearance, without None."""
    values = [*products, *(item.product for item in items)]
    return tuple(dict.fromkeys(value for value in values if value is not None))


def _canonical(identifier: str, value: str | Sequence[str] | None) -> str | None:
    return normalise_value(identifier, value) if isinstance(value, str) else None
