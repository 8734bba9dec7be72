"""What a night, an extraction or a training set can't use: a sentence, a code, nothing changed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis
from click.testing import CliRunner, Result

from jobs.snapshot import nights
from ontem.cli import main
from tests.integration.history import History, a_job
from tests.integration.night_shop import CUTOFF, HOUR, JUNE
from tests.integration.s3_jobs import a_proxied_bucket
from tests.integration.test_nights import environment
from tests.s3 import S3Server

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NEXT_NIGHT = ("night", "--as-of", "2018-06-02")
EXTRACT = ("extract", "--full")
TRAINING_SET = ("training-set", "--from", "2018-05-01", "--to", "2018-06-01")
RESTORE = ("store", "restore")
WRITERS = (NEXT_NIGHT, EXTRACT, TRAINING_SET)


@dataclass
class Shop:
    """A shop with a published night, and what everybody sees of it."""

    history: History
    variables: dict[str, str]
    folder: Path

    def ontem(self, *words: str, **variables: str) -> Result:
        return CliRunner(env=self.variables | variables).invoke(main, list(words))

    def state(self) -> Mapping[str, Any]:
        """Files, catalogue, loads and Redis."""
        with self.history.connect() as connection:
            rows = {
                table: connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3").fetchall()  # type: ignore[arg-type]
                for table in ("loads", "iceberg_tables")
            }
        with redis.Redis.from_url(self.variables["ONTEM_REDIS_URL"]) as client:
            keys: list[bytes] = client.keys("*")  # type: ignore[assignment]
            online = {key: client.get(key) for key in keys}
        files = {path for path in self.folder.rglob("*") if path.is_file()}
        return rows | {"redis": online, "files": files}

    def execute(self, statement: str) -> None:
        with self.history.connect() as connection:
            connection.execute(statement.encode())

    def refuses(self, words: tuple[str, ...], code: int, *sentence: str, **variables: str) -> None:
        """A command ends with a code and a sentence, and has changed nothing."""
        before = self.state()
        result = self.ontem(*words, **variables)
        assert result.exit_code == code, result.output
        last = result.output.splitlines()[-1]
        assert last.startswith("ontem: "), result.output
        for part in sentence:
            assert part in last
        assert "Spark" not in result.output
        assert self.state() == before


def a_shop(database_url: str, redis_url: str, folder: Path, spark: "SparkSession") -> Shop:
    history = History(database_url)
    history.order(CUTOFF - HOUR, card="c1")
    job = a_job(database_url, redis_url, folder.as_uri(), spark)
    nights.night(replace(job, name="night"), JUNE)
    variables = environment(database_url, redis_url, folder.as_uri())
    return Shop(history, variables | {"LABEL_MATURITY_DAYS": "7"}, folder)


@pytest.fixture(autouse=True)
def _no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def shop(
    module_database_url: str,
    module_redis_url: str,
    tmp_path_factory: pytest.TempPathFactory,
    spark: "SparkSession",
) -> Shop:
    """One shop for all tests that change nothing."""
    folder = tmp_path_factory.mktemp("João [1]")
    return a_shop(module_database_url, module_redis_url, folder, spark)


@pytest.fixture
def own_shop(
    database_url: str, redis_url: str, storage_folder: Path, spark: "SparkSession"
) -> Shop:
    return a_shop(database_url, redis_url, storage_folder, spark)


@pytest.mark.parametrize(
    "words",
    [
        ("night", "--as-of", "2199-01-01"),
        ("night", "--backfill", "2018-06-02", "2199-01-01"),
        (*TRAINING_SET[:3], "--to", "2199-01-01"),
    ],
)
def test_a_day_that_has_not_begun(shop: Shop, words: tuple[str, ...]) -> None:
    shop.refuses(words, 5, "2199-01-01", "possible from", "the database's clock says")


@pytest.mark.parametrize("words", [*WRITERS, RESTORE])
def test_a_bucket_that_is_not_there(shop: Shop, words: tuple[str, ...], s3: S3Server) -> None:
    storage = {"ONTEM_STORAGE_URL": "s3://nobody-made-it/root", **s3.variables}
    shop.refuses(words, 1, "there is no bucket nobody-made-it", "set ONTEM_STORAGE_URL", **storage)


@pytest.mark.parametrize("words", [*WRITERS, RESTORE])
def test_a_bucket_that_forbids_writing(shop: Shop, words: tuple[str, ...], s3: S3Server) -> None:
    with a_proxied_bucket(s3) as bucket:
        bucket.proxy.fail("403", lambda call: call.is_write, times=99)
        storage = {"ONTEM_STORAGE_URL": bucket.url, **bucket.variables}
        shop.refuses(words, 1, "may not write there", "set ONTEM_STORAGE_URL", **storage)
        assert bucket.keys() == []


@pytest.mark.parametrize("words", WRITERS)
def test_a_table_that_the_catalogue_mixed_up_with_one_of_other_timelines(
    own_shop: Shop, words: tuple[str, ...]
) -> None:
    own_shop.execute(
        "UPDATE iceberg_tables SET metadata_location = (SELECT metadata_location FROM"
        " iceberg_tables WHERE table_name LIKE 'snapshots%') WHERE table_name LIKE 'events%'"
    )
    own_shop.refuses(words, 1, "the metadata in", "of the table events_", "ontem store restore")

    own_shop.execute("DELETE FROM iceberg_tables WHERE table_name LIKE 'events%'")
    assert "restored from" in own_shop.ontem(*RESTORE).output
    assert own_shop.ontem(*NEXT_NIGHT).exit_code == 0


def test_snapshots_of_other_timelines_alone(shop: Shop) -> None:
    zone = {"BUSINESS_TIMEZONE": "UTC"}
    shop.refuses(
        ("publish",), 1, "no snapshot of timelines", "build one with `ontem night`", **zone
    )


@pytest.mark.parametrize("words", WRITERS)
def test_a_catalogue_that_was_lost_comes_back(own_shop: Shop, words: tuple[str, ...]) -> None:
    before = own_shop.state()["iceberg_tables"]
    own_shop.execute("DELETE FROM iceberg_tables")
    own_shop.execute("DELETE FROM iceberg_namespace_properties")
    own_shop.refuses(
        words, 1, "the catalogue does not know the table events_", "ontem store restore"
    )

    assert own_shop.ontem(*RESTORE).output.count("restored from") == 2
    assert [row[:4] for row in own_shop.state()["iceberg_tables"]] == [row[:4] for row in before]
    night = own_shop.ontem(*NEXT_NIGHT)  # copies, so that no Spark is needed
    assert night.exit_code == 0, night.output
    assert "load 2 as of 2018-06-02 is published" in night.output


def test_a_training_period_without_orders(shop: Shop) -> None:
    words = ("training-set", "--from", "2018-04-01", "--to", "2018-05-01")
    shop.refuses(words, 1, "no order to train on from 2018-04-01 to 2018-05-01", "--from and --to")


@pytest.mark.parametrize("first", ["2018-06-01", "2018-06-02"])
def test_a_training_period_that_ends_before_it_begins(shop: Shop, first: str) -> None:
    shop.refuses(("training-set", "--from", first, "--to", "2018-06-01"), 1, "name a later one")
