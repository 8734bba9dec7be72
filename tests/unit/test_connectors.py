"""The connector jars are those that are pinned, and are fetched once."""

import hashlib
from pathlib import Path

import pytest

from ontem.connectors import Connector, ConnectorError, _keep, install, read_connectors

PROJECT = Path(__file__).resolve().parents[2]
JAR = b"the bytes of a jar"


def a_connector(content=JAR):
    return Connector("org.example", "driver", "1.2", hashlib.sha256(content).hexdigest())


def test_the_pinned_connectors_have_coordinates_and_a_whole_sha256():
    connectors = read_connectors(PROJECT / "deploy" / "connectors.txt")

    assert [each.artifact for each in connectors] == ["postgresql"]
    assert all(len(bytes.fromhex(each.sha256)) == 32 for each in connectors)


def test_a_jar_that_is_there_is_not_asked_for_again(tmp_path):
    path = tmp_path / "driver-1.2.jar"
    path.write_bytes(JAR)

    install([a_connector()], tmp_path)  # nobody could resolve org.example

    assert path.read_bytes() == JAR


def test_a_jar_that_is_no_longer_listed_is_removed(tmp_path):
    (tmp_path / "driver-1.1.jar").write_bytes(JAR)

    install([], tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_other_bytes_than_the_pinned_are_refused(tmp_path):
    resolved = tmp_path / "resolved.jar"
    resolved.write_bytes(b"something else")

    with pytest.raises(ConnectorError, match=r"org\.example:driver:1\.2 has sha256 .* pinned is"):
        _keep(a_connector(), resolved, tmp_path / "jars")


def test_a_jar_that_nobody_has_is_told(tmp_path):
    with pytest.raises(ConnectorError, match="was not resolved"):
        _keep(a_connector(), tmp_path / "nowhere.jar", tmp_path / "jars")
