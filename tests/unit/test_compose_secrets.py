"""The secrets of a stack of containers are made once, and never shown."""

import stat

import pytest
from click.testing import CliRunner

from ontem.cli import main
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


def make(folder, *options):
    return CliRunner().invoke(main, ["compose", "secrets", str(folder), *(options or ADDRESSES)])


def contents(folder):
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_the_file_of_variables_has_what_every_process_needs(tmp_path):
    assert make(tmp_path).exit_code == 0

    environ = environment_of(tmp_path, {"ONTEM_ENV_FILE": str(tmp_path / "env")})
    settings = Settings.from_environ(environ)

    assert settings.postgres_url.endswith("@postgres:5432/ontem")
    assert settings.redis_url.endswith("@redis:6379/0")
    assert settings.storage_url == "s3://bucket/store"
    assert settings.environment == "development"
    assert {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} <= environ.keys()
    assert fixed_variables("s3://bucket/store", {}).keys() <= environ.keys()


def test_the_servers_read_the_same_secrets_from_files_of_their_own(tmp_path):
    make(tmp_path)

    variables = environment_of(tmp_path, {"ONTEM_ENV_FILE": str(tmp_path / "env")})
    files = contents(tmp_path)
    assert f"ontem:{files['postgres']}@" in variables["ONTEM_POSTGRES_URL"]
    assert f":{files['redis']}@" in variables["ONTEM_REDIS_URL"]
    assert files["redis.conf"] == f"requirepass {files['redis']}\n"
    assert files["postgres-admin"] not in files["env"]
    assert files["s3.properties"].splitlines() == [
        f"s3proxy.identity={variables['AWS_ACCESS_KEY_ID']}",
        f"s3proxy.credential={variables['AWS_SECRET_ACCESS_KEY']}",
    ]


def test_what_is_shared_with_the_servers_is_theirs_alone_to_read(tmp_path):
    make(tmp_path)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {
        "env": 0o600,
        "s3.properties": 0o600,
        "postgres": 0o644,
        "postgres-admin": 0o644,
        "redis": 0o644,
        "redis.conf": 0o644,
    }


def test_a_second_call_changes_nothing(tmp_path):
    make(tmp_path)
    before = contents(tmp_path)

    done = make(tmp_path)

    assert done.output == f"{tmp_path} has all secrets already\n"
    assert contents(tmp_path) == before


@pytest.mark.parametrize("lost", ["postgres", "redis.conf", "s3.properties", "postgres-admin"])
def test_a_call_that_was_killed_is_completed(tmp_path, lost):
    make(tmp_path)
    before = contents(tmp_path)
    (tmp_path / lost).unlink()

    done = make(tmp_path)

    assert done.output == f"{tmp_path}: wrote {lost}\n"
    after = contents(tmp_path)
    assert after.keys() == before.keys()
    assert all(after[name] == before[name] for name in after if name != "postgres-admin")


def test_an_empty_file_of_a_secret_is_written_again(tmp_path):
    make(tmp_path)
    (tmp_path / "postgres-admin").write_text("")

    assert make(tmp_path).output == f"{tmp_path}: wrote postgres-admin\n"
    assert len(contents(tmp_path)["postgres-admin"]) == 32


@pytest.mark.parametrize(
    "variable",
    ["ONTEM_POSTGRES_URL", "ONTEM_REDIS_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
)
@pytest.mark.parametrize("instead", ["", "=x\n", "=http://[\n"])
def test_a_secret_that_servers_have_is_not_made_anew(tmp_path, variable, instead):
    make(tmp_path)
    lines = contents(tmp_path)["env"].splitlines(keepends=True)
    others = [line for line in lines if not line.startswith(f"{variable}=")]
    is_plain = variable.startswith("AWS_")
    line = "" if is_plain or not instead else variable + instead
    (tmp_path / "env").write_text("".join(others) + line)
    before = contents(tmp_path)

    done = make(tmp_path)

    assert done.exit_code == 1
    assert f"does not have {variable} with its secret any more" in done.stderr
    assert contents(tmp_path) == before


def test_a_lost_file_of_variables_is_not_made_anew(tmp_path):
    make(tmp_path)
    (tmp_path / "env").unlink()

    done = make(tmp_path)

    assert done.exit_code == 1
    assert "put the line back, or remove all by" in done.stderr
    assert not (tmp_path / "env").exists()


def test_a_variable_that_a_newer_version_needs_is_added_and_the_others_stay(tmp_path):
    make(tmp_path)
    before = contents(tmp_path)
    kept = [line for line in before["env"].splitlines() if not line.startswith("ONTEM_ENTITY_KEY")]
    (tmp_path / "env").write_text("\n".join([*kept, "ONTEM_LOG_LEVEL=DEBUG\n"]))

    assert make(tmp_path).output == f"{tmp_path}: wrote env\n"

    lines = contents(tmp_path)["env"].splitlines()
    assert {*kept, "ONTEM_LOG_LEVEL=DEBUG"} <= set(lines)
    assert any(line.startswith("ONTEM_ENTITY_KEY=") for line in lines)


def test_other_addresses_keep_the_passwords(tmp_path):
    make(tmp_path)
    password = contents(tmp_path)["postgres"]

    moved = (
        "--postgres",
        "elsewhere:5433",
        "--redis",
        "redis:6379",
        "--storage",
        "s3://bucket/store",
    )

    assert make(tmp_path, *moved).output == f"{tmp_path}: wrote env\n"
    assert f":{password}@elsewhere:5433/ontem" in contents(tmp_path)["env"]


def test_no_secret_is_printed(tmp_path):
    done = make(tmp_path)

    secrets = [line.split("=", 1)[1] for line in contents(tmp_path)["env"].splitlines()[1:]]
    passwords = [contents(tmp_path)[name] for name in ("postgres", "postgres-admin", "redis")]
    assert done.output.startswith(f"{tmp_path}: wrote env, postgres-admin")
    assert not [each for each in [*secrets, *passwords] if len(each) > 12 and each in done.output]


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path):
    done = make(tmp_path / "no" / "volume")

    assert done.exit_code == 1
    assert done.stderr == (
        f"ontem: the secrets can't be kept in {tmp_path / 'no' / 'volume'} "
        "(No such file or directory): mount a volume there that this user may write\n"
    )


def test_a_file_of_variables_that_was_broken_by_hand_is_a_sentence(tmp_path):
    make(tmp_path)
    (tmp_path / "env").write_text("hunter2\n")

    done = make(tmp_path)

    assert done.exit_code == 3
    assert "line 1 is not KEY=VALUE" in done.stderr
    assert "hunter2" not in done.output


@pytest.mark.parametrize("address", ["postgres", "postgres:0", "postgres:70000", "u@h:5432", ":1"])
def test_what_is_not_an_address_is_refused(tmp_path, address):
    done = make(tmp_path, "--postgres", address, *ADDRESSES[2:])

    assert done.exit_code == 2
    assert f"{address!r} is not an address; write it like postgres:5432" in done.stderr


def test_what_is_not_a_store_is_refused(tmp_path):
    done = make(tmp_path, *ADDRESSES[:4], "--storage", "bucket/store")

    assert done.exit_code == 2
    assert "'bucket/store' is not the URL of an offline store: use a URL such as" in done.stderr
