"""The settings are read once, and what is wrong is named."""

from datetime import timedelta
from pathlib import Path

import pytest

from stores.errors import SettingsError
from stores.settings import Settings, environment_of, find_project

NEEDED = {
    "ONTEM_POSTGRES_URL": "postgresql://ontem:secret@localhost:5432/ontem",
    "ONTEM_REDIS_URL": "redis://:secret@localhost:6379/0",
    "ONTEM_STORAGE_URL": "file:///var/lib/ontem/storage",
    "ONTEM_ENTITY_KEY": "0a" * 32,
}


def some_settings(**changed):
    return Settings.from_environ({**NEEDED, **changed})


def test_what_is_not_set_has_its_default():
    settings = some_settings()

    assert settings.environment == "production"
    assert settings.timezone == "America/Sao_Paulo"
    assert settings.snapshot_lag == timedelta(hours=4)
    assert settings.max_stale_days == 2
    assert settings.label_maturity == timedelta(days=60)
    assert settings.model_path is None
    assert settings.entity_secret == bytes.fromhex("0a" * 32)


def test_every_variable_reaches_its_field():
    settings = some_settings(
        ONTEM_ENVIRONMENT="development",
        BUSINESS_TIMEZONE="America/Manaus",
        SNAPSHOT_LAG_SECONDS="3600",
        MAX_STALE_DAYS="1",
        LABEL_MATURITY_DAYS="7",
        ONTEM_MODEL="models/first",
        ONTEM_LOG_LEVEL="DEBUG",
    )

    assert settings.environment == "development"
    assert settings.timezone == "America/Manaus"
    assert settings.snapshot_lag == timedelta(hours=1)
    assert settings.max_stale_days == 1
    assert settings.label_maturity == timedelta(days=7)
    assert settings.model_path == Path("models/first")
    assert settings.log_level == "DEBUG"


@pytest.mark.parametrize("variable", NEEDED)
@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_missing_variable_is_named_with_its_remedy(variable, value):
    environ = {**NEEDED, variable: value} if value is not None else dict(NEEDED)
    if value is None:
        del environ[variable]

    with pytest.raises(SettingsError, match=f"^{variable} is not set: run `ontem up`"):
        Settings.from_environ(environ)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ONTEM_ENVIRONMENT", "staging"),
        ("ONTEM_STORAGE_URL", "/var/lib/ontem"),
        ("ONTEM_STORAGE_URL", "file://host/folder"),
        ("ONTEM_STORAGE_URL", "s3://[bucket"),
        ("ONTEM_STORAGE_URL", "file:///var/lib/ontem#1"),
        ("BUSINESS_TIMEZONE", "Mars/Olympus"),
        ("BUSINESS_TIMEZONE", "../../etc/passwd"),
        ("SNAPSHOT_LAG_SECONDS", "4h"),
        ("SNAPSHOT_LAG_SECONDS", "-1"),
        ("SNAPSHOT_LAG_SECONDS", "1e3"),
        ("SNAPSHOT_LAG_SECONDS", "86401"),
        ("MAX_STALE_DAYS", "٣"),
        ("MAX_STALE_DAYS", "9" * 5000),
        ("LABEL_MATURITY_DAYS", "sixty"),
        ("ONTEM_LOG_LEVEL", "LOUD"),
    ],
)
def test_a_malformed_variable_is_named_with_its_value(variable, value):
    with pytest.raises(SettingsError) as caught:
        some_settings(**{variable: value})

    assert caught.value.variable == variable
    assert str(caught.value).startswith(f"{variable} is {value!r}: use ")


@pytest.mark.parametrize("url", ["http://[host", "http://host:port", "http://host:0", "host:9000"])
def test_an_address_that_is_no_server_s_is_refused(url):
    with pytest.raises(SettingsError, match=r"^AWS_ENDPOINT_URL is .*: use a URL such as https://"):
        some_settings(ONTEM_STORAGE_URL="s3://bucket/root", AWS_ENDPOINT_URL=url)


@pytest.mark.parametrize("url", ["s3://bucket", "s3://bucket/João 50%/store", "s3://bucket/root/"])
def test_a_bucket_is_a_root(url):
    assert some_settings(ONTEM_STORAGE_URL=url).storage_url == url


@pytest.mark.parametrize(
    "url",
    [
        "s3a://bucket/root",
        "s3:///root",
        "s3://",
        "s3://B/root",
        "s3://bucket:80/root",
        "s3://key@bucket/root",
        "s3://bucket/a#1",
        "s3://b?x",
        "s3://bucket//root",
        "s3://bucket/a//b",
        "s3://bucket/../b",
    ],
)
def test_another_root_is_refused_in_a_clear_sentence(url):
    with pytest.raises(SettingsError, match=r"use a URL such as file:///.* or s3://bucket/folder"):
        some_settings(ONTEM_STORAGE_URL=url)


def test_the_catalogue_is_postgres_unless_it_is_glue():
    assert some_settings().catalogue == "postgres"
    assert some_settings(ONTEM_CATALOGUE="glue").catalogue == "glue"
    with pytest.raises(SettingsError, match="use one of postgres, glue"):
        some_settings(ONTEM_CATALOGUE="hive")


@pytest.mark.parametrize("url", ["localhost:9000", "ftp://here", "http://", "http://here/folder"])
@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"])
def test_an_endpoint_that_is_no_server_is_refused(variable, url):
    with pytest.raises(SettingsError, match=rf"^{variable} is .* use a URL such as https://host"):
        some_settings(**{variable: url})


def test_where_s3_is_comes_from_the_variables_of_every_sdk():
    found = some_settings(
        AWS_ENDPOINT_URL_S3="http://here:1",
        AWS_ENDPOINT_URL="http://there:2",
        AWS_REGION="sa-east-1",
    )
    other = some_settings(AWS_ENDPOINT_URL="http://there:2", AWS_DEFAULT_REGION="us-east-1")

    assert (found.s3_endpoint, found.s3_region) == ("http://here:1", "sa-east-1")
    assert (other.s3_endpoint, other.s3_region) == ("http://there:2", "us-east-1")


@pytest.mark.parametrize("key", ["0a", "0a" * 31 + "zz", "0a" * 33])
def test_a_bad_entity_key_is_refused_and_not_shown(key):
    with pytest.raises(SettingsError, match="64 hexadecimal digits") as caught:
        some_settings(ONTEM_ENTITY_KEY=key)

    assert key not in str(caught.value)


def test_the_keys_of_models_are_read_and_the_secret_one_is_not_shown():
    settings = some_settings(
        ONTEM_MODEL_SIGNING_KEY="0A" * 32, ONTEM_MODEL_VERIFY_KEYS=f"{'01' * 32}, {'02' * 32},"
    )

    assert settings.model_signing_key == b"\x0a" * 32
    assert settings.model_verify_keys == (b"\x01" * 32, b"\x02" * 32)
    assert "model_signing_key" not in repr(settings)
    assert some_settings().model_verify_keys == ()


@pytest.mark.parametrize("variable", ["ONTEM_MODEL_SIGNING_KEY", "ONTEM_MODEL_VERIFY_KEYS"])
@pytest.mark.parametrize("key", ["0a", "0a" * 31 + "zz", f"{'0a' * 32} {'0a' * 32}"])
def test_a_bad_key_of_models_is_refused_and_not_shown(variable, key):
    with pytest.raises(SettingsError, match=f"{variable}.*64 hex.*`ontem models key`") as caught:
        some_settings(**{variable: key})

    assert key not in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "url", "shown", "remedy"),
    [
        ("POSTGRES", "mysql://u:hunter2@localhost/x", "mysql://localhost…", "use a URL such as"),
        ("POSTGRES", "postgresql://u:hunter2@h:70000/x", "postgresql://h…", "use a URL such as"),
        ("POSTGRES", "u:hunter2@localhost:5432/x", "…", "use a URL such as postgresql://"),
        ("POSTGRES", "postgresql://u:hunter2", "postgresql://u…", "use a URL such as"),
        ("POSTGRES", "postgresql://u:hunt#er2@h/x", "postgresql://u…", "use a URL such as"),
        ("POSTGRES", "postgresql://u:hunter2%@h/x", "postgresql://h…", "write a % in it as %25"),
        ("POSTGRES", "postgresql://u@h/x?password=hunter2", "postgresql://h…", "'password' is not"),
        ("POSTGRES", "postgresql://u@h/x?connect_timeout=9", "postgresql://h…", "may have sslmode"),
        ("POSTGRES", "postgresql://u@h/x?sslmode", "postgresql://h…", "use a URL such as"),
        (
            "POSTGRES",
            "postgresql://u@[::1]:5/x?sslmode=disable&sslmode=verify-full",
            "postgresql://[::1]…",
            "'sslmode' appears more than once",
        ),
        ("REDIS", "http://localhost", "http://localhost…", "use a URL such as redis://"),
        ("REDIS", "redis://h/0?password=hunter2", "redis://h…", "'password' is not"),
        ("REDIS", "redis://:hunter2@h/0?max_connections=3", "redis://h…", "may have cluster"),
        ("REDIS", "redis://:a@hunter2@h/zero", "redis://h…", "number of a database"),
        ("REDIS", "redis://h/0?ssl_ca_certs=/ca.pem", "redis://h…", "it may have cluster"),
        ("REDIS", "redis://h/0?cluster=true", "redis://h…", "write cluster=yes"),
        ("REDIS", "redis://h/3?cluster=yes", "redis://h…", "one database: write /0"),
        ("REDIS", "rediss://h/0?ssl_cert_reqs=none", "rediss://h…", "it may have ssl_ca_certs"),
    ],
)
def test_a_refused_url_is_shown_without_anything_that_may_be_its_password(
    variable, url, shown, remedy
):
    name = f"ONTEM_{variable}_URL"
    with pytest.raises(SettingsError) as caught:
        some_settings(**{name: url})

    assert str(caught.value).startswith(f"{name} is {shown!r}: ")
    assert remedy in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("POSTGRES", "postgres://u:a%40b@[::1]:5/x?sslmode=verify-full&sslrootcert=/a%20b/ca.pem"),
        ("POSTGRES", "postgresql://u@h/x?sslcert=/c.pem&sslkey=/k.pem&channel_binding=require"),
        ("REDIS", "redis://h"),
        ("REDIS", "redis://:secret@h:1/15"),
        ("REDIS", "rediss://h/0?ssl_ca_certs=/ca.pem&ssl_certfile=/c.pem&ssl_keyfile=/k.pem"),
        ("REDIS", "redis://h:7000?cluster=yes"),
        ("REDIS", "rediss://:secret@h/0?ssl_ca_certs=/ca.pem&cluster=yes"),
    ],
)
def test_the_options_that_are_honoured_are_taken(variable, url):
    settings = some_settings(**{f"ONTEM_{variable}_URL": url})

    assert url in (settings.postgres_url, settings.redis_url)


def test_secrets_stay_out_of_the_repr():
    text = repr(some_settings())

    assert "secret" not in text
    assert "\\n" not in text
    assert "entity_secret" not in text


def test_the_real_environment_wins_over_the_file_of_the_local_stack(tmp_path):
    (tmp_path / ".ontem").mkdir()
    (tmp_path / ".ontem" / "env").write_text("# ours\nA=file\nB=with=equals\nnonsense\n")

    assert environment_of(tmp_path, {"A": "real"}) == {"A": "real", "B": "with=equals"}


def test_without_a_local_stack_there_is_only_the_real_environment_of(tmp_path):
    assert environment_of(tmp_path, {"A": "real"}) == {"A": "real"}


def test_a_project_is_found_from_any_folder_of_it(tmp_path):
    (tmp_path / ".ontem").mkdir()
    (tmp_path / "docs" / "adr").mkdir(parents=True)

    assert find_project(tmp_path / "docs" / "adr") == tmp_path.resolve()


def test_the_card_key_is_the_entity_key_until_it_has_a_value_of_its_own():
    same, other = (some_settings(ONTEM_CARD_KEY=value) for value in ("", "0b" * 32))

    assert same.card_key == same.entity_secret
    assert (other.card_key, other.entity_secret) == (bytes([11] * 32), same.entity_secret)
    with pytest.raises(SettingsError, match="ONTEM_CARD_KEY is '<5 characters, not shown>'"):
        some_settings(ONTEM_CARD_KEY="short")
