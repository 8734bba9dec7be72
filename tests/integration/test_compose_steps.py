"""Each step of docker-compose.yml may be done again, and says in a sentence why it can't be done.

tests/e2e/test_compose.py does all of them in their order.
"""

import uuid
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from ontem.cli import main
from stores.postgres.connection import connect
from tests.s3 import keys_of


@pytest.fixture
def environ(database_url, redis_url, tmp_path):
    """The environment of a step."""
    return {
        "ONTEM_ENVIRONMENT": "development",
        "ONTEM_POSTGRES_URL": database_url,
        "ONTEM_REDIS_URL": redis_url,
        "ONTEM_STORAGE_URL": (tmp_path / "store").as_uri(),
        "ONTEM_ENTITY_KEY": "0a" * 32,
    }


@pytest.fixture
def step(environ, monkeypatch, tmp_path):
    """Does a step, with some variables changed."""
    monkeypatch.chdir(tmp_path)

    def run(*words, **changed):
        for name in ("ONTEM_MODEL", "ONTEM_ENV_FILE"):
            monkeypatch.delenv(name, raising=False)
        return CliRunner().invoke(main, ["compose", *words], env={**environ, **changed})

    return run


def test_a_bucket_is_made_once(step, s3):
    name = f"ontem-{uuid.uuid4().hex}"
    variables = {**s3.variables, "ONTEM_STORAGE_URL": f"s3://{name}/store"}

    first, again = step("bucket", **variables), step("bucket", **variables)

    assert (first.output, again.output) == (
        f"the bucket {name} is new\n",
        f"the bucket {name} is there already\n",
    )
    assert keys_of(s3, name) == []
    s3.client().delete_bucket(Bucket=name)


@pytest.mark.parametrize(
    "variables",
    [
        {"ONTEM_STORAGE_URL": "file:///nowhere", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
        {"ONTEM_STORAGE_URL": "s3://bucket/store", "AWS_ENDPOINT_URL": ""},
    ],
)
def test_a_bucket_is_not_made_in_a_folder_nor_at_aws(step, variables):
    done = step("bucket", **variables)

    assert done.exit_code == 1
    assert "a bucket is made on a server that AWS_ENDPOINT_URL names" in done.stderr


def test_a_merchant_is_made_once_and_its_key_is_printed_once(step):
    first, again = step("merchant", "loja"), step("merchant", "loja")

    introduction, key = first.output.splitlines()
    assert introduction == "the merchant loja is new. Its API key, which is not shown again:"
    assert key.startswith("ontem_")
    assert again.output == (
        "the merchant loja is there already; one more key for it is what "
        "`ontem merchant rotate loja` prints\n"
    )


def test_a_name_that_no_merchant_can_have_is_a_sentence(step):
    done = step("merchant", " ")

    assert done.exit_code == 1
    assert "a merchant can't be called ' '" in done.stderr


def test_made_up_orders_are_not_mixed_with_those_of_a_shop(step, environ):
    step("merchant", "loja")
    url = environ["ONTEM_POSTGRES_URL"]
    file = "own.csv"
    with open(file, "w") as out:  # noqa: PTH123  in the folder of the test
        out.write(f"order_id,event_at,amount_cents\n1,{datetime.now(UTC).isoformat()},100\n")
    CliRunner().invoke(main, ["import", file, "--merchant", "loja"], env=environ)

    done = step("history", "--merchant", "loja", "--orders", "1000", "--days", "30")

    assert done.output == "there are orders already: no made-up ones are imported\n"
    with connect(url, application_name="test") as connection:
        assert connection.execute("SELECT count(*) FROM orders").fetchall() == [(1,)]


def test_a_history_ends_now_and_leaves_no_file(step, environ, tmp_path):
    step("merchant", "loja")

    done = step("history", "--merchant", "loja", "--orders", "1000", "--days", "30")

    assert "1,000 orders and" in done.output
    with connect(environ["ONTEM_POSTGRES_URL"], application_name="test") as connection:
        ((newest,),) = connection.execute("SELECT now() - max(event_at) FROM orders").fetchall()
    assert newest.days == 0
    assert list(tmp_path.rglob("*.parquet")) == []


def test_a_history_of_a_merchant_that_is_not_there_is_a_sentence(step):
    done = step("history", "--merchant", "loja", "--orders", "1000", "--days", "30")

    assert done.exit_code == 1
    assert "there is no merchant 'loja'" in done.stderr


def test_a_model_needs_a_place(step):
    done = step("model")

    assert done.exit_code == 1
    assert done.stderr.startswith("ontem: ONTEM_MODEL is not set: set it to the folder")


def test_a_model_needs_orders(step, tmp_path):
    done = step("model", ONTEM_MODEL=str(tmp_path / "model"))

    assert done.exit_code == 1
    assert done.stderr.startswith("ontem: there is no order to train a model on: run")


def test_a_model_that_is_there_stays(step, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "manifest.json").write_text("{}")

    done = step("model", ONTEM_MODEL=str(tmp_path / "model"))

    assert done.output == f"there is a model in {tmp_path / 'model'}\n"
