"""An older model, whose signature is good, does not come back unless somebody means it."""

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.models.manifest import ModelManifest
from service.app import create_app
from service.model_age import ModelAge
from service.states import OK, UNKNOWN
from stores.postgres.connection import connect
from stores.postgres.served_models import let_serve_again, newer_model, record_served
from tests.e2e.a_model import a_manifest, copy_as
from tests.e2e.conftest import environment_of
from tests.e2e.in_process import Stores, a_service, the_start, until
from tests.e2e.running import PROJECT, RunningService, running_service

MAY, JUNE, JULY = (datetime(2018, month, 1, 12, tzinfo=UTC) for month in (5, 6, 7))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, model_folder: Path) -> dict[str, Path]:
    """The folders of models of May and of June, by their names; oldest first."""
    root = tmp_path_factory.mktemp("models")
    for name, built_at in (("of-may", MAY), ("of-june", JUNE)):
        copy_as(model_folder, root / name, name, built_at)
    return {name: root / name for name in ("of-may", "of-june")}


def client_of(stores: Stores, folder: Path) -> FlaskClient:
    """A client of a new process that serves the model in that folder."""
    process = replace(stores, model_folder=folder).process()
    return create_app(process.dependencies()).test_client()


def readiness(client: FlaskClient) -> tuple[int, dict[str, str]]:
    """The status of `/readyz`, and what it says of the model."""
    answer = client.get("/readyz")
    return answer.status_code, answer.get_json()["checks"]["model"]


def roll_back(stores: Stores, name: str) -> str:
    """What `ontem models roll-back` prints where that model is configured."""
    environ = environment_of(stores.postgres_url, stores.redis_url, stores.model_folder)
    command = [sys.executable, "-m", "ontem", "models", "roll-back", name]
    done = subprocess.run(
        command, env={**os.environ, **environ}, cwd=PROJECT, capture_output=True, check=False
    )
    return (done.stdout + done.stderr).decode()


def test_a_fresh_host_does_not_serve_an_older_model_until_somebody_means_it(
    stores: Stores, folders: dict[str, Path]
) -> None:
    (older, old_folder), (newer, new_folder) = folders.items()
    assert readiness(client_of(stores, old_folder)) == (200, {"state": "ok"})
    assert readiness(client_of(stores, new_folder)) == (200, {"state": "ok"})
    back = replace(stores, model_folder=old_folder)

    sentence = the_start(back)
    assert sentence.startswith(f"the model {older}, of a training set of 2018-05-01 12:00Z, is old")
    assert f"than {newer}, which has served" in sentence
    assert f"`ontem models roll-back {older}`" in sentence
    client = client_of(stores, old_folder)
    status, state = readiness(client)
    assert status == 503
    assert sentence.startswith(state["state"])

    assert roll_back(back, older) == (
        f"{older} may serve again in the place of {newer}: start the service with it\n"
    )
    assert readiness(client) == (200, {"state": "ok"})
    assert the_start(back) == ""
    assert roll_back(back, older) == f"{older} may serve already: nothing was done\n"
    assert "there is no model 'x' in" in roll_back(back, "x")


def test_a_process_of_the_old_model_stays_ready_while_a_newer_one_is_rolled_out(
    stores: Stores, folders: dict[str, Path]
) -> None:
    old_folder, new_folder = folders.values()
    old = client_of(stores, old_folder)

    assert readiness(old)[0] == 200
    assert readiness(client_of(stores, new_folder))[0] == 200
    assert readiness(old)[0] == 200


def test_a_hup_does_not_bring_an_older_model_back_until_somebody_means_it(
    stores: Stores, folders: dict[str, Path], tmp_path: Path
) -> None:
    (older, old_folder), (newer, new_folder) = folders.items()
    folder = tmp_path / "model"
    environ = environment_of(stores.postgres_url, stores.redis_url, folder)
    shutil.copytree(new_folder, folder)
    with running_service(environ, tmp_path / "log") as service:

        def after_hup(state: str) -> dict[str, str]:
            service.process.send_signal(signal.SIGHUP)
            return until(lambda: model_of(service), lambda it: state in it["state"])

        shutil.copytree(old_folder, folder, dirs_exist_ok=True)
        refused = after_hup("its successor is refused")
        assert refused["state"].startswith(f"{newer} serves")
        assert f"is older than {newer}, which has served" in refused["remedy"]
        assert service.client().send("GET", "/readyz").status == 200

        roll_back(replace(stores, model_folder=folder), older)
        assert after_hup("ok") == {"state": "ok"}
    assert f'"event":"model loaded","model":"{older}"' in (tmp_path / "log").read_text()


def model_of(service: RunningService) -> dict[str, str]:
    states = service.client().send("GET", "/statusz").body["states"]
    return dict(states["model"])


def test_where_postgresql_does_not_answer_a_hup_compares_with_what_is_served(
    stores: Stores, folders: dict[str, Path], tmp_path: Path
) -> None:
    (older, old_folder), (newer, new_folder) = folders.items()
    folder = tmp_path / "model"
    shutil.copytree(new_folder, folder)
    model = replace(stores, model_folder=folder).process().model

    shutil.copytree(old_folder, folder, dirs_exist_ok=True)
    model.reload(lambda _: UNKNOWN)
    assert model.served_model.model.manifest.name == newer
    assert f"is older than {newer}" in model.refusal

    model.reload(lambda _: OK)
    assert (model.age.manifest.name, model.refusal) == (older, "")
    shutil.copytree(new_folder, folder, dirs_exist_ok=True)
    model.reload(lambda _: UNKNOWN)
    assert (model.age.manifest.name, model.refusal) == (newer, "")
    assert not model.age.is_confirmed


def test_a_start_without_postgresql_serves_and_asks_later(
    stores: Stores, folders: dict[str, Path]
) -> None:
    age = ModelAge(a_manifest(FeatureSet("UTC", stores.health_timeout)))
    nowhere = replace(stores, postgres_url="postgresql://nobody@127.0.0.1:1/none")

    process = replace(nowhere, model_folder=next(iter(folders.values()))).process()

    assert process._ask_age(age) == UNKNOWN
    assert not age.is_confirmed


def test_no_order_is_scored_by_a_model_that_postgresql_was_not_asked_about(
    stores: Stores, folders: dict[str, Path]
) -> None:
    """As after a start while PostgreSQL was away; nobody has asked for `/readyz` since."""
    (older, old_folder), (_, new_folder) = folders.items()
    with a_service(replace(stores, model_folder=new_folder)) as newest:
        assert newest.evaluate("o1").status_code == 200
        back = replace(stores, model_folder=old_folder)
        newest.client = back.process().application().test_client()
        for _ in range(2):
            refused = newest.evaluate("o2")
            assert refused.status_code == 503
            assert refused.get_json()["code"] == "model_outdated"
            assert refused.headers["retry-after"] == "1"
        assert newest.stored("model", "o2") == []

        roll_back(back, older)
        assert newest.evaluate("o2").status_code == 200
        assert newest.stored("model", "o2") == [(older,)]


def test_who_may_serve_after_whom(database_url: str, features: FeatureSet) -> None:
    def of(name: str, built_at: datetime) -> ModelManifest:
        return replace(a_manifest(features), name=name, training_set_built_at=built_at)

    may, june, sister, july = of("a", MAY), of("b", JUNE), of("c", JUNE), of("d", JULY)
    with connect(database_url, application_name="test", autocommit=True) as session:

        def refused() -> str:
            return "".join(
                each.name for each in (may, june, sister, july) if newer_model(session, each)
            )

        def serves(model: ModelManifest) -> str:
            record_served(session, model)
            return refused()

        assert refused() == ""
        assert serves(june) == "a"
        assert serves(sister) == "a"
        let_serve_again(session, may, allowed_by="somebody")
        assert refused() == ""
        assert serves(june) == ""  # a process of the model before starts again meanwhile
        assert serves(july) == "abc"
        let_serve_again(session, june, allowed_by="somebody")
        assert refused() == "ac"
        ((rows,),) = session.execute(
            "SELECT string_agg(name, '' ORDER BY served_id) FROM served_models"
        )
        assert rows == "badb"
