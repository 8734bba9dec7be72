"""The connector jars are the pinned ones, and are fetched once."""

import hashlib
import importlib.util
import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

from ontem.connectors import (
    FOLDERS,
    Connector,
    ConnectorError,
    ConnectorList,
    copy_if_pinned,
    install,
    read_connectors,
)

PROJECT = Path(__file__).resolve().parents[2]
LISTED = read_connectors(PROJECT / "deploy" / "connectors.txt")
JAR = b"the bytes of a jar"


def a_connector(content=JAR):
    return Connector("org.example", "driver", "1.2", hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize(
    ("name", "some"),
    [
        ("connectors.txt", {"hadoop-aws", "s3-transfer-manager"}),
        ("s3proxy.txt", {"s3proxy", "logback-classic"}),
    ],
)
def test_the_pinned_jars_have_coordinates_and_a_whole_sha256(name, some):
    listed = read_connectors(PROJECT / "deploy" / name).connectors

    assert some <= {each.artifact for each in listed}
    assert all(len(bytes.fromhex(each.sha256)) == 32 for each in listed)
    assert name in FOLDERS


def test_an_image_gets_the_connectors_alone_and_a_checkout_all_lists():
    setup = (PROJECT / "deploy" / "setup").read_text(encoding="utf-8")
    image = (PROJECT / "deploy" / "Dockerfile").read_text(encoding="utf-8")

    assert f'-m ontem.connectors "$project" {" ".join(FOLDERS)}\n' in setup
    assert "-m ontem.connectors /app\n" in image


def versions():
    return {each.artifact: each.version for each in LISTED.connectors}


def jars_of_spark():
    """The versions of the jars that PySpark has, by artifact."""
    folder = Path(importlib.util.find_spec("pyspark").origin).parent / "jars"
    names = (re.fullmatch(r"(.+?)-(\d.*)\.jar", path.name) for path in folder.glob("*.jar"))
    return {name[1]: name[2] for name in names if name}


def test_the_s3_connector_is_of_the_hadoop_that_spark_has():
    assert versions()["hadoop-aws"] == jars_of_spark()["hadoop-client-api"]


def test_all_modules_of_the_aws_sdk_have_one_version():
    of_sdk = {each.version for each in LISTED.connectors if "awssdk" in each.group}

    assert len(of_sdk) == 1


def test_no_connector_is_a_jar_that_spark_has_already():
    assert versions().keys() & jars_of_spark().keys() == set()


def test_no_listed_connector_is_excluded_from_resolving():
    excluded = [
        each.coordinate
        for each in LISTED.connectors
        for pattern in LISTED.excluded
        if fnmatch(f"{each.group}:{each.artifact}", pattern)
    ]

    assert excluded == []


def test_a_line_with_without_names_what_is_not_fetched(tmp_path):
    path = tmp_path / "connectors.txt"
    path.write_text("org.example:driver:1.2 00ff # why\n\nwithout org.example:huge # why not\n")

    assert read_connectors(path) == ConnectorList(
        (Connector("org.example", "driver", "1.2", "00ff"),), ("org.example:huge",)
    )


def test_a_jar_that_is_installed_is_not_fetched_again(tmp_path):
    path = tmp_path / "driver-1.2.jar"
    path.write_bytes(JAR)

    install(ConnectorList((a_connector(),)), tmp_path)  # no resolver would find org.example

    assert path.read_bytes() == JAR


def test_a_jar_that_is_no_longer_listed_is_removed(tmp_path):
    (tmp_path / "driver-1.1.jar").write_bytes(JAR)

    install(ConnectorList(()), tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_jar_with_other_bytes_than_the_pinned_is_refused(tmp_path):
    resolved = tmp_path / "resolved.jar"
    resolved.write_bytes(b"something else")

    with pytest.raises(ConnectorError, match=r"org\.example:driver:1\.2 has sha256 .* pinned is"):
        copy_if_pinned(a_connector(), resolved, tmp_path / "jars")


def test_a_jar_that_was_not_resolved_is_named(tmp_path):
    with pytest.raises(ConnectorError, match="was not resolved"):
        copy_if_pinned(a_connector(), tmp_path / "nowhere.jar", tmp_path / "jars")
