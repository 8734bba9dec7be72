"""The Spark session of a job."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from py4j.protocol import Py4JError
from pyspark.sql import SparkSession

from jobs.errors import ConnectorMissing
from jobs.machine import usable_memory
from jobs.parts import ORDERS_OF_A_BATCH, parts_of
from jobs.spark.banner import without_java_banner
from jobs.spark.failure import spark_failures
from jobs.spark.own_folder import own_folder

MEMORY_SHARE: Final = 0.25
S3A: Final = "hadoop-aws-*.jar"
LOGGING: Final = Path(__file__).parent / "log4j2.properties"
GIB: Final = 2**30
PARTITIONS: Final = "spark.sql.shuffle.partitions"
READ_PARTITIONS: Final = "spark.sql.files.minPartitionNum"
OPTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "spark.python.daemon.module": "jobs.spark.daemon",
        "spark.sql.adaptive.enabled": "true",
        # With any limit but the greatest Spark adds up the size of a batch again for each of its
        # rows: a hundred thousand rows with lists took minutes.
        "spark.sql.execution.arrow.maxBytesPerBatch": str(2**31 - 1),
        "spark.sql.execution.arrow.maxRecordsPerBatch": str(ORDERS_OF_A_BATCH),
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        # Otherwise functions of tables and of RDDs have daemons of their own: each takes seconds.
        "spark.sql.execution.pyspark.udf.simplifiedTraceback.enabled": "false",
        "spark.sql.session.timeZone": "UTC",
    }
)
"""What holds wherever Spark runs: none of it is settled when Java starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SparkSettings:
    """What a session needs: the folder of the jars, one for scratch files, and Spark's `master`.

    The master is None where spark-submit has started this process: then Java runs already, and
    master, memory, class path and the Python of the workers are what spark-submit was told.
    """

    jars: Path
    scratch: Path
    master: str | None = "local[*]"
    progress: bool = False
    storage: Mapping[str, str] = field(default_factory=dict)
    """Spark's options for the offline store, as `storage_options` returns them."""


@contextmanager
def session(app_name: str, settings: SparkSettings) -> Iterator[SparkSession]:
    """A Spark session in UTC without a UI, with the connectors from `settings.jars`.

    It downloads nothing and is stopped at the end. Without spark-submit its Python workers run this
    interpreter. Raises ConnectorMissing where the offline store needs one; SparkFailed for what
    fails inside.
    """
    builder = SparkSession.builder.appName(app_name)
    options = {**OPTIONS, **settings.storage}
    if settings.master is not None:
        if settings.storage and not any(settings.jars.glob(S3A)):
            raise ConnectorMissing(folder=str(settings.jars))
        os.environ["PYSPARK_PYTHON"] = sys.executable
        builder = builder.master(settings.master)
        options |= local_options(settings, own_folder(settings.scratch))
    for name, value in options.items():
        builder = builder.config(name, value)
    with spark_failures(settings.scratch), _without_tracebacks_of_py4j():
        with without_java_banner(), _own_interrupts():
            spark = builder.getOrCreate()
        try:
            yield spark
        except BaseException:
            with suppress(Py4JError, OSError):  # Java may be what has failed
                spark.stop()
            raise
        spark.stop()


@contextmanager
def _own_interrupts() -> Iterator[None]:
    """Keep Spark from handling Ctrl-C: it would ask Java first, over a connection that is in use.

    A KeyboardInterrupt ends the session as any other error does, and so the jobs in it.
    """
    before = signal.getsignal(signal.SIGINT)
    yield
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, before)


@contextmanager
def _without_tracebacks_of_py4j() -> Iterator[None]:
    """Keep py4j from writing a traceback of what it raises as well, such as a KeyboardInterrupt."""

    def is_of_others(record: logging.LogRecord) -> bool:
        return "py4j" not in Path(record.pathname).parts

    own = logging.getLogger("py4j")
    before = own.level
    own.setLevel(logging.CRITICAL)
    logging.root.addFilter(is_of_others)  # it writes some through the root logger
    try:
        yield
    finally:
        logging.root.removeFilter(is_of_others)
        own.setLevel(before)


def split_shuffles(spark: SparkSession, orders: int) -> None:
    """Let a shuffle of so many orders have parts that fit into a worker, whatever the driver is.

    Whoever knew how many there are has told spark-submit a number, which stays.
    """
    if not spark.sparkContext.getConf().contains(PARTITIONS):
        parts = parts_of(orders, spark.sparkContext.defaultParallelism)
        spark.conf.set(PARTITIONS, str(parts))
    # Otherwise small files are read together by as few tasks as there are cores, and the longest
    # of these is waited for.
    spark.conf.set(READ_PARTITIONS, str(number_of_parts(spark)))


def number_of_parts(spark: SparkSession) -> int:
    """How many parts a shuffle has by now."""
    return int(spark.conf.get(PARTITIONS) or 1)


def local_options(settings: SparkSettings, folder: Path) -> dict[str, str]:
    """The options of a Spark that is started in this process, with its blocks in a folder."""
    return {
        "spark.driver.bindAddress": "127.0.0.1",
        # Not `spark.jars`, where a comma or a bracket in a folder's name has a meaning.
        # A cluster such as EMR has its own S3A: ours beside it would be each class twice.
        "spark.driver.extraClassPath": ":".join(map(str, sorted(settings.jars.glob("*.jar")))),
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={LOGGING.as_uri()}",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": f"{_driver_memory_mib()}m",
        "spark.hadoop.hadoop.tmp.dir": str(folder / "hadoop"),
        # It downloads nothing, and yet wants a cache at home, which may be read-only.
        "spark.jars.ivy": str(settings.scratch.absolute() / "ivy"),
        "spark.local.dir": str(folder),
        "spark.sql.warehouse.dir": str(settings.scratch / "warehouse"),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": str(settings.progress).lower(),
    }


def _driver_memory_mib() -> int:
    """A quarter of the memory that there is, from 1 to 8 GiB: its workers need the rest."""
    return int(min(max(usable_memory() * MEMORY_SHARE, GIB), 8 * GIB) / 2**20)
