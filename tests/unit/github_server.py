"""A server on loopback that answers as GitHub does, as far as pull requests go."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "ghp_a-token-of-the-tests"
PULLS = "/api/repos/loja/ontem/pulls"


@dataclass
class FakeGitHub:
    """The pull requests of loja/ontem; `fails_with` is the status of all later answers."""

    url: str = ""
    pulls: list[dict[str, Any]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    fails_with: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    """More headers of all answers."""
    garbles: bool = False
    opens_behind: bool = False
    """Whether somebody else opens the pull request between our two requests."""

    def answer(self, method: str, target: str, token: str, body: bytes) -> tuple[int, Any]:
        address = urlsplit(target)
        self.requests.append(f"{method} {address.path}")
        if self.fails_with:
            return self.fails_with, {"message": "as the test says"}
        if self.garbles:
            return 200, "not a pull request"
        if token != f"Bearer {TOKEN}":
            return 401, {"message": "Bad credentials"}
        if address.path != PULLS:
            return 404, {"message": "Not Found"}
        if method == "GET":
            query = parse_qs(address.query)
            assert query["state"] == ["all"]
            owner, _, branch = query["head"][0].partition(":")
            assert owner == "loja"
            return 200, [each for each in self.pulls if each["head"] == branch]
        return self._open(json.loads(body))

    def _open(self, draft: dict[str, str]) -> tuple[int, Any]:
        assert set(draft) == {"title", "head", "base", "body"}
        if self.opens_behind or any(each["head"] == draft["head"] for each in self.pulls):
            if self.opens_behind:
                self._add(draft)
            errors = [{"message": f"A pull request already exists for loja:{draft['head']}."}]
            return 422, {"message": "Validation Failed", "errors": errors}
        return 201, self._add(draft)

    def _add(self, draft: dict[str, str]) -> dict[str, Any]:
        number = len(self.pulls) + 1
        url = f"https://github.test/loja/ontem/pull/{number}"
        opened = {**draft, "html_url": url, "state": "open", "number": number}
        self.pulls.append(opened)
        return opened


@contextmanager
def a_github() -> Iterator[FakeGitHub]:
    github = FakeGitHub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            token = self.headers.get("Authorization", "")
            body = self.rfile.read(length)
            status, content = github.answer(self.command, self.path, token, body)
            encoded = json.dumps(content).encode()
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{github.url}{PULLS}")
            for name, value in github.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(encoded)))
            self.end_headers()
            self.wfile.write(encoded)

        do_POST = do_GET  # noqa: N815  the name that http.server looks for

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        github.url = f"http://127.0.0.1:{server.server_port}/api"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield github
        server.shutdown()
        thread.join()
