"""Real servers for the tests: one stack per session, a database of its own per test."""

import gc
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import hypothesis
import pytest
import redis

from tests import class_archive, own_spark
from tests.s3 import S3Server, s3_server
from tests.servers import SHORT_JAVA, Servers, a_database, servers, with_database
from tests.workers import workers_of_this_machine

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

os.environ.update(SHORT_JAVA)
os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # idle threads of a training leave the cores
if "PYTEST_XDIST_WORKER" in os.environ:  # the others have the other cores
    for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(threads, "1")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell's background job inherits it
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what tests start can be interrupted

gc.disable()  # until all tests are collected

REDIS_DATABASES = itertools.cycle(range(1, 16))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """How many processes run the tests: all tests are shared out, some of them are not."""
    if os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS"):
        return None  # xdist itself reads it
    if os.environ.get("ONTEM_TEST_REDIS_URL"):
        return 0  # one server's few databases would be those of all
    options = config.option
    are_all = config.args_source is not pytest.Config.ArgsSource.ARGS
    are_all = are_all and not (options.keyword or options.markexpr or options.lf)
    return workers_of_this_machine() if are_all else 0


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Archive Spark's classes before tests in several processes, which collect meanwhile."""
    config, target = session.config, class_archive.archive()
    is_alone = hasattr(config, "workerinput") or not getattr(config.option, "numprocesses", None)
    if is_alone or target is None or target.exists():
        return
    command = [sys.executable, "-m", "tests.class_archive"]
    done = subprocess.run(
        command, cwd=PROJECT, env=os.environ | {"PYTHONPATH": str(PROJECT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        reason = f"Spark starts without an archive of its classes: {done.stderr[-2000:]}"
        config.issue_config_time_warning(pytest.PytestWarning(reason), stacklevel=1)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the long tests of faults unless they are asked for: `make test-faults`."""
    if "long_faults" not in config.option.markexpr:
        left_out = [item for item in items if item.get_closest_marker("long_faults")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    if hasattr(config, "workerinput"):
        begin_with_slow_files(items)


def begin_with_slow_files(items: list[pytest.Item]) -> None:
    """Put files with a slow test first, or one process ends with it while the others have ended."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Look for garbage from now on, but not among the tests and what they have imported."""
    gc.freeze()
    gc.enable()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let Python end everything: nanobind writes a page about what it finds at the end."""
    gc.unfreeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that has started a Spark of its own before the shared one is there."""
    try:
        return (yield)
    finally:
        is_shared = item.session.stash.get(own_spark.SHARED, False)
        if not is_shared and own_spark.end_of_a_stranger():
            told = f"{item.nodeid} started a Spark in the tests' own process"
            pytest.fail(f"{told}: {own_spark.REMEDY}")


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
def spark(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, s3: S3Server
) -> Iterator["SparkSession"]:
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
            request.session.stash[own_spark.SHARED] = True
            made = stack.enter_context(session("tests", settings))
        made.conf.set("spark.sql.shuffle.partitions", "2")
        with own_spark.shared(made):
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
