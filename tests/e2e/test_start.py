"""What `ontem serve` refuses to start for, and what it starts without and tells."""

import json
import shutil
import socket
from pathlib import Path

import pytest
import redis

from stores.postgres.migrate import migrate
from tests.e2e.conftest import environment_of
from tests.e2e.running import refused_start, running_service

NOTHING_THERE = "127.0.0.1:1"


@pytest.fixture
def environ(service_database_url: str, redis_url: str, model_folder: Path) -> dict[str, str]:
    """A development environment whose Redis is empty."""
    return environment_of(service_database_url, redis_url, model_folder)


def degraded_lines(log: Path) -> list[dict[str, str]]:
    """What a start said that it does without."""
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == "degraded"]


def test_without_its_stores_it_starts_and_tells_what_is_missing_without_a_password(
    environ: dict[str, str], tmp_path: Path
):
    environ["ONTEM_POSTGRES_URL"] = f"postgresql://ana:secret@{NOTHING_THERE}/db"
    environ["ONTEM_REDIS_URL"] = f"redis://:secret@{NOTHING_THERE}/3"
    with running_service(environ, tmp_path / "log") as service:
        ready = service.client().send("GET", "/readyz")
        states = service.client().send("GET", "/statusz").body["states"]
    degraded = degraded_lines(tmp_path / "log")

    assert ready.status == 200
    told = {line["part"]: line["state"] for line in degraded}
    assert told == {"postgresql": "away", "redis": "away", "snapshot": "away"}
    assert told.items() <= {part: state["state"] for part, state in states.items()}.items()
    assert "secret" not in (tmp_path / "log").read_text()


def test_without_a_published_snapshot_it_starts_and_says_which_night_to_run(
    environ: dict[str, str], tmp_path: Path
):
    with running_service(environ, tmp_path / "log") as service:
        assert service.client().send("GET", "/readyz").status == 200
    degraded = degraded_lines(tmp_path / "log")

    (line,) = degraded
    assert (line["part"], line["state"]) == ("snapshot", "none is published")
    assert "ontem night --as-of 20" in line["remedy"]


def test_a_snapshot_of_other_timelines_does_not_count(environ: dict[str, str], tmp_path: Path):
    with redis.Redis.from_url(environ["ONTEM_REDIS_URL"]) as client:
        client.set("o:000000000000:loads", b"\x91")
    with running_service(environ, tmp_path / "log") as service:
        states = service.client().send("GET", "/statusz").body["states"]

    assert states["snapshot"]["state"] == "none is published"


def test_a_model_of_other_settings_is_refused(environ: dict[str, str], tmp_path: Path):
    environ["SNAPSHOT_LAG_SECONDS"] = "7200"
    code, output = refused_start(environ, tmp_path)

    assert code != 0
    assert "python -m jobs train" in output
    assert "Traceback" not in output


def test_a_model_that_was_changed_is_refused(
    environ: dict[str, str], model_folder: Path, tmp_path: Path
):
    folder = tmp_path / "model"
    shutil.copytree(model_folder, folder)
    with (folder / "model.pickle").open("ab") as pickle:
        pickle.write(b"\0")
    environ["ONTEM_MODEL"] = str(folder)
    code, output = refused_start(environ, tmp_path)

    assert code == 9
    assert "sha256" in output


def test_a_model_that_is_not_there_is_refused(environ: dict[str, str], tmp_path: Path):
    environ["ONTEM_MODEL"] = str(tmp_path / "nowhere")
    code, output = refused_start(environ, tmp_path)

    assert code != 0
    assert "Traceback" not in output


def test_a_database_without_a_schema_is_to_be_migrated(
    environ: dict[str, str], empty_database_url: str, tmp_path: Path
):
    environ["ONTEM_POSTGRES_URL"] = empty_database_url
    code, output = refused_start(environ, tmp_path)

    assert code != 0
    assert "ontem migrate" in output


def test_production_settings_refuse_a_development_database(environ: dict[str, str], tmp_path: Path):
    environ["ONTEM_ENVIRONMENT"] = "production"
    code, output = refused_start(environ, tmp_path)

    assert code != 0
    assert "was migrated as development" in output


def test_development_settings_refuse_a_production_database(
    environ: dict[str, str], empty_database_url: str, tmp_path: Path
):
    migrate(empty_database_url, environment="production")
    environ["ONTEM_POSTGRES_URL"] = empty_database_url
    code, output = refused_start(environ, tmp_path)

    assert code != 0
    assert "was migrated as production" in output


def test_a_port_that_is_taken_is_told_instead_of_serving(environ: dict[str, str], tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        code, output = refused_start(environ, tmp_path, address)

    assert code == 4
    assert output.startswith(
        f"ontem: the service can't listen on {address} (Address already in use)"
    )
    assert output.count("\n") == 1


def test_a_variable_that_is_missing_is_named(environ: dict[str, str], tmp_path: Path):
    del environ["ONTEM_REDIS_URL"]
    code, output = refused_start(environ, tmp_path)

    assert code != 0
    assert "ONTEM_REDIS_URL is not set" in output
