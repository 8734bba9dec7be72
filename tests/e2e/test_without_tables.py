"""What serves needs neither Arrow nor Spark nor a developer's tools; what needs them says so."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from features_pkg.definitions.feature_set import FeatureSet
from stores.postgres.connection import connect
from tests.e2e.conftest import NOON, a_shop, environment_of, fresh_store
from tests.e2e.running import running_service
from tests.without import DEVELOPMENT, TABLES, python_path_without


def test_the_service_starts_and_scores_without_them(
    service_database_url: str,
    redis_url: str,
    model_folder: Path,
    features: FeatureSet,
    tmp_path: Path,
):
    fresh_store(redis_url, features)
    environ = environment_of(service_database_url, redis_url, model_folder)
    environ["PYTHONPATH"] = python_path_without(tmp_path, TABLES + DEVELOPMENT)

    with (
        running_service(environ, tmp_path / "log") as service,
        connect(service_database_url, application_name="test", autocommit=True) as database,
    ):
        answer = a_shop(service, database, features).evaluate(
            {"order_id": "o1", "amount_cents": 1990, "card": "c", "items": []}, NOON
        )

    assert answer.status == 200, answer.content
    assert 0 <= answer.body["score"] <= 1


def ontem(folder: Path, *words: str, without: tuple[str, ...]) -> tuple[int, str]:
    """The exit code of a command, and what it says, where `without` is not installed."""
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": python_path_without(folder, without),
        "ONTEM_ENVIRONMENT": "development",
        "ONTEM_POSTGRES_URL": "postgresql://nobody@127.0.0.1:1/none",
        "ONTEM_REDIS_URL": "redis://127.0.0.1:1/0",
        "ONTEM_STORAGE_URL": f"file://{folder}",
        "ONTEM_ENTITY_KEY": bytes(range(32)).hex(),
        "ONTEM_CARD_KEY": bytes(range(32)).hex(),
    }
    done = subprocess.run(
        [sys.executable, "-m", "ontem", *words],
        cwd=folder, env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("words", "library"),
    [
        (["train", "--training-set", "1"], "pyiceberg"),
        (["import", "--help"], "pyarrow"),
        (["migrate"], "alembic"),  # imported when it runs, not when it is found
    ],
)
def test_a_command_without_its_extra_says_which_one_to_install(tmp_path, words, library):
    code, said = ontem(tmp_path, *words, without=TABLES)

    assert said == (
        f"ontem: `{words[0]}` needs {library}, which is not installed: "
        'install the extra `jobs`, as in `pip install "ontem[jobs]"`\n'
    )
    assert code == 3


def test_the_service_without_its_extra_says_so(tmp_path):
    code, said = ontem(tmp_path, "serve", without=("flask", "gunicorn", *TABLES))

    assert "`serve` needs " in said
    assert "install the extra `service`" in said
    assert code == 3


def test_the_local_stack_is_no_extra(tmp_path):
    code, said = ontem(tmp_path, "up", without=DEVELOPMENT)

    assert said.endswith("not installed: it runs in a checkout only, after `make setup`\n")
    assert code == 3


def test_what_works_on_tables_says_what_it_needs(tmp_path):
    program = "import features_pkg; features_pkg.CATALOGUE; features_pkg.point_in_time"
    environ = {"PYTHONPATH": python_path_without(tmp_path, TABLES)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=False
    )

    assert "features_pkg.point_in_time needs pyarrow, which is not installed" in done.stderr
    assert "ontem[jobs]" in done.stderr


@pytest.mark.parametrize(
    ("extra", "rooms", "without"),
    [
        ("service", ("features_pkg.models", "service"), (*TABLES, *DEVELOPMENT)),
        ("jobs", ("features_pkg", "stores", "jobs"), ("flask", "gunicorn", *DEVELOPMENT)),
    ],
)
def test_an_extra_has_what_its_rooms_and_commands_import(tmp_path, extra, rooms, without):
    program = f"""
import importlib, pkgutil
from ontem.cli import COMMANDS
names = [entry.module for entry in COMMANDS.values() if entry.extra == {extra!r}]
for room in {rooms!r}:
    path = importlib.import_module(room).__path__
    names += [found.name for found in pkgutil.walk_packages(path, room + ".")]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
print(len(names))
"""
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": python_path_without(tmp_path, without)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20
