"""The connector jars are the pinned ones, and are fetched once."""

import hashlib
from pathlib import Path

import pytest

from ontem.connectors import Connector, ConnectorError, copy_if_pinned, install, read_connectors

PROJECT = Path(__file__).resolve().parents[2]
JAR = b"the bytes of a jar"


def a_connector(content=JAR):
    return Connector("org.example", "driver", "1.2", hashlib.sha256(content).hexdigest())


def test_the_pinned_connectors_have_coordinates_and_a_whole_sha256():
    connectors = read_connectors(PROJECT / "deploy" / "connectors.txt")

    assert [each.artifact for each in connectors] == ["postgresql"]
    assert all(len(bytes.fromhex(each.sha256)) == 32 for each in connectors)


def test_a_jar_that_is_installed_is_not_fetched_again(tmp_path):
    path = tmp_path / "driver-1.2.jar"
    path.write_bytes(JAR)

    install([a_connector()], tmp_path)  # no resolver would find org.example

    assert path.read_bytes() == JAR


def test_a_jar_that_is_no_longer_listed_is_removed(tmp_path):
    (tmp_path / "driver-1.1.jar").write_bytes(JAR)

    install([], tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_jar_with_other_bytes_than_the_pinned_is_refused(tmp_path):
    resolved = tmp_path / "resolved.jar"
    resolved.write_bytes(b"something else")

    with pytest.raises(ConnectorError, match=r"org\.example:driver:1\.2 has sha256 .* pinned is"):
        copy_if_pinned(a_connector(), resolved, tmp_path / "jars")


def test_a_jar_that_was_not_resolved_is_named(tmp_path):
    with pytest.raises(ConnectorError, match="was not resolved"):
        copy_if_pinned(a_connector(), tmp_path / "nowhere.jar", tmp_path / "jars")
