"""docker-compose.yml brings up all of Ontem: each of its commands is run, without containers.

The tests go on with one stack, in their order.
"""

import csv
import json
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from stores.env_file import read_env_file
from tests.containers.compose_file import PROJECT, ComposeFile
from tests.containers.rehearsal import Rehearsal, StepFailed
from tests.containers.shell import Shell
from tests.e2e.running import Client, HttpAnswer

UP = "docker compose up -d --build"
KEY = re.compile(r"ontem_[0-9a-f]+_[0-9a-f]+")
SLOW_CLIENTS = 24
"""More than the service has threads, and than it lets wait."""
SERVERS = ["postgres", "redis", "s3", "service", "proxy"]


@pytest.fixture(scope="module")
def shell() -> Iterator[Shell]:
    """A fresh checkout after its first `up`."""
    stack = Rehearsal(ComposeFile(PROJECT / "docker-compose.yml"))
    try:
        shell = Shell(stack)
        shell.do(UP)
        yield shell
    finally:
        stack.remove()


@pytest.fixture(scope="module")
def key(shell: Shell) -> str:
    """The key that the first `up` has printed."""
    return shell.do("docker compose logs --no-log-prefix merchant").splitlines()[-1]


def secrets_of(shell: Shell) -> dict[str, str]:
    return read_env_file(shell.stack.volume("secrets") / "env")


def rows(shell: Shell, query: str) -> list[tuple[object, ...]]:
    url = secrets_of(shell)["ONTEM_POSTGRES_URL"]
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(query.encode())
        return cursor.fetchall() if cursor.description else []


def score(shell: Shell, key: str, order_id: str) -> HttpAnswer:
    order = json.loads((PROJECT / "docs" / "order.json").read_bytes())
    client = Client(shell.stack.port("proxy"), key)
    return client.evaluate({**order, "order_id": order_id})


@pytest.mark.slow
def test_the_first_up_ends_with_a_scored_order_through_the_proxy(shell: Shell, key: str):
    answer = score(shell, key, "first")

    assert shell.outcome.started == SERVERS
    assert answer.status == 200, answer.content
    assert 0 <= answer.body["score"] <= 1
    assert (answer.body["degraded"], answer.body["stale"]) == (False, False)
    assert "Caddy" in answer.headers["via"]


def test_the_proxy_keeps_the_metrics_inside(shell: Shell, key: str):
    paths = ("/metrics", "//metrics", "/%6detrics", "/METRICS", "/metrics?x=1")
    outside, inside = Client(shell.stack.port("proxy"), ""), Client(shell.stack.port("service"), "")

    assert [outside.send("GET", path).status for path in paths] == [404] * len(paths)
    assert inside.send("GET", "/metrics").status == 200


def test_every_secret_is_made_and_none_is_printed_but_the_merchant_s_key_once(
    shell: Shell, key: str
):
    said = "".join(shell.outcome.printed.values()) + "".join(map(shell.stack.log, SERVERS))
    files = ("secrets-postgres/admin", "secrets-postgres/password", "secrets-redis/password")
    made = [shell.stack.volume(name).read_text() for name in files]
    made += [text for name, text in secrets_of(shell).items() if name.endswith("_KEY")]

    assert KEY.findall(said) == [key]
    assert len(set(made)) == len(made) >= 5
    assert [each for each in made if each in said] == []


def test_the_model_has_learnt_and_the_snapshot_is_that_of_the_due_day(shell: Shell, key: str):
    manifest = json.loads(
        (shell.stack.volume("model") / "current" / "manifest.json").read_text(encoding="utf-8")
    )
    answer = score(shell, key, "due").body

    # Of the made-up orders of the days up to now: some fifty chargebacks in the test part, so the
    # area is known to 0.04.
    assert manifest["metrics"]["roc_auc"] > 0.5
    assert answer["model"] == manifest["name"]
    assert f"night of {answer['as_of']}" in shell.outcome.printed["night"]


def test_spark_has_its_files_on_a_volume_of_its_container(shell: Shell, key: str):
    for name in ("night", "model"):
        (scratch,) = (each for each in shell.stack.file.services[name].mounts if each.is_anonymous)
        assert list(shell.stack.volume(scratch.source).glob("ontem-spark-*"))


def test_clients_that_drip_their_bytes_keep_nobody_waiting(shell: Shell, key: str):
    head = (
        f"POST /evaluate HTTP/1.1\r\nHost: ontem\r\nAuthorization: Bearer {key}\r\n"
        "Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{"
    )
    address = ("127.0.0.1", shell.stack.port("proxy"))
    with ExitStack() as connections:
        slow = [
            connections.enter_context(socket.create_connection(address, timeout=60))
            for _ in range(SLOW_CLIENTS)
        ]
        for each in slow:
            each.sendall(head.encode())

        answers = []
        for number in range(8):
            for each in slow:
                each.sendall(b" ")
            answers.append(score(shell, key, f"beside slow ones {number}").status)

    assert answers == [200] * 8


@pytest.mark.parametrize(("size", "status"), [(65_536, 400), (65_537, 413)])
def test_the_proxy_takes_the_bodies_that_the_service_takes(shell: Shell, key, size, status):
    client = Client(shell.stack.port("proxy"), key)

    assert client.evaluate(b"{" + b" " * (size - 1)).status == status


def test_the_root_and_the_checkout_are_not_written(shell: Shell):
    written = {
        path
        for name in ("images", "mounts", "checkout")
        for path in (shell.stack.folder / name).rglob("*")
        if path.lstat().st_mode & 0o222 and path.is_dir() and path.stat().st_uid == 10001
    }

    assert written == set()
    assert not list((shell.stack.folder / "checkout").iterdir())


def test_an_import_a_night_and_a_training_last(shell: Shell, key: str):
    with shell.stack.checkout.joinpath("orders.csv").open("w", newline="") as file:
        at = datetime.now(UTC) - timedelta(days=3)
        rows_ = [("order_id", "event_at", "amount_cents", "email")]
        rows_ += [(f"own-{n}", at.isoformat(), 1000, "ana@example.com") for n in range(3)]
        csv.writer(file).writerows(rows_)

    night = shell.do("docker compose run --rm jobs night")
    imported = shell.do(
        "docker compose run --rm jobs import /data/orders.csv --merchant shop "
        "--rejects /tmp/orders.rejects.csv"
    )
    trained = shell.do(
        "docker compose run --rm jobs train --training-set 1 --output /var/lib/ontem/model/second"
    )
    shell.do("docker compose stop")

    assert "3 orders and 0 chargebacks new" in imported
    assert " is published" in night
    assert re.search("^model ", trained, re.MULTILINE)
    assert (shell.stack.volume("model") / "second" / "manifest.json").is_file()


def test_up_again_does_nothing_twice_and_serves_what_it_is_told_to(shell: Shell, key: str):
    before = shell.outcome.printed

    shell.do("ONTEM_MODEL_NAME=second docker compose up -d")

    said = shell.outcome.printed
    assert shell.outcome.started == SERVERS
    assert said["secrets"].endswith("has all secrets already\n")
    assert said["bucket"] == "the bucket ontem is there already\n"
    assert said["merchant"].startswith("the merchant shop is there already")
    assert said["history"] == "there are orders already: no made-up ones are imported\n"
    assert said["model"].startswith("there is a model in ")
    if said["night"].splitlines()[0] == before["night"].splitlines()[0]:  # it is the same day
        assert "the orders it was built from have changed since: run `ontem unp" in said["night"]
    assert KEY.findall("".join(said.values())) == []
    assert rows(shell, "SELECT count(*) FROM orders WHERE order_id LIKE 'g%'") == [(10_000,)]
    assert rows(shell, "SELECT count(*) FROM orders WHERE order_id LIKE 'own-%'") == [(3,)]
    assert score(shell, key, "first").headers["idempotent-replayed"] == "true"
    assert score(shell, key, "later").body["score"] is not None


def test_the_page_shows_the_lines_that_were_done_here(shell: Shell, key: str):
    page = (PROJECT / "docs" / "delivery.md").read_text(encoding="utf-8")
    section = page.split("\n## Compose\n")[1].split("\n## ")[0]
    shown = re.findall(r"^(?:\w+=\w+ )?docker compose .*$", section, re.MULTILINE)

    assert len(shown) >= 6
    assert set(shown) <= set(shell.lines)


def test_a_volume_of_an_older_schema_is_brought_up_to_date(shell: Shell, key: str):
    rows(shell, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")

    listed = shell.stack.run("jobs", "merchant", "list")

    assert listed == ""
    assert rows(shell, "SELECT count(*) FROM orders") == [(0,)]


def test_a_volume_of_a_newer_schema_is_a_sentence_and_nothing_more_is_started(
    shell: Shell, key: str
):
    shell.stack.stop("proxy", "service")
    rows(shell, "UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(StepFailed) as failed:
        shell.stack.up()

    assert (failed.value.service, failed.value.exit_code) == ("migrate", 4)
    assert "has schema revision 9999, which is newer than this program's" in failed.value.output
    assert len(failed.value.output.splitlines()) == 1
    assert not shell.stack.is_up("service")


def test_a_volume_that_is_broken_ends_in_the_words_of_its_server(shell: Shell, key: str):
    shell.stack.stop("postgres")
    for version in shell.stack.volume("postgres").rglob("PG_VERSION"):
        version.write_text("7\n")

    with pytest.raises(StepFailed) as failed:
        shell.stack.up()

    assert failed.value.service == "postgres"
    assert "database files are incompatible with server" in failed.value.output
    assert not shell.stack.is_up("service")
