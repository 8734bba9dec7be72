"""The secrets of a stack of containers are made once, and never shown."""

import stat

import pytest
from click.testing import CliRunner

from ontem.cli import main
from ontem.compose.secrets import READERS, folder_of
from ontem.variables import fixed_variables
from stores.settings import Settings, environment_of

ADDRESSES = (
    "--postgres",
    "postgres:5432",
    "--redis",
    "redis:6379",
    "--storage",
    "s3://bucket/store",
)


@pytest.fixture
def folder(tmp_path):
    """An empty volume for all variables, beside one for each kind of container."""
    for reader in READERS:
        folder_of(reader, tmp_path / "secrets").mkdir()
    (tmp_path / "secrets").mkdir()
    return tmp_path / "secrets"


def make(folder, *options):
    return CliRunner().invoke(main, ["compose", "secrets", str(folder), *(options or ADDRESSES)])


def contents(folder):
    """The text of each file, by the reader and its name."""
    return {
        f"{path.parent.name.removeprefix('secrets-')}/{path.name}": path.read_text()
        for path in folder.parent.glob("*/*")
    }


def variables(folder, reader=None):
    path = folder if reader is None else folder_of(reader, folder)
    return environment_of(path, {"ONTEM_ENV_FILE": str(path / "env")})


@pytest.mark.parametrize("reader", [None, "steps", "service"])
def test_a_file_of_variables_has_what_every_process_needs(folder, reader):
    assert make(folder).exit_code == 0

    settings = Settings.from_environ(variables(folder, reader))

    assert settings.postgres_url.endswith("@postgres:5432/ontem")
    assert settings.redis_url.endswith("@redis:6379/0")
    assert settings.storage_url == "s3://bucket/store"
    assert settings.environment == "development"
    assert settings.model_verify_keys
    assert bool(settings.model_signing_key) is (reader is None)


def test_the_key_that_signs_is_with_all_variables_alone_and_the_service_has_none_of_s3(folder):
    make(folder)

    known = variables(folder)
    of_s3 = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
    assert fixed_variables("s3://bucket/store", {}).keys() | of_s3 <= known.keys()
    of_others = {"ONTEM_MODEL_SIGNING_KEY", "ONTEM_SERVICE_LOGIN"}
    assert known.keys() - variables(folder, "steps").keys() == of_others
    assert known.keys() - variables(folder, "service").keys() == of_others | of_s3
    login = known["ONTEM_SERVICE_LOGIN"]
    of_service = variables(folder, "service")
    assert of_service["ONTEM_POSTGRES_URL"] == f"postgresql://{login}@postgres:5432/ontem"
    for name, text in contents(folder).items():
        if name != "secrets/env":
            assert known["ONTEM_MODEL_SIGNING_KEY"] not in text
        if name.startswith(("postgres/", "redis/", "s3/")):
            assert known["ONTEM_ENTITY_KEY"] not in text


def test_the_servers_read_the_same_secrets_from_files_of_their_own(folder):
    make(folder)

    known, files = variables(folder), contents(folder)
    assert f"ontem:{files['postgres/password']}@" in known["ONTEM_POSTGRES_URL"]
    assert known["ONTEM_SERVICE_LOGIN"] == f"ontem_service:{files['postgres/service']}"
    assert f":{files['redis/password']}@" in known["ONTEM_REDIS_URL"]
    assert files["redis/redis.conf"] == f"requirepass {files['redis/password']}\n"
    assert files["postgres/admin"] not in files["secrets/env"]
    assert files["s3/s3.properties"].splitlines() == [
        f"s3proxy.identity={known['AWS_ACCESS_KEY_ID']}",
        f"s3proxy.credential={known['AWS_SECRET_ACCESS_KEY']}",
    ]


def test_what_is_shared_with_the_servers_is_theirs_alone_to_read(folder):
    make(folder)

    modes = {
        f"{path.parent.name}/{path.name}": stat.S_IMODE(path.stat().st_mode)
        for path in folder.parent.glob("*/*")
    }
    assert modes == {
        "secrets/env": 0o600,
        "secrets-steps/env": 0o600,
        "secrets-service/env": 0o600,
        "secrets-s3/s3.properties": 0o600,
        "secrets-postgres/password": 0o644,
        "secrets-postgres/service": 0o644,
        "secrets-postgres/admin": 0o644,
        "secrets-redis/password": 0o644,
        "secrets-redis/redis.conf": 0o644,
    }


def test_a_second_call_changes_nothing(folder):
    make(folder)
    before = contents(folder)

    done = make(folder)

    assert done.output == f"{folder} has all secrets already\n"
    assert contents(folder) == before


@pytest.mark.parametrize(
    "lost",
    ["postgres/password", "redis/redis.conf", "s3/s3.properties", "postgres/admin", "service/env"],
)
def test_a_call_that_was_killed_is_completed(folder, lost):
    make(folder)
    before = contents(folder)
    (folder.parent / f"secrets-{lost}").unlink()

    done = make(folder)

    assert done.output == f"{folder}: wrote secrets-{lost}\n"
    after = contents(folder)
    assert after.keys() == before.keys()
    assert all(after[name] == before[name] for name in after if name != "postgres/admin")


def test_an_empty_file_of_a_secret_is_written_again(folder):
    make(folder)
    (folder_of("postgres", folder) / "admin").write_text("")

    assert make(folder).output == f"{folder}: wrote secrets-postgres/admin\n"
    assert len(contents(folder)["postgres/admin"]) == 32


@pytest.mark.parametrize(
    "variable",
    [
        "ONTEM_POSTGRES_URL",
        "ONTEM_REDIS_URL",
        "ONTEM_SERVICE_LOGIN",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    ],
)
@pytest.mark.parametrize("instead", ["", "=x\n", "=http://[\n"])
def test_a_secret_that_servers_have_is_not_made_anew(folder, variable, instead):
    make(folder)
    lines = contents(folder)["secrets/env"].splitlines(keepends=True)
    others = [line for line in lines if not line.startswith(f"{variable}=")]
    is_plain = not variable.endswith("_URL")
    line = "" if is_plain or not instead else variable + instead
    (folder / "env").write_text("".join(others) + line)
    before = contents(folder)

    done = make(folder)

    assert done.exit_code == 1
    assert f"does not have {variable} with its secret any more" in done.stderr
    assert contents(folder) == before


def test_a_lost_file_of_variables_is_not_made_anew(folder):
    make(folder)
    (folder / "env").unlink()

    done = make(folder)

    assert done.exit_code == 1
    assert "put the line back, or remove all by" in done.stderr
    assert not (folder / "env").exists()


def test_a_variable_that_a_newer_version_needs_is_added_and_the_others_stay(folder):
    make(folder)
    before = contents(folder)
    kept = [
        line
        for line in before["secrets/env"].splitlines()
        if not line.startswith("ONTEM_ENTITY_KEY")
    ]
    (folder / "env").write_text("\n".join([*kept, "ONTEM_LOG_LEVEL=DEBUG\n"]))

    assert (
        make(folder).output
        == f"{folder}: wrote secrets/env, secrets-steps/env, secrets-service/env\n"
    )

    lines = contents(folder)["secrets/env"].splitlines()
    assert {*kept, "ONTEM_LOG_LEVEL=DEBUG"} <= set(lines)
    assert any(line.startswith("ONTEM_ENTITY_KEY=") for line in lines)


def test_other_addresses_keep_the_passwords(folder):
    make(folder)
    password = contents(folder)["postgres/password"]

    moved = (
        "--postgres",
        "elsewhere:5433",
        "--redis",
        "redis:6379",
        "--storage",
        "s3://bucket/store",
    )

    assert (
        make(folder, *moved).output
        == f"{folder}: wrote secrets/env, secrets-steps/env, secrets-service/env\n"
    )
    assert f":{password}@elsewhere:5433/ontem" in contents(folder)["secrets/env"]


def test_no_secret_is_printed(folder):
    done = make(folder)

    secrets = [line.split("=", 1)[1] for line in contents(folder)["secrets/env"].splitlines()[1:]]
    names = ("postgres/password", "postgres/admin", "redis/password")
    passwords = [contents(folder)[name] for name in names]
    assert done.output.startswith(f"{folder}: wrote secrets/env, secrets-postgres/admin")
    assert not [each for each in [*secrets, *passwords] if len(each) > 12 and each in done.output]


@pytest.mark.parametrize("missing", ["secrets", "secrets-service"])
def test_a_folder_that_is_not_there_is_a_sentence_and_nothing_is_written(folder, missing):
    (folder.parent / missing).rmdir()

    done = make(folder)

    assert done.exit_code == 1
    assert done.stderr == (
        f"ontem: the secrets can't be kept in {folder.parent / missing} "
        "(No such file or directory): mount a volume there that this user may write\n"
    )
    assert contents(folder) == {}


def test_a_file_of_variables_that_was_broken_by_hand_is_a_sentence(folder):
    make(folder)
    (folder / "env").write_text("hunter2\n")

    done = make(folder)

    assert done.exit_code == 3
    assert "line 1 is not KEY=VALUE" in done.stderr
    assert "hunter2" not in done.output


@pytest.mark.parametrize("address", ["postgres", "postgres:0", "postgres:70000", "u@h:5432", ":1"])
def test_what_is_not_an_address_is_refused(folder, address):
    done = make(folder, "--postgres", address, *ADDRESSES[2:])

    assert done.exit_code == 2
    assert f"{address!r} is not an address; write it like postgres:5432" in done.stderr


def test_what_is_not_a_store_is_refused(folder):
    done = make(folder, *ADDRESSES[:4], "--storage", "bucket/store")

    assert done.exit_code == 2
    assert "'bucket/store' is not the URL of an offline store: use a URL such as" in done.stderr
