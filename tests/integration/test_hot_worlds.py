"""A hot entity among live orders, imports, open transactions and restores: every answer is exact.

Each answer is compared with a recount of what its snapshot shows, as training and audit count, and
to the byte with that of the read of all rows.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from psycopg.errors import LockNotAvailable
from psycopg.pq import TransactionStatus

from service.hot.keeper import HotEntities
from tests.integration.hot_shop import HOT_CEP, SECOND_US, HotShop, a_hot_shop, now_us

STEPS = 40


@pytest.fixture
def shop(database_url: str) -> Iterator[HotShop]:
    with a_hot_shop(database_url) as shop:
        yield shop


def step(shop: HotShop) -> None:
    """What happens between two questions."""
    draw = shop.random
    own = shop.connection
    lately = draw.choice([0, SECOND_US, int(4.9 * SECOND_US), 20 * SECOND_US])
    some_open = draw.choice(shop.open) if shop.open else None
    happenings: list[tuple[float, Callable[[], object]]] = [
        (12, lambda: shop.order(own, lately)),
        (3, lambda: shop.chargeback(own, lately)),
        (0.4, lambda: in_one_transaction(shop)),
        (1, lambda: shop.order(some_open or shop.begin(), 0)),
        (0.3, lambda: shop.an_import(some_open or shop.begin())),
        (0.8, lambda: shop.end_one() if shop.open else None),
        (0.3, shop.restore),
    ]
    weights = [weight for weight, _ in happenings]
    ((_, happen),) = draw.choices(happenings, weights)
    try:
        happen()
    except LockNotAvailable:  # an order and its chargeback at once: one waits for the other
        for connection in shop.open[:]:
            if connection.info.transaction_status == TransactionStatus.INERROR:
                connection.close()
                shop.open.remove(connection)


def in_one_transaction(shop: HotShop, orders: int = 2) -> None:
    with shop.connection.transaction():
        shop.an_import(shop.connection, orders)


def ask(shop: HotShop, counts: Counter[str]) -> None:
    """Ask, and recount if there is an answer."""
    at_us = now_us() - shop.random.choice([0, 0, 0, 50_000, 7 * SECOND_US])
    order = shop.question()
    read = shop.read(order, at_us)
    counts["whole" if read.is_whole else "cut"] += 1
    if read.is_whole:
        counts["held"] += bool(read.held)
        shop.assert_exact(order, at_us, read)


def ask_again(shop: HotShop) -> None:
    """An order that is stored may be among what is held, so it is not answered by that."""
    order = replace(shop.question(), order_id=shop.random.choice(shop.order_ids), zip_code=HOT_CEP)
    read = shop.read(order, now_us())
    is_stored = shop.read(order, now_us(), slowly=True).own_at_us is not None
    assert (read.own_at_us is not None) == is_stored
    assert not (is_stored and read.held and read.is_whole)


@pytest.mark.parametrize("seed", [1, 2])
def test_every_answer_is_that_of_a_recount(
    shop: HotShop, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: Counter[str] = Counter()
    dropped = HotEntities.drop
    monkeypatch.setattr(
        HotEntities, "drop",
        lambda self, entity, cause: (counts.update([cause]), dropped(self, entity, cause)),
    )  # fmt: skip
    shop.random = random.Random(seed)  # noqa: S311
    in_one_transaction(shop, orders=70)

    for _ in range(STEPS):
        for _ in range(shop.random.choice([1, 1, 3])):
            step(shop)
        for _ in range(2):
            ask(shop, counts)
            if shop.random.random() < 0.8:  # else it goes on while entities are read
                assert shop.hot.settle(30)
        ask_again(shop)

    assert counts["held"] > STEPS / 4, counts
    assert counts["import"] + counts["transaction"] + counts["generation"] > 0, counts
