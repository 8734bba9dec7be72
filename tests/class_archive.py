"""The Java of the Spark that tests start, and an archive of the classes that each of them loads.

Java reads and checks some ten thousand classes before Spark runs its first query; from an archive
it takes them as they lay in memory. `python -m tests.class_archive` makes one.
"""

import hashlib
import importlib.util
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession

HOME: Final = Path(__file__).resolve().parents[1] / ".ontem"
FOLDER: Final = HOME / "class-archives"
COMPILE_BRIEFLY: Final = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData"
"""What runs for seconds pays for no better compilation of its code, and nobody watches it."""
QUIET: Final = "-Xlog:cds=off -Xlog:cds+dynamic=off"
"""No word about an archive that is not there or is of other jars: Java starts without it."""


def archive_of(java: Path, jars: Iterable[Path]) -> Path:
    """The file for this Java and these jars, which need not be there; that for others is another.

    Java looks at the same, and ignores an archive that does not fit.
    """
    digest = hashlib.sha256()
    for file in (java, *sorted(jars)):
        state = file.stat()
        digest.update(f"{file.resolve()} {state.st_size} {state.st_mtime_ns}\n".encode())
    return FOLDER / f"{digest.hexdigest()[:16]}.jsa"


def archive() -> Path | None:
    """The file for the Java and the jars of this project; None without a Java."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which(f"{home}/bin/java" if home else "java")
    spark = importlib.util.find_spec("pyspark")
    if java is None or spark is None or spark.origin is None:
        return None
    folders = (Path(spark.origin).parent / "jars", HOME / "jars")
    return archive_of(Path(java), [jar for folder in folders for jar in folder.glob("*.jar")])


def spark_java() -> dict[str, str]:
    """The variables with which Spark's Java starts, also that of a command.

    Another Java runs before it and makes its command line.
    """
    return {"SPARK_LAUNCHER_OPTS": COMPILE_BRIEFLY, "SPARK_SUBMIT_OPTS": _options()}


def class_path() -> str:
    """The one that the archive was made with: Java takes it only where its own begins with it."""
    import pyspark

    ours, theirs = HOME / "jars", Path(pyspark.__file__).parent / "jars"
    first = [*sorted(ours.glob("*.jar")), *theirs.glob("slf4j-api-*.jar")]  # Spark's own order
    return ":".join(map(str, [*first, theirs / "*"]))


def executors() -> dict[str, str]:
    """Spark's options for executors that are processes, which start as `spark_java` does."""
    return {
        "spark.executor.extraClassPath": class_path(),
        "spark.executor.extraJavaOptions": _options(),
    }


def _options() -> str:
    target = archive()
    shared = "" if target is None else shlex.quote(f"-XX:SharedArchiveFile={target}")
    return f"{COMPILE_BRIEFLY} {QUIET} {shared}"


def make(target: Path) -> None:
    """Run a Spark that does a little of all that jobs do, and archive its classes as it ends."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="unfinished-", dir=FOLDER) as folder:
        unfinished = Path(folder) / "classes"
        archive_it = shlex.quote(f"-XX:ArchiveClassesAtExit={unfinished}")
        os.environ["SPARK_SUBMIT_OPTS"] = f"{COMPILE_BRIEFLY} {QUIET} {archive_it}"
        run_a_spark(Path(folder))
        for other in FOLDER.glob("*.jsa"):
            other.unlink(missing_ok=True)
        unfinished.replace(target)  # nobody starts from a part of it


def run_a_spark(folder: Path) -> None:
    """Start a Spark as the jobs do, let it work, and wait until its Java has ended, too."""
    from jobs.spark.session import SparkSettings, session

    settings = SparkSettings(jars=HOME / "jars", scratch=folder, master="local[2]")
    with session("class archive", settings) as spark:
        java = spark.sparkContext._gateway.proc  # type: ignore[union-attr]
        work(spark, folder)
    java.stdin.close()  # which ends it
    java.wait()


def work(spark: "SparkSession", folder: Path) -> None:
    """Read and write Parquet, filter, group, join, and go through Python."""
    from pyspark.sql import functions as F  # noqa: N812  as everybody calls it

    def same(batches: "Iterable[pa.RecordBatch]") -> "Iterable[pa.RecordBatch]":
        yield from batches

    rows = spark.range(100).select("id", (F.col("id") % 7).alias("key"), F.lit("a").alias("text"))
    rows.write.parquet(f"{folder}/rows")
    rows = spark.read.schema(rows.schema).parquet(f"{folder}/rows").where(F.col("id") > 1)
    lists = F.sort_array(F.collect_list(F.struct("id", "text")))
    joined = rows.join(rows.groupBy("key").agg(lists.alias("lists")), "key", "left")
    mapped = joined.mapInArrow(same, joined.schema).repartition("key")
    mapped.mapInArrow(same, joined.schema).write.parquet(f"{folder}/mapped")


if __name__ == "__main__":
    found = archive()
    if found is None:
        sys.exit("there is no Java")
    make(found)
