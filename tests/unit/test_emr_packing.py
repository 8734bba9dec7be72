"""What names an archive, and what is in it."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.emr.archive import Packing, pack, without
from jobs.emr.errors import PackingFailed

PROJECT = Path(__file__).resolve().parents[2]
LOCK = (
    "a==1 \\\n    --hash=x\npyspark==4.1.4 \\\n    --hash=y \\\n    --hash=z\npyspark-client==1\n"
)


@pytest.fixture
def packing(tmp_path: Path) -> Packing:
    wheel, lock = tmp_path / "ontem-0.1.7-py3-none-any.whl", tmp_path / "jobs.lock"
    wheel.write_bytes(b"wheel")
    lock.write_text(LOCK)
    return Packing(
        wheel=wheel, lock=lock, python="3.11", interpreter="/usr/bin/python3.11", platform="linux"
    )


def test_the_cluster_has_a_spark_of_its_own() -> None:
    assert without(LOCK, ("pyspark", "py4j")) == "a==1 \\\n    --hash=x\npyspark-client==1\n"


def test_whatever_makes_another_archive_makes_another_name(packing: Packing) -> None:
    changes = ({"python": "3.13"}, {"interpreter": "/opt/python"}, {"platform": "windows"})
    names = [packing.name, *(replace(packing, **change).name for change in changes)]
    packing.lock.write_text(LOCK + "b==2\n")
    names.append(packing.name)
    packing.wheel.write_bytes(b"another")
    names.append(packing.name)

    assert len(set(names)) == len(names)
    assert packing.name == names[-1]
    assert all(name.startswith("0.1.7-") for name in names)


def test_what_can_not_be_packed_is_a_sentence(packing: Packing, tmp_path: Path) -> None:
    with pytest.raises(PackingFailed, match=r"no-such-uv can't be run: No such file"):
        pack(packing, str(tmp_path / "no-such-uv"), tmp_path / "archive.tar.gz")

    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\necho 'no wheel' >&2\necho 'of a' >&2\nexit 1\n")
    uv.chmod(0o755)
    with pytest.raises(PackingFailed, match=r"\(no wheel; of a\)"):
        pack(packing, str(uv), tmp_path / "archive.tar.gz")
    assert not (tmp_path / "archive.tar.gz").exists()


def test_the_roles_have_the_rights_that_are_asked_for() -> None:
    sources = [*(PROJECT / "jobs" / "emr").glob("*.py"), PROJECT / "jobs" / "secrets.py"]
    code = "".join(source.read_text() for source in sources)
    asked = set(re.findall(r'"((?:elasticmapreduce|s3|secretsmanager|ssm):\w+)"', code))
    asked |= {"elasticmapreduce:AddTags", "iam:PassRole"}  # RunJobFlow with tags and roles

    given = set()
    for file in (PROJECT / "deploy" / "emr").glob("*.json"):
        for statement in json.loads(file.read_text())["Statement"]:
            actions = statement["Action"]
            given |= {actions} if isinstance(actions, str) else set(actions)

    assert {action for action in given if not action.startswith("kms:")} == asked


def test_the_roles_of_a_cluster_are_handed_to_emr_and_its_machines_alone() -> None:
    policy = json.loads((PROJECT / "deploy" / "emr" / "submit-role.json").read_text())
    (handing,) = [each for each in policy["Statement"] if each["Action"] == "iam:PassRole"]

    services = handing["Condition"]["StringLike"]["iam:PassedToService"]
    assert services == ["elasticmapreduce.amazonaws.com*", "ec2.amazonaws.com*"]
