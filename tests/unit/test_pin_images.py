"""Digests come from the registry, are proved by the bytes they name, and reach every file."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from ontem.delivery.errors import RegistryRefused
from ontem.delivery.images import FILES, Image, digest_of, pin

PROJECT = Path(__file__).resolve().parents[2]
MANIFEST = b'{"schemaVersion": 2}'
DIGEST = f"sha256:{hashlib.sha256(MANIFEST).hexdigest()}"


class Registry(BaseHTTPRequestHandler):
    """A registry that gives anonymous tokens, and lies about `library/liar`."""

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        host = f"http://127.0.0.1:{self.server.server_address[1]}"
        if address.path == "/token":
            asked = parse_qs(address.query)
            assert asked["service"] == ["test"]
            self._answer(200, json.dumps({"token": asked["scope"][0]}).encode())
        elif address.path == "/v2/library/basic/manifests/1":
            self._answer(401, b"", {"WWW-Authenticate": 'Basic realm="x"'})
        elif not address.path.endswith("/manifests/1") or "gone" in address.path:
            self._answer(404, b"")
        else:
            name = address.path.removeprefix("/v2/").removesuffix("/manifests/1")
            scope = f"repository:{name}:pull"
            if self.headers["Authorization"] != f"Bearer {scope}":
                challenge = f'Bearer realm="{host}/token",service="test",scope="{scope}"'
                self._answer(401, b"", {"WWW-Authenticate": challenge})
            else:
                assert "application/vnd.oci.image.index.v1+json" in self.headers["Accept"]
                said = DIGEST if "liar" not in name else "sha256:" + "0" * 64
                self._answer(200, MANIFEST, {"Docker-Content-Digest": said})

    def _answer(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def project(tmp_path: Path, registry: str) -> Path:
    """The files of this project that name images, whose Python is from the test's registry."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(PROJECT / name, tmp_path / name)
    (tmp_path / "deploy" / "images.txt").write_text(f"# A list.\n{registry}/library/python:1\n")
    (tmp_path / "docker-compose.yml").write_text(
        f"image: {registry}/library/python:1\nimage: {registry}/library/python:1.5\n"
        f"image: other/{registry}/library/python:1\n"
    )
    (tmp_path / "deploy" / "Dockerfile").write_text(
        f"ARG PYTHON_IMAGE={registry}/library/python:1\nFROM ${{PYTHON_IMAGE}} AS a\n"
    )
    return tmp_path


@pytest.mark.parametrize(
    ("tagged", "address"),
    [
        ("redis:8", "https://registry-1.docker.io/v2/library/redis/manifests/8"),
        ("cimg/python:3.12", "https://registry-1.docker.io/v2/cimg/python/manifests/3.12"),
        ("registry.example.com/a/b:1", "https://registry.example.com/v2/a/b/manifests/1"),
        ("127.0.0.1:5000/a:1", "http://127.0.0.1:5000/v2/a/manifests/1"),
    ],
)
def test_a_name_is_read_as_engines_read_it(tagged, address):
    assert Image(tagged).address == address


def test_each_file_that_names_an_image_gets_its_digest_and_nothing_else(project, registry):
    pinned = f"{registry}/library/python:1@{DIGEST}"

    assert pin(project) == [pinned]
    assert (project / "deploy" / "images.txt").read_text() == f"# A list.\n{pinned}\n"
    assert f"PYTHON_IMAGE={pinned}\n" in (project / "deploy" / "Dockerfile").read_text()
    compose = (project / "docker-compose.yml").read_text().splitlines()
    assert compose[0] == f"image: {pinned}"
    assert compose[1] == f"image: {registry}/library/python:1.5"
    assert "@" not in compose[2]


def test_a_digest_takes_the_place_of_an_older_one(project):
    pin(project)
    path = project / "deploy" / "images.txt"
    path.write_text(path.read_text().replace(DIGEST, "sha256:" + "1" * 64))

    (line,) = pin(project)

    assert line.endswith(DIGEST)
    assert path.read_text().count("sha256:") == 1
    assert DIGEST in path.read_text()


def test_what_no_registry_answers_for_keeps_its_tag_while_the_others_are_pinned(project, registry):
    images = project / "deploy" / "images.txt"
    images.write_text(f"{registry}/library/gone:1\n{registry}/library/python:1\n")

    with pytest.raises(RegistryRefused, match=r"library/gone:1 \(HTTP Error 404"):
        pin(project)

    assert images.read_text().splitlines() == [
        f"{registry}/library/gone:1",
        f"{registry}/library/python:1@{DIGEST}",
    ]


def test_a_digest_that_is_not_that_of_the_bytes_is_refused(registry):
    with pytest.raises(ValueError, match="the registry says sha256:000"):
        digest_of(Image(f"{registry}/library/liar:1"))


def test_a_registry_that_wants_a_password_is_refused(registry):
    with pytest.raises(ValueError, match="not for a bearer token"):
        digest_of(Image(f"{registry}/library/basic:1"))


def test_the_list_is_one_of_the_files_and_all_are_there():
    assert all((PROJECT / name).is_file() for name in FILES)
