"""The archive of Spark's classes is found again, and is another for other jars."""

import os
import shlex
from pathlib import Path

import pytest

from tests import class_archive


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    files = [tmp_path / name for name in ("java", "a.jar", "b.jar")]
    for file in files:
        file.write_bytes(b"1")
    return files


def test_the_same_java_and_jars_have_the_same_archive(files: list[Path]) -> None:
    java, *jars = files
    assert class_archive.archive_of(java, jars) == class_archive.archive_of(java, jars[::-1])


@pytest.mark.parametrize("changed", [0, 1, 2])
def test_another_java_or_jar_has_another(files: list[Path], changed: int) -> None:
    java, *jars = files
    before = class_archive.archive_of(java, jars)
    os.utime(files[changed], ns=(1, 1))
    after = class_archive.archive_of(java, jars)
    files[changed].write_bytes(b"12")
    os.utime(files[changed], ns=(1, 1))

    assert len({before, after, class_archive.archive_of(java, jars)}) == 3
    assert class_archive.archive_of(java, jars[:1]) not in {before, after}


def test_its_path_is_one_word_for_spark(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(class_archive, "FOLDER", tmp_path / "João [1] #1")
    words = shlex.split(class_archive.spark_java()["SPARK_SUBMIT_OPTS"])

    assert f"-XX:SharedArchiveFile={class_archive.archive()}" in words


def test_without_a_java_there_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))

    assert class_archive.archive() is None
    assert "SharedArchiveFile" not in class_archive.spark_java()["SPARK_SUBMIT_OPTS"]
