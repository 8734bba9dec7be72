"""What deploy/kubernetes starts, as plain processes: migration, service and night."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from features_pkg.definitions.feature_set import FeatureSet
from jobs.exit_codes import REPEATED
from stores.postgres.connection import connect
from stores.postgres.runs import RunRow, newest_runs
from stores.urls import with_login
from tests.class_archive import spark_java
from tests.delivery.kustomize import pod_of, render, the
from tests.delivery.pods import PROJECT, a_container
from tests.e2e.conftest import SECRET, a_shop
from tests.e2e.in_process import until
from tests.e2e.running import Client, RunningService
from tests.integration.history import History
from tests.model_keys import TRUST
from tests.s3 import VARIABLES, S3Server, a_bucket, keys_of
from tests.servers import service_login

KUBERNETES = PROJECT / "deploy" / "kubernetes"
MANIFESTS = render(KUBERNETES / "overlays" / "production") + render(
    KUBERNETES / "components" / "night"
)
PATIENCE = {
    # A busy machine is neither a state of a store nor a fault of it.
    "ONTEM_HEALTH_TIMEOUT_MS": "30000",
    "ONTEM_DEADLINE_MS": "10000",
    "ONTEM_STATEMENT_TIMEOUT_MS": "4000",
}
UNREACHED = {**VARIABLES, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
"""An S3 that would be refused a connection."""


@pytest.fixture
def secrets(empty_database_url: str, redis_url: str) -> dict[str, str]:
    """What is in the Secret `ontem`, for a database that the migration has made."""
    found = {
        "ONTEM_POSTGRES_URL": empty_database_url,
        "ONTEM_REDIS_URL": redis_url,
        "ONTEM_ENTITY_KEY": SECRET.hex(),
        **TRUST,
    }
    with a_container(MANIFESTS, "Job", "migrate", found) as migration:
        done = migration.run()
    assert done.returncode == 0, done.stderr
    assert "as production" in done.stdout
    return found


def of_service(secrets: dict[str, str]) -> dict[str, str]:
    """What is in the Secret `ontem-service`."""
    url = secrets["ONTEM_POSTGRES_URL"]
    return {**secrets, "ONTEM_POSTGRES_URL": with_login(url, service_login(url))}


@pytest.fixture
def model(model_folder: Path, tmp_path: Path) -> Iterator[str]:
    """A model where a user may read it who is not the one of the tests."""
    folder = Path("/tmp") / f"ontem-model-{os.getpid()}"  # noqa: S108  pytest's folders are closed
    shutil.copytree(model_folder, folder)
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755)
    yield str(folder)
    shutil.rmtree(folder)


@pytest.fixture
def service(secrets: dict[str, str], model: str, tmp_path: Path) -> Iterator[RunningService]:
    """The Deployment's container, once its start-up probe has succeeded."""
    (spec,) = pod_of(the(MANIFESTS, "Deployment", "service"))["containers"]
    with (
        a_container(
            MANIFESTS,
            "Deployment",
            "service",
            of_service(secrets),
            ONTEM_MODEL=model,
            **TRUST,
            **PATIENCE,
        ) as pod,
        socket.create_server(("127.0.0.1", 0)) as listening,
    ):
        os.set_inheritable(listening.fileno(), True)
        address = f"0.0.0.0:{spec['ports'][0]['containerPort']}"
        log = tmp_path / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                pod.on_socket(listening, address),
                stdout=output,
                stderr=output,
                pass_fds=(listening.fileno(),),
                **pod.options,
            )
        running = RunningService(process, listening.getsockname()[1], log)
        try:
            path = spec["startupProbe"]["httpGet"]["path"]
            assert running.client().send("GET", path).status == 200, log.read_text()
            yield running
        finally:
            process.kill()
            process.wait()


def probe(client: Client, name: str) -> int:
    """The status that a probe of the Deployment gets."""
    (container,) = pod_of(the(MANIFESTS, "Deployment", "service"))["containers"]
    return client.send("GET", container[name]["httpGet"]["path"]).status


def test_the_service_is_ready_then_drains_within_the_grace_period(
    service: RunningService, secrets: dict[str, str], features: FeatureSet
) -> None:
    with connect(secrets["ONTEM_POSTGRES_URL"], application_name="test", autocommit=True) as found:
        client = a_shop(service, found, features).client
    assert [probe(client, name) for name in ("livenessProbe", "readinessProbe")] == [200, 200]

    service.process.send_signal(signal.SIGTERM)
    assert until(lambda: probe(client, "readinessProbe"), lambda status: status == 503) == 503
    assert probe(client, "livenessProbe") == 200  # else it would be killed while it drains
    assert client.evaluate({"order_id": "o1", "amount_cents": 1990}).status == 200

    client.connection.close()
    grace = pod_of(the(MANIFESTS, "Deployment", "service"))["terminationGracePeriodSeconds"]
    assert service.process.wait(grace) == 0, service.log.read_text()


def two_newest_runs(postgres_url: str) -> list[RunRow]:
    with connect(postgres_url, application_name="test", autocommit=True) as database:
        return newest_runs(database, 2)


def test_a_night_is_published_and_a_second_one_of_the_day_changes_nothing(
    secrets: dict[str, str], s3: S3Server
) -> None:
    url = the(MANIFESTS, "ConfigMap", "ontem")["data"]["ONTEM_STORAGE_URL"]
    bucket = url.removeprefix("s3://").partition("/")[0]
    postgres_url = secrets["ONTEM_POSTGRES_URL"]
    History(postgres_url).order(datetime.now(UTC) - timedelta(days=3), card="c1")
    on_this_machine = {**s3.variables, **spark_java(), "SPARK_MASTER": "local[2]"}
    with (
        a_bucket(s3, bucket),
        a_container(MANIFESTS, "CronJob", "night", secrets, **on_this_machine) as pod,
    ):
        for done in (pod.run(), pod.run()):
            assert done.returncode == 0, done.stdout + done.stderr
        if len({run.day for run in two_newest_runs(postgres_url)}) > 1:
            pod.run()  # midnight came in between
        stored = keys_of(s3, bucket, "store/")

    assert [run.outcome for run in two_newest_runs(postgres_url)] == ["unchanged", "done"]
    assert any(key.endswith(".parquet") for key in stored)


def test_a_night_whose_redis_is_away_ends_with_a_code_after_which_it_is_started_again(
    secrets: dict[str, str],
) -> None:
    secrets = {**secrets, "ONTEM_REDIS_URL": "redis://127.0.0.1:1/0"}
    with a_container(MANIFESTS, "CronJob", "night", secrets, **UNREACHED) as pod:
        done = pod.run()

    assert done.returncode in REPEATED, done.stdout + done.stderr


def test_a_migration_on_a_database_of_another_environment_is_given_up(
    database_url: str, redis_url: str
) -> None:
    secrets = {
        "ONTEM_POSTGRES_URL": database_url,  # migrated as development
        "ONTEM_REDIS_URL": redis_url,
        "ONTEM_ENTITY_KEY": SECRET.hex(),
        **TRUST,
    }
    with a_container(MANIFESTS, "Job", "migrate", secrets) as pod:
        done = pod.run()

    assert done.returncode not in {0, *REPEATED}
    assert len(done.stderr.splitlines()) == 1
