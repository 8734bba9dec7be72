"""ONTEM_SECRETS: variables from Secrets Manager and Systems Manager, by name."""

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner

from jobs.exit_codes import exit_code
from jobs.secrets import with_secrets
from ontem.cli import main
from stores.errors import SettingsError
from tests.s3 import S3Server

URL = "postgresql://ontem:very-secret@host/ontem"
Put = Callable[[str, str], str]


@pytest.fixture
def put(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Put:
    """Stores a secret under a new name, which it returns; / makes it a parameter."""
    for name, value in s3.variables.items():
        monkeypatch.setenv(name, value)
    secrets: Any = boto3.client("secretsmanager")
    parameters: Any = boto3.client("ssm")

    def store(start: str, value: str) -> str:
        name = f"{start}ontem/{uuid.uuid4().hex}"
        if start == "/":
            parameters.put_parameter(Name=name, Value=value, Type="SecureString")
        else:
            secrets.create_secret(Name=name, SecretString=value)
        return name

    return store


def test_a_secret_of_each_kind_completes_the_variables(put: Put) -> None:
    names = [
        put("", json.dumps({"ONTEM_POSTGRES_URL": URL, "ONTEM_ENTITY_KEY": "00"})),
        put("/", "# of Redis\nONTEM_REDIS_URL = redis://:a=b@host:1/0\n"),
    ]
    environ = {"AWS_REGION": "sa-east-1", "ONTEM_SECRETS": " , ".join(names)}

    found = with_secrets(environ, {})

    assert found == {
        **environ,
        "ONTEM_POSTGRES_URL": URL,
        "ONTEM_ENTITY_KEY": "00",
        "ONTEM_REDIS_URL": "redis://:a=b@host:1/0",
    }


def test_the_real_environment_wins_over_a_secret_and_a_secret_over_a_file(put: Put) -> None:
    name = put("", json.dumps({"MAX_STALE_DAYS": "1", "LABEL_MATURITY_DAYS": "1"}))
    real = {"MAX_STALE_DAYS": "2", "ONTEM_SECRETS": name, "AWS_REGION": "sa-east-1"}
    environ = {"LABEL_MATURITY_DAYS": "3", **real}

    found = with_secrets(environ, real)

    assert (found["MAX_STALE_DAYS"], found["LABEL_MATURITY_DAYS"]) == ("2", "1")


def test_without_a_name_nothing_is_asked() -> None:
    assert with_secrets({"ONTEM_SECRETS": " "}, {}) == {"ONTEM_SECRETS": " "}


@pytest.mark.parametrize("name", ["ontem/no-such", "/ontem/no-such"])
@pytest.mark.usefixtures("put")
def test_a_secret_that_is_not_there_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match=f"ONTEM_SECRETS is '{name}': AWS does not") as refused:
        with_secrets({"ONTEM_SECRETS": name, "AWS_REGION": "sa-east-1"}, {})

    assert exit_code(refused.value) == 3


@pytest.mark.parametrize("value", ['{"ONTEM_POSTGRES_URL": "very-secret"', '{"a": 1}', "secret"])
def test_a_malformed_secret_is_named_and_not_shown(put: Put, value: str) -> None:
    name = put("", value)

    with pytest.raises(SettingsError, match="a JSON object of texts by variable") as refused:
        with_secrets({"ONTEM_SECRETS": name, "AWS_REGION": "sa-east-1"}, {})

    assert "secret" not in str(refused.value).replace("ONTEM_SECRETS", "")


def test_a_process_without_credentials_is_told_so(
    put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = put("", "{}")
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(variable)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")

    with pytest.raises(SettingsError, match="NoCredentialsError"):
        with_secrets({"ONTEM_SECRETS": name, "AWS_REGION": "sa-east-1"}, {})


def test_jobs_and_imports_read_their_settings_from_secrets(
    put: Put, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text("order_id,event_at\n")
    monkeypatch.chdir(tmp_path)
    values = {"ONTEM_POSTGRES_URL": "postgresql://a@127.0.0.1:1/a", "ONTEM_ENTITY_KEY": "0a" * 32}
    values |= {"ONTEM_REDIS_URL": "redis://127.0.0.1:1", "ONTEM_STORAGE_URL": "file:///nowhere"}
    runner = CliRunner(env={"ONTEM_SECRETS": put("", json.dumps(values))})

    for words in (["nights"], ["import", "a.csv", "--merchant", "m"]):
        ended = runner.invoke(main, words)
        assert ended.exit_code == 4, ended.output
        assert "127.0.0.1:1" in ended.output
