"""A server on loopback that answers as GitHub does: pull requests, and git itself over HTTP."""

import base64
import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "ghp_a-token-of-the-tests"
PULLS = "/api/repos/loja/ontem/pulls"
GIT = "/loja/ontem.git/"


@dataclass
class FakeGitHub:
    """Repository and pull requests of loja/ontem; `fails_with` is the status of later answers."""

    url: str = ""
    pulls: list[dict[str, Any]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    fails_with: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    """More headers of all answers."""
    garbles: bool = False
    opens_behind: bool = False
    """Whether somebody else opens the pull request between our two requests."""
    repository: Path | None = None
    """The bare repository that git is served from."""
    push_fails_with: int = 0
    """The status of answers to a push, such as those after the token has expired."""
    headers_of_git: list[list[str]] = field(default_factory=list)
    """What each request of git had as Authorization."""

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

    def git_status(self, method: str, target: str, tokens: list[str]) -> int:
        """The status of a request of git, by its Authorization headers."""
        self.headers_of_git.append(tokens)
        if self.push_fails_with and "git-receive-pack" in target:
            return self.push_fails_with
        known = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
        return 200 if tokens == [f"Basic {known}"] else 400 if len(tokens) > 1 else 401

    def git_answer(
        self, method: str, target: str, kind: str, body: bytes
    ) -> tuple[list[tuple[str, str]], bytes]:
        """What git's own server answers: headers, and the content."""
        assert self.repository is not None
        address = urlsplit(target)
        environ = {
            "GIT_PROJECT_ROOT": str(self.repository.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REMOTE_USER": "loja",  # who is known may push
            "PATH_INFO": f"/{self.repository.name}/{address.path.removeprefix(GIT)}",
            "QUERY_STRING": address.query,
            "REQUEST_METHOD": method,
            "CONTENT_TYPE": kind,
            "CONTENT_LENGTH": str(len(body)),
            "PATH": "/usr/local/bin:/usr/bin:/bin",
        }
        done = subprocess.run(
            ["git", "http-backend"], env=environ, input=body, capture_output=True, check=True
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        return list(BytesParser().parsebytes(head).items()), content

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
            if self.path.startswith(GIT):
                self.serve_git()
                return
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

        def serve_git(self) -> None:
            tokens = self.headers.get_all("Authorization") or []
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status = github.git_status(self.command, self.path, tokens)
            headers, content = [("WWW-Authenticate", 'Basic realm="GitHub"')], b""
            if status == 200:
                kind = self.headers.get("Content-Type", "")
                headers, content = github.git_answer(self.command, self.path, kind, body)
            self.send_response(status)
            if 300 <= status < 400:
                headers.append(("Location", self.path.replace("/loja/", "/moved/")))
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        github.url = f"http://127.0.0.1:{server.server_port}/api"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield github
        server.shutdown()
        thread.join()
