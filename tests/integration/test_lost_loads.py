"""Loads that Redis has and PostgreSQL lost, because it was restored or has failed over."""

from click.testing import CliRunner

from jobs.snapshot.night import publish_again
from ontem.cli import main
from stores.postgres.connection import connect
from stores.postgres.generations import LOST_LOAD_IDS
from stores.postgres.migrate import migrate
from tests.integration.publishing_shop import MAY, PublishingShop, days


def restore(url: str, *, without_load: int) -> None:
    """As after a restore from a backup of before the load, and `ontem migrate`."""
    with connect(url, application_name="test") as connection:
        connection.execute("DELETE FROM loads WHERE load_id >= %s", (without_load,))
        connection.execute("SELECT setval('load_ids', %s)", (without_load - 1,))
        connection.execute("UPDATE generations SET system_identifier = system_identifier + 1")
    migrate(url, environment="development")


def test_a_load_that_postgresql_lost_is_withdrawn_before_another_is_published(
    shop: PublishingShop, database_url: str
) -> None:
    first, lost = shop.night(MAY, c1=b"one"), shop.night(days(1), c1=b"lost")
    restore(database_url, without_load=lost.load_id)

    second = shop.register(shop.committed(days(1), {"c1": b"two"}))
    assert publish_again(shop.job).load.load_id == second.load_id
    assert shop.listed() == [first.load_id, second.load_id]
    assert shop.sees("c1", second.load_id) == b"two"


def test_the_id_of_a_lost_load_is_not_used_again(shop: PublishingShop, database_url: str) -> None:
    shop.night(MAY, c1=b"one")
    lost = shop.night(days(1), c1=b"lost")
    restore(database_url, without_load=lost.load_id)

    second = shop.register(shop.committed(days(1), {"c1": b"two"}))
    assert second.load_id == lost.load_id - 1 + LOST_LOAD_IDS + 1
    migrate(database_url, environment="development")
    assert shop.register(shop.committed(days(2), {})).load_id == second.load_id + 1


def test_the_id_of_a_lost_load_is_not_used_again_by_the_same_server(
    shop: PublishingShop, database_url: str
) -> None:
    """After `pg_restore` into it there is no new generation, so `ontem migrate` skips nothing."""
    first, lost = shop.night(MAY, c1=b"one"), shop.night(days(1), c1=b"lost")
    with connect(database_url, application_name="test") as connection:
        connection.execute("DELETE FROM loads WHERE load_id = %s", (lost.load_id,))
        connection.execute("SELECT setval('load_ids', %s)", (first.load_id,))
    migrate(database_url, environment="development")

    publish_again(shop.job)
    assert shop.listed() == [first.load_id]
    second = shop.register(shop.committed(days(1), {"c1": b"two"}))
    assert second.load_id > lost.load_id + LOST_LOAD_IDS


def test_a_load_whose_id_another_one_has_is_not_taken_for_that_one(
    shop: PublishingShop, database_url: str
) -> None:
    first, lost = shop.night(MAY, c1=b"one"), shop.night(days(1), c1=b"lost")
    restore(database_url, without_load=lost.load_id)
    with connect(database_url, application_name="test") as connection:
        connection.execute("SELECT setval('load_ids', %s)", (lost.load_id - 1,))

    again = shop.register(shop.committed(days(2), {"c1": b"two"}))
    assert again.load_id == lost.load_id
    publish_again(shop.job)
    assert shop.listed() == [first.load_id, again.load_id]
    assert shop.sees("c1", again.load_id) == b"two"


def test_a_lost_load_is_listed_as_one_that_the_next_night_withdraws(
    shop: PublishingShop, database_url: str, redis_url: str, storage_url: str
) -> None:
    shop.night(MAY, c1=b"one")
    lost = shop.night(days(1), c1=b"lost")
    restore(database_url, without_load=lost.load_id)

    environ = {
        "ONTEM_ENVIRONMENT": "development",
        "ONTEM_POSTGRES_URL": database_url,
        "ONTEM_REDIS_URL": redis_url,
        "ONTEM_STORAGE_URL": storage_url,
        "ONTEM_ENTITY_KEY": shop.job.settings.entity_secret.hex(),
    }
    *_, line = CliRunner(env=environ).invoke(main, ["snapshots"]).output.splitlines()
    assert line.startswith(f"as of {days(1)}  load {lost.load_id}  1 entities")
    assert line.endswith("not one that PostgreSQL has: the next night withdraws it")
