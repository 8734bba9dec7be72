"""`POST /evaluate` is answered before Flask, and answered as Flask alone would answer it."""

import io
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import Headers
from werkzeug.test import run_wsgi_app

from service import body, log
from service.app import create_app
from service.log_lines import Lines
from service.metrics import metering
from service.shortcut import Shortcut
from stores.policy import Policy
from stores.postgres.api_keys import ApiKey
from stores.postgres.connection import connect
from stores.postgres.issued_keys import issue_key
from stores.postgres.merchants import add_merchant
from tests.e2e.in_process import Stores, executing, noon_of, standing_clocks
from tests.e2e.published import OnlineStore
from tests.e2e.running import TIMEOUT_SECONDS

NOON = noon_of(2018, 6, 1)
A_KEY = ApiKey.new().text
"""One that nobody has."""

Environ = dict[str, Any]


def sent(content: bytes = b"", **environ: Any) -> Environ:
    """What gunicorn makes of a request; a value that is None was not sent."""
    its = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/evaluate",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8080",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost:8080",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(content)),
        "HTTP_X_REQUEST_ID": "loja-000001",
        "wsgi.input": io.BytesIO(content),
        "wsgi.input_terminated": True,
        "wsgi.url_scheme": "http",
        **environ,
    }
    return {name: value for name, value in its.items() if value is not None}


def order(order_id: str = "o-1", **fields: Any) -> bytes:
    content = {"order_id": order_id, "amount_cents": 1990, "document": "52998224725", **fields}
    return json.dumps(content).encode()


CONTENTS = (
    *(order(), order(), order(amount_cents=2), order(placed_at="2018-06-01")),
    *(b"", b"{", b"[]", b"\xff", order("\0"), order(extra=1), b"[" * 60_000),
    *(order() + b" " * (size - len(order())) for size in (65_536, 65_537, 100_000)),
)
ODD_VALUES: dict[str, tuple[Any, ...]] = {
    "REQUEST_METHOD": (
        *("GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "post", "BREW"),
    ),
    "PATH_INFO": (
        *("/evaluate/", "//evaluate", "/evaluate//", "/Evaluate", "/evaluate;a", "/evaluate/.."),
        *("/", "", "/evaluat\xe9", "/evaluate\n", "/livez", "/docs", None),
    ),
    "SCRIPT_NAME": ("/evaluate", "/x"),
    "QUERY_STRING": ("order_id=o-1&a=%ff",),
    "HTTP_HOST": (
        *(None, "", "localhost", "LOCALHOST:80", "loja.com.br:99999", "loja:x", "[::1]:80"),
        *("a b", "a_b", "a" * 63, "a" * 64, "a" * 63 + ".b", "a..b", ".a", "a.", "\xe9", "xn--a"),
        "loja\n",
    ),
    "HTTP_UPGRADE": ("websocket", "h2c"),
    "HTTP_CONNECTION": ("upgrade", "close"),
    "CONTENT_TYPE": (
        *(None, "", "text/plain", "APPLICATION/JSON", "application/json;charset=UTF8"),
        *("application/json; charset=latin-1", "multipart/form-data; boundary=a"),
    ),
    "CONTENT_LENGTH": (None, "", "0", "7", "100000", "x", "-1"),
    "HTTP_CONTENT_ENCODING": ("identity", "gzip", "Identity, gzip"),
    "HTTP_AUTHORIZATION": (
        *(None, "", "Bearer", "Basic YTpi", "Bearer ontem_x", "Bearer \xe9"),
        *(f"Bearer {A_KEY}", f"bearer{A_KEY}", f"Bearer {A_KEY},Bearer {A_KEY}"),
    ),
    "HTTP_ONTEM_VERSION": ("2026-11-26", "", "2018-01-01", "2026-11-26,2026-11-26"),
    "HTTP_IDEMPOTENCY_KEY": ("k-1", "", "a b", "k-1,k-2", "k" * 256),
    "HTTP_ONTEM_CLOCK": ("2018-06-01T15:00:00Z", "2018-06-01", "", "9999-12-31T23:59:59-10:00"),
    "HTTP_X_REQUEST_ID": (None, "", "short", "52998224725", "a" * 65),
    "ontem.request_id": ("of-the-server",),
    "ontem.received": (1e9,),
}
ODD_TOGETHER: tuple[Environ, ...] = (
    {"SCRIPT_NAME": "/evaluate", "PATH_INFO": ""},
    {"HTTP_CONNECTION": "keep-alive, Upgrade", "HTTP_UPGRADE": "WebSocket"},
    {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": None},
    {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": None, "wsgi.input_terminated": None},
    *({"CONTENT_LENGTH": length, "wsgi.input_terminated": None}
      for length in ODD_VALUES["CONTENT_LENGTH"]),
)  # fmt: skip


def requests() -> Iterator[Environ]:
    """Usual and odd ones, in an order in which some depend on those before."""
    for content in CONTENTS:
        yield sent(content)
    for name, values in ODD_VALUES.items():
        for value in values:
            yield sent(order(), **{name: value})
            yield sent(order(f"{name} {value}"), **{name: value})
            yield sent(b"[]", **{name: value})
    for together in ODD_TOGETHER:
        yield sent(order(), **together)


@dataclass
class Way:
    """An application, its own merchant, and what its answers, log and counts show."""

    application: Callable[..., Any]
    key: str
    log: Path
    answers: list[Any] = field(default_factory=list)

    def send(self, environ: Environ) -> None:
        own_key = {"HTTP_AUTHORIZATION": f"Bearer {self.key}"}
        before, counts = len(self.log.read_bytes()), counted()
        chunks, status, headers = run_wsgi_app(self.application, {**own_key, **environ})
        lines = self.log.read_bytes()[before:]
        self.answers.append(
            [
                described(environ),
                status,
                masked(environ, str(list(Headers(headers)))),
                masked(environ, b"".join(chunks).decode()),
                masked(environ, lines.decode()),
                dict(counted() - counts),
            ]
        )


def described(environ: Environ) -> str:
    usual = sent()
    odd = {name: value for name, value in environ.items() if value != usual.get(name)}
    content = environ["wsgi.input"].getvalue()[:60]
    return str([{k: str(v)[:80] for k, v in odd.items() if k != "wsgi.input"}, content])


def masked(environ: Environ, text: str) -> str:
    """`text` without what is new in each answer."""
    text = re.sub(r'"ms":[0-9]{1,5}[.][0-9]+', '"ms":0', text)
    text = re.sub(r'"merchant_id":[0-9]+', '"merchant_id":0', text)
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "an evaluation", text)
    return re.sub(r"\b[0-9a-f]{32}\b", "a new request id", text)


def counted() -> Counter[str]:
    """What metrics count; not what they measure."""
    return Counter(
        {
            f"{sample.name} {sample.labels}": int(sample.value)
            for metric in metering.metrics().registry.collect()
            for sample in metric.samples
            if sample.name.endswith(("_total", "_count"))
        }
    )


@pytest.fixture
def ways(
    stores: Stores, online: OnlineStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Way, Way, Callable[[str], list[Any]]]]:
    """Flask alone, and the whole application; and the database."""
    online.publish(date(2018, 6, 1))
    lines = tmp_path / "log"
    descriptor = os.open(lines, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    monkeypatch.setattr(log, "_lines", Lines(descriptor))
    monkeypatch.setattr(log, "_least_severity", 0)
    dependencies = stores.process(standing_clocks(NOON)).dependencies()
    dependencies.start()
    dependencies.settle(TIMEOUT_SECONDS)
    application = create_app(dependencies)
    assert isinstance(application.wsgi_app, Shortcut)
    with connect(stores.postgres_url, application_name="test", autocommit=True) as database:
        flask, both = (
            Way(way, issue_key(database, add_merchant(database, name, Policy())).text, lines)
            for name, way in (
                ("loja a", lambda *request: Flask.wsgi_app(application, *request)),
                ("loja b", application),
            )
        )
        yield flask, both, executing(database)
    dependencies.close()
    os.close(descriptor)


def test_flask_alone_answers_each_request_alike(ways: tuple[Way, Way, Any]):
    flask, both, _ = ways
    for way in (flask, both):
        for environ in requests():
            way.send(environ)

    for alone, answer in zip(flask.answers, both.answers, strict=True):
        assert answer == alone
    statuses = {answer[1][:3] for answer in flask.answers}
    assert statuses >= {"200", "400", "401", "404", "405", "409", "413", "415", "422"}


def test_flask_alone_answers_what_fails_alike(
    ways: tuple[Way, Way, Any], monkeypatch: pytest.MonkeyPatch
):
    flask, both, execute = ways
    for way in (flask, both):
        way.send(sent(order("before")))
    execute("ALTER TABLE evaluations RENAME TO evaluations_away")
    for way in (flask, both):
        way.send(sent(order("unstored")))
    monkeypatch.setattr(body, "parse", lambda *_: 1 // 0)
    for way in (flask, both):
        way.send(sent(order("a bug")))

    assert both.answers == flask.answers
    assert [answer[1][:3] for answer in both.answers] == ["200", "503", "500"]
