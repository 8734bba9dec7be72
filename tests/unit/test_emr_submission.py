"""What is sent to EMR: its own model and our entry points take it, and no secret is in it."""

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import click
import pytest

import jobs.emr.driver as driver
from jobs.__main__ import JOBS
from jobs.emr.sizes import CORE_SECONDS, MACHINES, MOST_NODES, size_for
from jobs.emr.submission import HANDED_ON
from jobs.entry import spark_master
from jobs.parts import ORDERS_OF_A_PART
from stores.errors import SettingsError
from tests.unit.emr_stub import ACCOUNT, NIGHT, Emr

SECRET_VARIABLES = {
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "ONTEM_CARD_KEY",
    "ONTEM_ENTITY_KEY", "ONTEM_MODEL_SIGNING_KEY", "ONTEM_POSTGRES_URL", "ONTEM_REDIS_URL",
}  # fmt: skip
BUYER = "ana@example.com"


@pytest.fixture
def words() -> list[str]:
    """The command line of the step."""
    (step,) = NIGHT.request(ACCOUNT)["Steps"]
    return list(step["HadoopJarStep"]["Args"])


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """What the entry point ran and wrote."""
    calls: list[Any] = []

    class Client:
        def put_object(self, **call: Any) -> None:
            calls.append(call)

    monkeypatch.setattr(driver, "aws_client", lambda *_: Client())
    before = dict(os.environ)
    yield calls
    os.environ.clear()
    os.environ.update(before)


def test_emr_takes_the_request() -> None:
    emr = Emr()
    emr.starts()

    emr.client.run_job_flow(**NIGHT.request(ACCOUNT))


def test_the_roles_of_who_submits_and_of_emr_know_a_cluster_by_its_tags() -> None:
    tags = {each["Key"]: each["Value"] for each in NIGHT.request(ACCOUNT)["Tags"]}

    assert tags == {"ontem": "night", "for-use-with-amazon-emr-managed-policies": "true"}


def test_a_cluster_ends_with_its_job() -> None:
    request = NIGHT.request(ACCOUNT)

    assert request["Instances"]["KeepJobFlowAliveWhenNoSteps"] is False
    assert request["Steps"][0]["ActionOnFailure"] == "TERMINATE_CLUSTER"


def test_a_job_that_hangs_is_ended_with_its_processes(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = {
        "aws": "exit 0",
        "tar": "exit 0",
        "timeout": f'echo "$@" >{tmp_path}/asked',
    }
    for name, text in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    subprocess.run(words, cwd=tmp_path, check=True)

    kill, seconds, command, *_ = (tmp_path / "asked").read_text().split()
    assert (kill, command) == ("--kill-after=300", "spark-submit")
    assert int(seconds) < 24 * 3_600  # gone before the next night


def test_driver_and_executors_run_the_python_of_the_archive(words: list[str]) -> None:
    assert str(NIGHT.package) in words
    assert words[words.index("--archives") + 1] == "environment.tar.gz#environment"
    assert "spark.pyspark.python=./environment/bin/python" in words
    assert "--master" not in words  # that is the cluster's


def test_no_secret_is_handed_on() -> None:
    variables = {name: f"secret of {name}" for name in SECRET_VARIABLES}
    submission = type(NIGHT)(
        **{
            **{name: getattr(NIGHT, name) for name in NIGHT.__slots__},
            "variables": {**NIGHT.variables, **variables},
        }
    )

    sent = json.dumps(submission.request(ACCOUNT))

    assert "secret of" not in sent
    assert not SECRET_VARIABLES & set(HANDED_ON)
    assert "ONTEM_SECRETS=prod/ontem,/prod/redis" in sent
    assert "MAX_STALE_DAYS=3" in sent


def test_the_entry_point_understands_what_it_is_sent(
    words: list[str], ran: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []

    def night(*words: Any) -> driver.Outcome:
        given.append((words, os.environ["ONTEM_SECRETS"], os.environ["ONTEM_STORAGE_URL"]))
        return driver.Outcome(5, "not yet")

    monkeypatch.setattr(driver, "run", night)
    with pytest.raises(SystemExit) as end:
        driver.main(words[words.index("ontem_job.py") + 1 :])

    assert end.value.code == 5
    assert given == [((NIGHT.words,), "prod/ontem,/prod/redis", "s3://bucket/store")]
    (written,) = ran
    assert (written["Bucket"], written["Key"]) == NIGHT.outcome
    assert driver.Outcome.from_json(written["Body"]) == (5, "not yet")


@pytest.mark.parametrize(
    "words",
    [
        ("night", "--as-of", "2026-11-26"),
        ("night", "--backfill", "2026-11-01", "2026-11-26"),
        ("retrain", "--from", "2026-06-01", "--to", "2026-11-26"),
        ("training-set", "--from", "2026-06-01", "--to", "2026-11-26",
         "--labels-as-of", "2026-11-26T03:00:00+00:00"),
    ],
)  # fmt: skip
def test_the_job_understands_its_words(words: tuple[str, ...]) -> None:
    group = driver_group()
    with group.make_context("ontem", list(words)) as context:
        name, command, rest = group.resolve_command(context, list(words))
        assert command is not None
        with command.make_context(name, rest, parent=context) as inner:
            assert any(isinstance(value, date | tuple) for value in inner.params.values())


def driver_group() -> click.Group:
    from jobs.__main__ import main

    assert set(CORE_SECONDS) <= set(JOBS)
    return main


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("night", "--as-of", "soon"), 2, "'soon' is not a day"),
        (("nothing",), 2, "No such command 'nothing'"),
        (("night",), 3, "ONTEM_POSTGRES_URL is not set"),
    ],
)
def test_how_a_job_ended_is_written_with_its_code_and_sentence(
    words: tuple[str, ...],
    code: int,
    sentence: str,
    ran: list[Any],
    tmp_path: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ONTEM_POSTGRES_URL", raising=False)
    with pytest.raises(SystemExit) as end:
        driver.main(["--outcome", "s3://bucket/key", *words])

    outcome = driver.Outcome.from_json(ran[0]["Body"])
    assert end.value.code == outcome.exit_code == code
    assert sentence in (outcome.error or "")


def test_of_a_bug_only_the_kind_is_written(
    ran: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError(BUYER)

    monkeypatch.setattr(click.Group, "invoke", fail)
    with pytest.raises(SystemExit):
        driver.main(["--outcome", "s3://bucket/key", "night"])

    assert driver.Outcome.from_json(ran[0]["Body"]) == (1, "ZeroDivisionError")
    shown = capsys.readouterr().err
    assert 'test_emr_submission.py", line' in shown
    assert BUYER not in shown


def test_a_cluster_grows_with_the_orders() -> None:
    machine = MACHINES["r6i.2xlarge"]

    sizes = [size_for("night", orders, machine) for orders in (1, 10_000_000, 1_000_000_000)]

    assert [size.workers for size in sizes] == [1, 1, 10]
    assert size_for("training-set", 1_000_000_000, machine).workers == 37
    assert size_for("training-set", 10_000_000_000, machine).workers == MOST_NODES
    assert sizes[0].parts == 8 * machine.cores
    assert sizes[2].parts == 1_000_000_000 / ORDERS_OF_A_PART


@pytest.mark.parametrize("name", list(MACHINES))
def test_java_and_python_fit_into_a_machine(name: str) -> None:
    machine = MACHINES[name]
    options = size_for("night", 1, machine).options
    memory = int(options["spark.executor.memory"][:-1])
    memory += int(options["spark.executor.memoryOverhead"][:-1])

    assert machine.memory_mib - 2048 < memory < machine.memory_mib
    assert options["spark.driver.memory"] == options["spark.executor.memory"]


@pytest.mark.parametrize("master", ["yarn", "local-cluster[2,1,1024]", "spark://host:7077"])
def test_a_cluster_is_not_reached_without_spark_submit(
    master: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYSPARK_GATEWAY_PORT", raising=False)
    with pytest.raises(SettingsError, match="`ontem emr submit`"):
        spark_master({"SPARK_MASTER": master})

    monkeypatch.setenv("PYSPARK_GATEWAY_PORT", "1")
    assert spark_master({"SPARK_MASTER": master}) is None


@pytest.mark.parametrize("master", ["local", "local[2]", "local[*]"])
def test_a_master_of_this_process_is_taken(master: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYSPARK_GATEWAY_PORT", raising=False)
    assert spark_master({"SPARK_MASTER": master}) == master
    assert spark_master({}) == spark_master({"SPARK_MASTER": ""}) == "local[*]"
