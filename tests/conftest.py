"""Real servers for the tests: one stack per session, a database of its own per test."""

import itertools
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import hypothesis
import pytest
import redis

from tests.s3 import S3Server, s3_server
from tests.servers import Servers, a_database, servers, with_database

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PROJECT = Path(__file__).resolve().parents[1]
# No test fails because the machine is busy: neither an example nor the drawing of it has a limit.
hypothesis.settings.register_profile(
    "ontem",
    deadline=None,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.register_profile(
    "ci", parent=hypothesis.settings.get_profile("ontem"), derandomize=True
)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "ontem")

REDIS_DATABASES = itertools.cycle(range(1, 16))


@pytest.fixture(scope="session")
def test_servers() -> Iterator[Servers]:
    """The PostgreSQL and the Redis of this session."""
    with servers() as found:
        yield found


@pytest.fixture(scope="session")
def postgres_server_url(test_servers: Servers) -> str:
    """The session's PostgreSQL; make databases of your own there, change nothing else."""
    return test_servers.postgres_url


@pytest.fixture
def empty_database_url(postgres_server_url: str) -> Iterator[str]:
    """An empty database for one test."""
    with a_database(postgres_server_url) as url:
        yield url


@pytest.fixture(scope="session")
def template_url(postgres_server_url: str) -> Iterator[str]:
    """A database migrated as development, to be copied; connect to a copy only."""
    from stores.postgres.migrate import migrate

    with a_database(postgres_server_url) as url:
        migrate(url, environment="development")
        yield url


@pytest.fixture
def database_url(postgres_server_url: str, template_url: str) -> Iterator[str]:
    """A migrated (development) database for one test."""
    with a_database(postgres_server_url, template=_name(template_url)) as url:
        yield url


@pytest.fixture(scope="module")
def module_database_url(postgres_server_url: str, template_url: str) -> Iterator[str]:
    """A migrated (development) database that the tests of one module share."""
    with a_database(postgres_server_url, template=_name(template_url)) as url:
        yield url


@pytest.fixture
def redis_url(test_servers: Servers) -> Iterator[str]:
    """An empty Redis database for one test."""
    with _redis_database(test_servers) as url:
        yield url


@pytest.fixture(scope="module")
def module_redis_url(test_servers: Servers) -> Iterator[str]:
    """An empty Redis database that the tests of one module share."""
    with _redis_database(test_servers) as url:
        yield url


@pytest.fixture
def storage_folder(tmp_path: Path) -> Path:
    """The folder of an empty offline store for one test, named as people name folders."""
    folder = tmp_path / "João [1]" / "Área de Trabalho, 50% #1"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def storage_url(storage_folder: Path) -> str:
    """The root of an empty offline store for one test."""
    return storage_folder.as_uri()


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """The S3 server of this session; make a bucket of your own there, and remove it."""
    with s3_server() as running:
        yield running


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory, s3: S3Server) -> Iterator["SparkSession"]:
    """A small Spark for the whole session, made as the jobs make theirs; it reaches `s3`, too."""
    from jobs.spark.session import SparkSettings, session
    from jobs.spark.storage import storage_options

    settings = SparkSettings(
        jars=PROJECT / ".ontem" / "jars",
        scratch=tmp_path_factory.mktemp("Área de Trabalho 50% "),
        master="local[2]",
        storage=storage_options("s3://", s3.variables),
    )
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in s3.variables.items():
                patch.setenv(name, value)  # its JVM takes the credentials from there as it starts
            made = stack.enter_context(session("tests", settings))
        made.conf.set("spark.sql.shuffle.partitions", "2")
        yield made


@contextmanager
def _redis_database(test_servers: Servers) -> Iterator[str]:
    url = with_database(test_servers.redis_url, str(next(REDIS_DATABASES)))
    with redis.Redis.from_url(url) as client:
        client.flushdb()
        yield url
        client.flushdb()


def _name(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")
