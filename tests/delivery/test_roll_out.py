"""deploy/roll-out: the migration first, then the rest, and neither when something is refused."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.delivery import recording_kubectl
from tests.delivery.kustomize import containers, the

PROJECT = Path(__file__).resolve().parents[2]
OVERLAYS = PROJECT / "deploy" / "kubernetes" / "overlays"


@dataclass
class RollOut:
    """What deploy/roll-out did: its end, and what it asked kubectl for."""

    done: "subprocess.CompletedProcess[str]"
    asked: list[dict[str, Any]]

    @property
    def commands(self) -> list[str]:
        return [each["command"] for each in self.asked]

    @property
    def applied(self) -> list[list[dict[str, Any]]]:
        return [each["applied"] for each in self.asked if each["command"] == "apply"]


@pytest.fixture
def roll_out(tmp_path):
    """Runs deploy/roll-out with its words, and a kubectl that writes down what it is asked."""
    folder, record = tmp_path / "bin", tmp_path / "record"
    folder.mkdir()
    kubectl = folder / "kubectl"
    kubectl.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{recording_kubectl.__file__}" "$@"\n')
    kubectl.chmod(0o755)

    def run(*words: str, **variables: str) -> RollOut:
        environ = {
            "PATH": f"{folder}:{os.environ['PATH']}",
            "ONTEM_IMAGE_REGISTRY": "registry.example.com:5000/ontem",
            "RECORD": str(record),
            **variables,
        }
        record.write_text("")
        done = subprocess.run(
            [PROJECT / "deploy" / "roll-out", *words],
            env=environ, cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert not list(OVERLAYS.glob(".roll-out-*")), "it left its draft behind"
        return RollOut(done, [json.loads(line) for line in record.read_text().splitlines()])

    return run


def test_the_migration_of_the_version_is_done_before_anything_else_is_applied(roll_out):
    ended = roll_out("0.1.57")

    assert ended.done.returncode == 0, ended.done.stderr
    assert ended.commands == ["delete", "apply", "wait", "apply", "rollout"]
    assert {each["namespace"] for each in ended.asked} == {"ontem"}
    delete, first, wait, then, status = ended.asked
    job = "migrate-0-1-57"
    assert (delete["name"], wait["name"]) == (job, f"job/{job}")
    assert wait["condition"] == "condition=complete"
    assert status["name"] == "deployment/service"
    assert {each["kind"] for each in first["applied"]} == {"ConfigMap", "Job"}
    assert {each["kind"] for each in then["applied"]} == {
        "Deployment",
        "Service",
        "PodDisruptionBudget",
    }
    assert the(first["applied"], "Job", job)


def test_the_images_are_those_of_the_version(roll_out):
    first, then = roll_out("0.1.57").applied
    images = {each["name"]: each["image"] for each in containers([*first, *then])}

    assert images == {
        "migrate": "registry.example.com:5000/ontem/jobs:0.1.57",
        "service": "registry.example.com:5000/ontem/service:0.1.57",
    }


@pytest.mark.parametrize("code", [1, 3, 4])
def test_a_migration_that_fails_changes_nothing_else_and_hands_on_its_code(roll_out, code):
    ended = roll_out("0.1.57", KUBECTL_MIGRATION=str(code))

    assert ended.done.returncode == code
    assert len(ended.applied) == 1
    assert "logs" in ended.commands
    assert "the version before serves on" in ended.done.stderr


def test_pods_that_do_not_get_ready_fail_the_roll_out_and_the_old_ones_stay(roll_out):
    ended = roll_out("0.1.57", KUBECTL_PODS="away")

    assert ended.done.returncode == 1
    assert "the old ones serve on" in ended.done.stderr
    assert "rollout undo deployment/service" in ended.done.stderr


@pytest.mark.parametrize(
    ("words", "variables", "code", "sentence"),
    [
        ((), {}, 2, "the version is ''"),
        (("latest",), {}, 2, "the version is 'latest'"),
        (("0.1.57", "moon"), {}, 2, "there is no overlay 'moon'"),
        (("0.1.57",), {"ONTEM_IMAGE_REGISTRY": ""}, 3, "ONTEM_IMAGE_REGISTRY is not set"),
    ],
)  # fmt: skip
def test_what_can_not_be_rolled_out_is_refused_in_a_sentence(
    roll_out, words, variables, code, sentence
):
    ended = roll_out(*words, **variables)

    assert ended.done.returncode == code
    assert sentence in ended.done.stderr
    assert len(ended.done.stderr.splitlines()) == 1
    assert ended.asked == []
