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
from tests.delivery.recording_kubectl import PHASES

PROJECT = Path(__file__).resolve().parents[2]
OVERLAYS = PROJECT / "deploy" / "kubernetes" / "overlays"


@dataclass
class RollOut:
    """What deploy/roll-out did: its end, and what it asked kubectl for."""

    done: "subprocess.CompletedProcess[str]"
    asked: list[dict[str, Any]]

    @property
    def commands(self) -> list[str]:
        """What it did beside looking."""
        return [each["command"] for each in self.asked if each["command"] != "get"]

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

    def runs(image: str) -> None:
        """A Deployment with that image is in the cluster."""
        pod = {"spec": {"containers": [{"image": image}]}}
        service = {"kind": "Deployment", "spec": {"template": pod}}
        record.with_name("record.cluster").write_text(json.dumps({"Deployment/service": service}))

    run.runs = runs
    return run


def test_the_migration_of_the_version_is_done_before_anything_else_is_applied(roll_out):
    ended = roll_out("0.1.57")

    assert ended.done.returncode == 0, ended.done.stderr
    assert ended.commands == ["delete", "apply", "wait", "apply", "rollout"]
    assert {each["namespace"] for each in ended.asked} == {"ontem"}
    changes = [each for each in ended.asked if each["command"] != "get"]
    delete, first, wait, then, status = changes
    job = "migrate-0-1-57"
    assert (delete["name"], wait["name"]) == (job, f"job/{job}")
    assert wait["condition"] == "condition=complete"
    assert status["name"] == "deployment/service"
    assert {each["kind"] for each in first["applied"]} == {"ConfigMap", "Job"}
    assert {each["kind"] for each in then["applied"]} == {
        "ConfigMap",
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


def test_a_migration_that_works_is_waited_for_however_long(roll_out):
    ended = roll_out("0.1.57", KUBECTL_MIGRATION="Running", TURNS="2", ONTEM_START_SECONDS="1")

    assert ended.done.returncode == 0, ended.done.stderr
    assert [each["output"] for each in ended.asked if each["command"] == "get"].count(PHASES) == 2
    assert ended.commands[-2:] == ["apply", "rollout"]


def test_a_migration_that_is_tried_again_and_again_is_waited_for(roll_out):
    """No look found a pod that ran, but each one more that has ended."""
    ended = roll_out("0.1.57", KUBECTL_MIGRATION="tries", TURNS="3", ONTEM_START_SECONDS="2")

    assert ended.done.returncode == 0, ended.done.stderr


@pytest.mark.parametrize("phase", ["Pending", ""])
def test_a_migration_whose_pod_does_not_start_is_removed_so_that_it_never_will(roll_out, phase):
    ended = roll_out("0.1.57", KUBECTL_MIGRATION=phase, TURNS="9", ONTEM_START_SECONDS="0")

    assert ended.done.returncode == 1
    assert ended.commands[-2:] == ["describe", "delete"]
    assert ended.asked[-1]["name"] == "migrate-0-1-57"
    assert len(ended.applied) == 1
    assert "migrate-0-1-57 does not start" in ended.done.stderr


def test_pods_that_do_not_get_ready_fail_the_roll_out_and_the_old_ones_stay(roll_out):
    ended = roll_out("0.1.57", KUBECTL_PODS="away")

    assert ended.done.returncode == 1
    assert "the old ones serve on" in ended.done.stderr
    assert "rollout undo deployment/service" in ended.done.stderr
    assert 'secret "ontem-service" not found' in ended.done.stderr  # such a pod has no log


def image_of(ended: RollOut) -> str:
    """The image of the service that a roll-out applied last."""
    return next(containers(ended.applied[-1]))["image"].rpartition(":")[2]


def test_an_older_version_than_the_one_that_runs_is_refused_before_anything_is_changed(roll_out):
    roll_out.runs("registry.example.com:5000/ontem/service:0.2.10")
    for older in ("0.2.9", "0.1.100"):
        ended = roll_out(older)

        assert ended.done.returncode == 1
        assert f"{older} is older than 0.2.10, which runs" in ended.done.stderr
        assert f"deploy/roll-out --back {older} production" in ended.done.stderr
        assert len(ended.done.stderr.splitlines()) == 1
        assert ended.commands == []


@pytest.mark.parametrize("running", ["0.1.58", "0.1.9", "0.0.100"])
def test_the_same_version_and_newer_ones_are_rolled_out(roll_out, running):
    roll_out.runs(f"registry.example.com:5000/ontem/service:{running}@sha256:00ff")
    ended = roll_out("0.1.58")

    assert ended.done.returncode == 0, ended.done.stderr
    assert image_of(ended) == "0.1.58"


def test_an_older_version_takes_the_place_of_a_newer_one_on_purpose_and_is_what_runs(roll_out):
    roll_out("0.1.58")
    back = roll_out("--back", "0.1.57")
    again, older = roll_out("0.1.57"), roll_out("0.1.56")

    assert back.done.returncode == 0, back.done.stderr
    assert image_of(back) == "0.1.57"
    assert again.done.returncode == 0, again.done.stderr
    assert "0.1.56 is older than 0.1.57" in older.done.stderr


@pytest.mark.parametrize("one_that_is_older", ["0.1.57", "--back 0.1.57"])
def test_of_two_at_once_the_newer_version_stays(roll_out, one_that_is_older):
    newer = f"{PROJECT}/deploy/roll-out 0.1.58"
    ended = roll_out(*one_that_is_older.split(), KUBECTL_MEANWHILE=newer)

    assert ended.done.returncode == 1
    assert "0.1.57 is older than 0.1.58" in ended.done.stderr
    assert "a newer roll-out began meanwhile" in ended.done.stderr
    assert image_of(ended) == "0.1.58"
    kinds = {each["kind"] for each in ended.applied[-1]}
    assert "ConfigMap" in kinds  # that of the newer one is applied last


def test_a_newer_version_that_is_at_its_migration_is_not_overtaken(roll_out, tmp_path):
    refusal = tmp_path / "refusal"
    older = f"{PROJECT}/deploy/roll-out 0.1.57 2>{refusal} && exit 1 || true"
    ended = roll_out("0.1.58", KUBECTL_MEANWHILE=older)

    assert ended.done.returncode == 0, ended.done.stderr
    assert "0.1.57 is older than 0.1.58" in refusal.read_text()
    assert image_of(ended) == "0.1.58"


def test_a_newer_version_whose_migration_failed_is_not_on_its_way(roll_out):
    assert roll_out("0.1.58", KUBECTL_MIGRATION="1").done.returncode == 1

    assert roll_out("0.1.57").done.returncode == 0


def test_a_version_that_can_not_be_compared_is_replaced_on_purpose_alone(roll_out):
    roll_out.runs("registry.example.com:5000/ontem/service")
    refused = roll_out("0.1.59")
    back = roll_out("--back", "0.1.59")

    assert refused.done.returncode == 1
    assert "which can't be compared with 0.1.59: nothing was changed" in refused.done.stderr
    assert refused.commands == []
    assert back.done.returncode == 0, back.done.stderr


@pytest.mark.parametrize(
    ("away", "words"),
    [
        ("deployment", ["0.1.57"]),
        ("jobs", ["0.1.57"]),
        ("jobs", ["--back", "0.1.57"]),
    ],
)
def test_a_cluster_that_does_not_say_what_runs_is_not_changed(roll_out, words, away):
    ended = roll_out(*words, KUBECTL_AWAY=away)

    assert (ended.done.returncode, ended.commands) == (4, [])
    assert "the cluster does not say what runs" in ended.done.stderr


@pytest.mark.parametrize(
    ("words", "variables", "code", "sentence"),
    [
        ((), {}, 2, "the version is ''"),
        (("latest",), {}, 2, "the version is 'latest'"),
        (("--back",), {}, 2, "the version is ''"),
        (("--force", "0.1.57"), {}, 2, "the version is '--force'"),
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
