"""What the tests of imports and of the offline store share."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from click.testing import CliRunner, Result

from jobs.importing import FileMapping, ImportOptions, ImportResult
from jobs.importing import import_orders as load_orders
from ontem.cli import main
from stores.offline.tables import OfflineStore, open_store
from stores.postgres.connection import Connection, connect
from tests.integration.cleaning_shop import CleaningShop, a_cleaning_shop
from tests.integration.history import a_job
from tests.integration.imports import ENVIRON, Recorder
from tests.integration.offline_runs import Place
from tests.integration.publishing_shop import PublishingShop
from tests.s3 import S3Server


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with connect(database_url, application_name="test") as opened:
        opened.execute("INSERT INTO merchants (name) VALUES ('one'), ('two')")
        opened.commit()
        yield opened


@pytest.fixture
def shop(
    database_url: str, redis_url: str, storage_url: str, storage_folder: Path
) -> Iterator[PublishingShop]:
    """A job whose snapshots the tests of publishing state; other files have a shop of their own."""
    with redis.Redis.from_url(redis_url) as client:
        yield PublishingShop(a_job(database_url, redis_url, storage_url), client, storage_folder)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def load(connection: Connection, recorder: Recorder) -> Callable[..., ImportResult]:
    def run(source: Any, mapping: FileMapping | None = None, merchant_id: int = 1) -> ImportResult:
        options = ImportOptions(listener=recorder, processes=1)
        return load_orders(connection, source, merchant_id, mapping, options)

    return run


@pytest.fixture
def ontem(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """Runs `ontem` with its words, in an empty folder, on a migrated database."""
    monkeypatch.chdir(tmp_path)
    environ = {**ENVIRON, "ONTEM_POSTGRES_URL": database_url}
    return lambda *arguments: CliRunner(env=environ).invoke(main, list(arguments))


@pytest.fixture
def store_restore(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """Runs `ontem store restore` with its words on the store of the place."""
    monkeypatch.chdir(tmp_path)
    environ = {
        **ENVIRON,
        "ONTEM_POSTGRES_URL": place.postgres_url,
        "ONTEM_STORAGE_URL": place.storage_url,
        "AWS_ENDPOINT_URL": place.s3_endpoint,
    }
    return lambda *words: CliRunner(env=environ).invoke(main, ["store", "restore", *words])


@pytest.fixture(params=["folder", "s3"])
def place(
    request: pytest.FixtureRequest, database_url: str, storage_url: str, s3: S3Server
) -> Iterator[Place]:
    if request.param == "folder":
        yield Place(database_url, storage_url)
        return
    bucket = f"offline-{uuid.uuid4().hex}"
    s3.client().create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": s3.variables["AWS_REGION"]}
    )
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3.variables.items():
            patch.setenv(name, value)  # where the SDKs look for credentials
        yield Place(
            database_url,
            f"s3://{bucket}/João [1]/50% and 1+1",
            s3_endpoint=s3.endpoint,
            s3_region=s3.variables["AWS_REGION"],
        )


@pytest.fixture
def store(place: Place) -> OfflineStore:
    return open_store(place)


@pytest.fixture
def cleaning_shop(place: Place, tmp_path: Path) -> Iterator[CleaningShop]:
    with a_cleaning_shop(place, tmp_path) as made:
        yield made
