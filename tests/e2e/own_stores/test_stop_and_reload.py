"""A service that is told to stop, or to load its model anew."""

import shutil
import signal
from pathlib import Path

from stores.postgres.api_keys import ApiKey
from tests.e2e.conftest import environment_of
from tests.e2e.in_process import Stores, until
from tests.e2e.running import TIMEOUT_SECONDS, RunningService, running_service


def test_a_service_that_is_told_to_stop_first_says_that_it_is_not_ready(
    stores: Stores, tmp_path: Path
):
    environ = environment_of(stores.postgres_url, stores.redis_url, stores.model_folder)
    with running_service(environ, tmp_path / "log", "--drain-seconds", "600") as service:
        client = service.client(ApiKey.new().text)
        assert client.send("GET", "/readyz").status == 200
        service.process.send_signal(signal.SIGTERM)
        ready = until(lambda: client.send("GET", "/readyz"), lambda answer: answer.status == 503)

        assert ready.body["checks"]["drain"]["state"] == "draining"
        assert ready.headers["connection"] == "close"
        assert client.send("GET", "/livez").status == 200
        assert client.evaluate({}).status == 422  # it still answers
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(TIMEOUT_SECONDS) == 0


def test_a_drain_ends_by_itself(stores: Stores, tmp_path: Path):
    environ = environment_of(stores.postgres_url, stores.redis_url, stores.model_folder)
    with running_service(environ, tmp_path / "log", "--drain-seconds", "1") as service:
        service.process.send_signal(signal.SIGTERM)

        assert service.process.wait(TIMEOUT_SECONDS) == 0


def test_a_new_model_is_served_after_a_hup_unless_it_is_refused(
    stores: Stores, model_folder: Path, tmp_path: Path
):
    folder = tmp_path / "model"
    shutil.copytree(model_folder, folder)
    environ = environment_of(stores.postgres_url, stores.redis_url, folder)
    pickle = (folder / "model.pickle").read_bytes()
    with running_service(environ, tmp_path / "log") as service:
        (folder / "model.pickle").write_bytes(pickle + b"\0")
        service.process.send_signal(signal.SIGHUP)
        refused = wait_for_model(service, "its successor is refused")
        ready = service.client().send("GET", "/readyz")

        assert "a-test-model serves" in refused["state"]
        assert "sha256" in refused["remedy"]
        assert ready.status == 200

        (folder / "model.pickle").write_bytes(pickle)
        service.process.send_signal(signal.SIGHUP)
        assert wait_for_model(service, "ok") == {"state": "ok"}


def test_a_hup_serves_the_model_that_the_file_of_settings_names_by_now(
    stores: Stores, model_folder: Path, tmp_path: Path
):
    good, bad, file = tmp_path / "good", tmp_path / "bad", tmp_path / "env"
    shutil.copytree(model_folder, good)
    shutil.copytree(model_folder, bad)
    (bad / "manifest.sig").unlink()
    environ = environment_of(stores.postgres_url, stores.redis_url, good)
    del environ["ONTEM_MODEL"]
    environ["ONTEM_ENV_FILE"] = str(file)
    file.write_text(f"ONTEM_MODEL={good}\n")
    with running_service(environ, tmp_path / "log") as service:
        for line, sentence in (
            (f"ONTEM_MODEL={bad}", "manifest.sig can't be read"),
            ("ONTEM_MODEL", "line 1 is not KEY=VALUE"),
        ):
            file.write_text(f"{line}\n")
            service.process.send_signal(signal.SIGHUP)
            assert sentence in wait_for_model(service, "", sentence)["remedy"]

        file.write_text(f"ONTEM_MODEL={good}\n")
        service.process.send_signal(signal.SIGHUP)
        assert wait_for_model(service, "ok") == {"state": "ok"}


def wait_for_model(service: RunningService, words: str, remedy: str = "") -> dict[str, str]:
    """The state of the model once a process answers that was made after the HUP."""
    return until(
        lambda: service.client().send("GET", "/statusz").body["states"]["model"],
        lambda state: words in state["state"] and remedy in state.get("remedy", ""),
    )
