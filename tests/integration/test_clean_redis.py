"""`ontem store clean` in Redis: timelines that nobody can reach go, and nobody else's do."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from jobs.store.online import unreachable
from ontem.cli import main
from stores.postgres.loads import LoadRow, lock_loads
from stores.redis.keys import Namespace
from tests.integration.imports import ENVIRON
from tests.integration.publishing_shop import MAY, PublishingShop

LONG_AGO, TODAY = datetime(2018, 5, 2, tzinfo=UTC), datetime(2018, 8, 1, tzinfo=UTC)
OURS = Namespace("timelines_1", "key_1")


@pytest.fixture
def old_secret(shop: PublishingShop) -> PublishingShop:
    """The same job with the secret of before."""
    settings = replace(shop.job.settings, entity_secret=b"the secret of before!")
    other = PublishingShop(replace(shop.job, settings=settings), shop.client, shop.root)
    other.runs = 7
    return other


@pytest.fixture
def clean(
    shop: PublishingShop,
    old_secret: PublishingShop,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Callable[..., Result]:
    """Runs `ontem store clean --older-than 30d`; the loads of the old secret are old."""
    shop.night(MAY, c1=b"ours")
    old_secret.night(MAY, c1=b"theirs")
    with shop.job.connect() as connection:
        connection.execute(
            "UPDATE loads SET created_at = created_at - interval '40 days'"
            " WHERE entity_key_id = %s",
            [old_secret.namespace.key_id],
        )
    monkeypatch.chdir(tmp_path)
    settings = shop.job.settings
    environ = {
        **ENVIRON,
        "ONTEM_POSTGRES_URL": settings.postgres_url,
        "ONTEM_REDIS_URL": settings.redis_url,
        "ONTEM_STORAGE_URL": settings.storage_url,
        "ONTEM_ENTITY_KEY": settings.entity_secret.hex(),
    }
    words = ["store", "clean", "--older-than", "30d"]
    return lambda *more: CliRunner(env=environ).invoke(main, [*words, *more])


def keys_of(shop: PublishingShop) -> int:
    return sum(1 for _ in shop.client.scan_iter(match=f"{shop.namespace.prefix}*"))


def test_what_an_old_secret_left_is_named_and_then_removed(
    shop: PublishingShop, old_secret: PublishingShop, clean: Callable[..., Result]
) -> None:
    prefix = shop.namespace.prefix.encode()
    ours = {key: value for key, value in shop.contents().items() if key.startswith(prefix)}
    before = keys_of(old_secret)
    shop.client.set("another application's", "key")

    said = clean("--dry-run")
    assert f"under entity key {old_secret.namespace.key_id}: {before:,} keys" in said.output
    assert keys_of(old_secret) == before
    assert clean().exit_code == 0
    assert keys_of(old_secret) == 0
    assert shop.contents() == {**ours, b"another application's": b"key"}
    assert shop.sees("c1", shop.listed()[0]) == b"ours"
    assert "Redis:" not in clean().output


def test_timelines_that_somebody_loads_stay(
    shop: PublishingShop, old_secret: PublishingShop, clean: Callable[..., Result]
) -> None:
    before = keys_of(old_secret)
    with shop.job.connect() as connection:
        lock_loads(connection, shop.timelines)
        said = clean()

    assert "stay in Redis" in said.output
    assert keys_of(old_secret) == before


def test_what_requests_may_read_still_stays_however_young_is_old(
    shop: PublishingShop, old_secret: PublishingShop, clean: Callable[..., Result]
) -> None:
    with shop.job.connect() as connection:
        connection.execute(
            "UPDATE loads SET created_at = clock_timestamp() - interval '3 days'"
            " WHERE entity_key_id = %s",
            [old_secret.namespace.key_id],
        )
    before = keys_of(old_secret)

    said = clean("--older-than", "1d")
    assert (said.exit_code, keys_of(old_secret)) == (0, before)


def a_load(timelines: str, key_id: str, created_at: datetime) -> LoadRow:
    return LoadRow(
        as_of=MAY, cutoff=LONG_AGO, watermark=1, generation=1, timelines=timelines,
        entity_key_id=key_id, revision="a revision", snapshot_id=1, metadata_location="",
        entities=1, checksum="", load_id=1, created_at=created_at,
    )  # fmt: skip


def test_only_what_nobody_asks_for_and_is_old_is_unreachable() -> None:
    loads = [
        a_load("timelines_1", "key_1", LONG_AGO),
        a_load("timelines_1", "key_2", LONG_AGO),
        a_load("of a model", "key_1", LONG_AGO),
        a_load("of a model", "key_2", LONG_AGO),
        a_load("timelines_2", "key_1", LONG_AGO),
        a_load("timelines_3", "key_1", LONG_AGO),
        a_load("timelines_3", "key_1", TODAY),
    ]

    found = unreachable(loads, OURS, {"of a model"}, TODAY - timedelta(days=30))

    assert found == [
        Namespace("timelines_1", "key_2"),
        Namespace("of a model", "key_2"),
        Namespace("timelines_2", "key_1"),
    ]
