"""A test that reaches Spark in the tests' own process fails, and the others keep theirs."""

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobs.spark.session import SparkSettings, session
from tests.class_archive import archive

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PROJECT = Path(__file__).resolve().parents[2]
STRANGER = """
from pathlib import Path
from jobs.spark.session import SparkSettings, session

def test_one():
    settings = SparkSettings(jars=Path("jars"), scratch=Path("scratch"), master="local[1]")
    with session("a command", settings):
        pass

def test_another():
    pass
"""


def test_a_command_does_not_get_the_spark_of_the_other_tests(
    spark: "SparkSession", tmp_path: Path
) -> None:
    settings = SparkSettings(jars=tmp_path, scratch=tmp_path, master="local[1]")
    with (
        pytest.raises(pytest.fail.Exception, match="take the Spark of the other tests"),
        session("a command", settings),
    ):
        pass

    assert spark.range(3).count() == 3


def test_a_spark_that_a_test_starts_before_the_others_need_one_fails_that_test_alone(
    tmp_path: Path,
) -> None:
    (tmp_path / "test_stranger.py").write_text(STRANGER)
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-c", "/dev/null",
         "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=tmp_path, env={"PYTHONPATH": str(PROJECT), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert "test_stranger.py::test_one started a Spark in the tests' own process" in ended.stdout
    assert "1 failed, 1 passed" in ended.stdout


def test_the_spark_of_all_tests_starts_from_the_archive_of_its_classes(
    spark: "SparkSession",
) -> None:
    target = archive()
    if target is None or not target.exists():
        pytest.skip("only tests in several processes make the archive")
    java = spark.sparkContext._gateway.proc.pid

    assert str(target) in Path(f"/proc/{java}/maps").read_text(encoding="utf-8")
