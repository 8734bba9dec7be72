"""Files for other programs, such as CircleCI and Docker, are what those accept."""

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
import yaml

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
    jobs = _yaml(".circleci/config.yml")["jobs"]

    assert "bash .ci/run" in str(jobs["check"])
    assert "make check" in (PROJECT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_nights_and_the_retraining_come_from_their_own_schedules_only():
    workflows = _yaml(".circleci/config.yml")["workflows"]

    for name in ("night", "retraining"):
        conditions = workflows[name]["when"]["and"]
        assert {"equal": [name, "<< pipeline.schedule.name >>"]} in conditions
        assert {"equal": ["scheduled_pipeline", "<< pipeline.trigger_source >>"]} in conditions


STARTED = {
    "night": ["deploy/night"],
    "retraining": ["deploy/retrain", "deploy/ship-model"],
}


@pytest.mark.parametrize("name", STARTED)
def test_what_a_schedule_starts_exists_and_may_be_run(name):
    steps = _yaml(".circleci/config.yml")["jobs"][name]["steps"][1:]
    commands = [step["run"]["command"] for step in steps]

    assert commands == STARTED[name]
    assert all(os.access(PROJECT / command, os.X_OK) for command in commands)


def test_the_day_of_a_night_is_that_of_the_business_zone():
    def day(zone):
        environ = {**os.environ, "BUSINESS_TIMEZONE": zone}
        done = subprocess.run(
            [PROJECT / "deploy" / "day"], env=environ, capture_output=True, text=True, check=True
        )
        return date.fromisoformat(done.stdout.strip())

    # These zones are 26 hours apart: at every instant the first one's day is a later one.
    assert day("Pacific/Kiritimati") > day("Etc/GMT+12")
