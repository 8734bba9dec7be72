"""Files for other programs, such as CircleCI and Docker, are what those accept."""

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
import yaml

from tests.delivery.circleci import every_step, pipeline

PROJECT = Path(__file__).resolve().parents[2]


def _yaml(name):
    return yaml.safe_load((PROJECT / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("vendor.circle-ci", ".circleci/config.yml"),
        ("vendor.compose-spec", "docker-compose.yml"),
    ],
)
def test_a_file_is_valid_against_its_public_schema(schema, file):
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema]
    done = subprocess.run(
        [*command, str(PROJECT / file)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_circleci_runs_what_a_developer_runs():
    check = _yaml(".circleci/config.yml")["jobs"]["check"]

    assert "deploy/circle-check" in str(check)
    assert "bash .ci/run" in (PROJECT / "deploy" / "circle-check").read_text(encoding="utf-8")
    assert "make check" in (PROJECT / ".ci" / "run").read_text(encoding="utf-8")


def test_a_push_starts_neither_a_night_nor_a_retraining():
    jobs = {step.job for step in pipeline()}

    assert jobs == {"check", "package", "publish", "images", "deploy"}
    assert {step.job for step in pipeline(run="night")} == {"night"}
    assert {step.job for step in pipeline(run="retraining")} == {"retraining", "proposal"}


@pytest.mark.parametrize("branch", ["another", "main-2", ""])
def test_another_branch_than_main_is_checked_and_starts_no_job_of_a_schedule(branch):
    assert {step.job for step in pipeline(branch)} == {"check"}
    for run in ("night", "retraining"):
        assert {step.job for step in pipeline(branch, run=run)} == {"refusal"}


def test_only_main_becomes_a_version_and_only_after_the_check():
    check, *others = _yaml(".circleci/config.yml")["workflows"]["delivery"]["jobs"]
    needed = {name: job for each in others for name, job in each.items()}

    assert check == "check"
    assert {name: job["requires"] for name, job in needed.items()} == {
        "package": ["check"],
        "publish": ["package"],
        "images": ["package"],
        "deploy": ["publish", "images"],
    }
    assert all(job["filters"] == {"branches": {"only": "main"}} for job in needed.values())
    assert "serial-group" in needed["deploy"]


def test_what_tests_of_anybody_s_branch_run_knows_no_secret():
    workflows = _yaml(".circleci/config.yml")["workflows"]
    with_context = {
        name
        for workflow in workflows.values()
        for each in workflow["jobs"]
        if not isinstance(each, str)
        for name, job in each.items()
        if "context" in job
    }

    assert with_context == {
        *("package", "publish", "images", "deploy"),
        *("night", "retraining", "proposal"),
    }


def test_nothing_needs_the_token_of_a_job_after_a_step_that_may_take_hours():
    """CircleCI's OIDC tokens are good for an hour."""
    long_jobs = set()
    for name, job in _yaml(".circleci/config.yml")["jobs"].items():
        runs = [step["run"] for step in job["steps"] if "run" in step]
        if long := [run for run in runs if "no_output_timeout" in run]:
            long_jobs.add(name)
            assert long == runs[-1:], name

    assert long_jobs == {"night", "retraining"}


def test_every_step_is_a_short_call_of_a_program_that_may_be_run():
    for step in every_step():
        programs = [word.lstrip('"$(').rstrip(')"') for word in step.command.split()]
        programs = [word for word in programs if word.startswith("deploy/")]
        assert programs or step.command.startswith("make "), step
        assert "\n" not in step.command
        assert all(os.access(PROJECT / program, os.X_OK) for program in programs), step


def test_the_day_of_a_night_is_that_of_the_business_zone():
    def day(zone):
        environ = {**os.environ, "BUSINESS_TIMEZONE": zone}
        done = subprocess.run(
            [PROJECT / "deploy" / "day"], env=environ, capture_output=True, text=True, check=True
        )
        return date.fromisoformat(done.stdout.strip())

    # These zones are 26 hours apart: at every instant the first one's day is a later one.
    assert day("Pacific/Kiritimati") > day("Etc/GMT+12")
