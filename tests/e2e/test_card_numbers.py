"""No card's number that a request sends is stored or logged, and the answer says so."""

from collections.abc import Iterator
from pathlib import Path

import redis
from psycopg import sql

from features_pkg.orders.cards import without_card_number
from tests.e2e.conftest import SECRET, Shop
from tests.e2e.running import RunningService
from tests.servers import Servers

WRITTEN = "4012 8888 8888 1881"
DIGITS = WRITTEN.replace(" ", "")
"""A number that no other test sends."""


def an_order(order_id: str, card: str) -> dict[str, object]:
    return {"order_id": order_id, "amount_cents": 1990, "card": card}


def test_the_answer_says_that_a_card_number_was_replaced(shop: Shop) -> None:
    number, token = (shop.evaluate(an_order(*pair)) for pair in (("n", WRITTEN), ("t", "tok_1")))

    assert (number.body["card_replaced"], token.body["card_replaced"]) == (True, False)
    stored = shop.database.execute(
        "SELECT order_id, card FROM orders WHERE merchant_id = %s ORDER BY order_id",
        [shop.merchant.merchant_id],
    ).fetchall()
    assert stored == [("n", without_card_number(DIGITS, SECRET)), ("t", "tok_1")]


def test_the_same_card_written_otherwise_is_the_same_order_and_counts_as_the_same_card(
    shop: Shop,
) -> None:
    first = shop.evaluate(an_order("n", WRITTEN))
    again = shop.evaluate(an_order("n", DIGITS))
    other = shop.evaluate(an_order("m", "4012-8888-8888-1881"), at="2018-06-01T15:00:01Z")

    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    assert other.status == 200
    assert shop.vector("m")["card_orders_24h_recent"] == 1


def test_neither_stores_nor_logs_have_a_number_that_was_sent(
    shop: Shop,
    service: RunningService,
    test_servers: Servers,
    service_redis_url: str,
) -> None:
    for order_id, card in (("n", WRITTEN), ("m", DIGITS)):
        assert shop.evaluate(an_order(order_id, card)).status == 200
    refused = shop.evaluate({**an_order("x", DIGITS), "amount_cents": -1})
    conflict = shop.evaluate({**an_order("n", WRITTEN), "amount_cents": 5})
    assert (refused.status, conflict.status) == (422, 409)

    write_the_log(shop)
    found = dict.fromkeys((b"card_fp_", WRITTEN.encode(), DIGITS.encode()), 0)
    sent = (refused.content, conflict.content, service.log.read_bytes())
    for content in (*sent, *rows(shop), *redis_bytes(service_redis_url), *files(test_servers.home)):
        for text in found:
            found[text] += text in content

    assert found.pop(b"card_fp_") > 0
    assert test_servers.home is None or any(
        b"card_fp_" in file for file in files(test_servers.home)
    )
    assert set(found.values()) == {0}


def write_the_log(shop: Shop) -> None:
    """Have PostgreSQL write its log up to here; without fsync it does so when it likes."""
    with shop.database.transaction():
        shop.database.execute("SET LOCAL synchronous_commit = on")
        shop.database.execute("SELECT pg_logical_emit_message(true, 'test', '')")


def rows(shop: Shop) -> Iterator[bytes]:
    """Every row of every table."""
    names = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    for (table,) in shop.database.execute(names).fetchall():
        query = sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(str(table)))
        for (row,) in shop.database.execute(query):
            yield str(row).encode()


def redis_bytes(url: str) -> Iterator[bytes]:
    """Every key and value."""
    with redis.Redis.from_url(url) as client:
        for key in client.scan_iter():
            yield key + b" " + (client.dump(key) or b"")


def files(home: Path | None) -> Iterator[bytes]:
    """Every file of our own servers: tables, write-ahead log, dumps, logs."""
    if home is None:
        return
    data = (home / "postgres").resolve()  # for root it is elsewhere, and its log is beside it
    for path in (*home.rglob("*"), *data.rglob("*"), data.with_suffix(".log")):
        try:
            if path.is_file():
                yield path.read_bytes()
        except FileNotFoundError:  # a server has just removed it
            continue
