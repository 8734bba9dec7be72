"""An HTTP proxy in front of an S3 server: it writes down each call, and misbehaves on demand."""

import http.client
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

Fault = Literal["500", "503", "403", "reset", "silent", "upload lost"]
"""`reset` ends the connection before the server has the call. `silent` lets the server do it and
gives no answer until the client gives up."""

ERRORS = {
    "500": (500, "InternalError"),
    "503": (503, "SlowDown"),
    "403": (403, "AccessDenied"),
    "upload lost": (404, "NoSuchUpload"),
}
NOT_PASSED_ON = ("connection", "transfer-encoding", "expect", "keep-alive")


@dataclass(frozen=True, slots=True)
class S3Call:
    """One request to S3: `key` is decoded and empty for a call about the bucket."""

    method: str
    bucket: str
    key: str
    query: dict[str, str]
    body: bytes = field(default=b"", repr=False)
    copies: str = ""

    @property
    def is_write(self) -> bool:
        return self.method in ("PUT", "POST", "DELETE")

    def completes(self, ending: str, folder: str = "") -> bool:
        """Whether the call completes the upload of a file of that ending below a folder."""
        is_last = self.method == "POST" and "uploadId" in self.query
        return is_last and self.key.endswith(ending) and f"/{folder}" in self.key


@dataclass(slots=True)
class Rule:
    """What happens to the calls that `matches` takes, at most `times` times."""

    fault: Fault
    matches: Callable[[S3Call], bool]
    times: int
    hits: int = 0


class S3Proxy:
    """Forwards to the S3 server at `target`, a URL, and keeps the calls in order."""

    def __init__(self, target: str) -> None:
        self.calls: list[S3Call] = []
        self.rules: list[Rule] = []
        self.reached = threading.Event()
        """Set when a call is here that `hold_at` names; it gets no answer."""
        self._target = urlsplit(target).netloc
        self.hides: Callable[[S3Call], bool] | None = None
        """Of which keys the caller may not learn that they are not there: he gets 403 for 404."""
        self._holds_at: Callable[[S3Call], bool] | None = None
        self._lock = threading.Lock()
        proxy = self

        class Handler(_Handler):
            of = proxy

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def endpoint(self) -> str:
        """The URL under which clients find the server through this proxy."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def fail(
        self, fault: Fault, matches: Callable[[S3Call], bool] = lambda _: True, *, times: int = 1
    ) -> Rule:
        """Let the next calls that match fail in this way."""
        rule = Rule(fault, matches, times)
        self.rules.append(rule)
        return rule

    def hold_at(self, matches: Callable[[S3Call], bool]) -> None:
        """Let no call through from the first one on that matches."""
        self.reached.clear()
        self._holds_at = matches

    def recover(self) -> None:
        """Forward every call from now on."""
        self._holds_at = self.hides = None
        self.rules.clear()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def fault_of(self, call: S3Call) -> Fault | None:
        """Write the call down; what is to happen to it."""
        with self._lock:
            self.calls.append(call)
            if self._holds_at and (self.reached.is_set() or self._holds_at(call)):
                self.reached.set()
                return "reset"
            for rule in self.rules:
                if rule.hits < rule.times and rule.matches(call):
                    rule.hits += 1
                    return rule.fault
        return None

    def forward(
        self, method: str, path: str, headers: list[tuple[str, str]], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """The server's answer: status, headers and body."""
        connection = http.client.HTTPConnection(self._target, timeout=60)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()


class _Handler(BaseHTTPRequestHandler):
    of: S3Proxy
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _handle(self) -> None:
        body = self._body()
        call = self._call(body)
        fault = self.of.fault_of(call)
        if fault == "reset":
            self._end_rudely()
            return
        if fault is not None and fault in ERRORS:
            self._refuse(fault)
            return
        headers = [(n, v) for n, v in self.headers.items() if n.lower() not in NOT_PASSED_ON]
        answer = self.of.forward(self.command, self.path, headers, body)
        if answer[0] == 404 and call.key and self.of.hides and self.of.hides(call):
            self._refuse("403")
            return
        if fault == "silent":
            self._wait_for_the_end()
            return
        self._answer(*answer)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _handle  # noqa: N815  http.server's names

    def _call(self, body: bytes) -> S3Call:
        parts = urlsplit(self.path)
        bucket, _, key = unquote(parts.path).removeprefix("/").partition("/")
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        copies = unquote(self.headers.get("x-amz-copy-source", ""))
        kept = body if "delete" in query else b""
        return S3Call(self.command, bucket, key, query, kept, copies)

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            chunks = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            body = b"".join(chunks)
            self.headers["Content-Length"] = str(len(body))
            return body
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _refuse(self, fault: Fault) -> None:
        status, code = ERRORS[fault]
        content = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
        self._answer(status, [("Content-Type", "application/xml")], content)

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response_only(status)
        names = {name.lower() for name, _ in headers}
        for name, value in headers:
            if name.lower() not in NOT_PASSED_ON:
                self.send_header(name, value)
        if "content-length" not in names:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _end_rudely(self) -> None:
        """End the connection so that the client sees a reset."""
        linger = struct.pack("ii", 1, 0)
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.request.close()
        self.close_connection = True

    def _wait_for_the_end(self) -> None:
        with suppress(OSError):
            self.request.recv(1)
        self.close_connection = True

    def handle_one_request(self) -> None:
        with suppress(ConnectionError, ValueError):  # ours, and clients that were killed
            super().handle_one_request()
            return
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextmanager
def an_s3_proxy(target: str) -> Iterator[S3Proxy]:
    """A proxy in front of the server at `target`; closed at the end."""
    proxy = S3Proxy(target)
    try:
        yield proxy
    finally:
        proxy.recover()
        proxy.close()
