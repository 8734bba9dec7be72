"""A server with TLS in front of one without, and certificates of a small authority of its own."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

TLS_REQUEST = bytes.fromhex("0000000804d2162f")
"""With this a client of PostgreSQL asks, before anything else, whether the server speaks TLS."""


@dataclass(frozen=True)
class Certificates:
    """Files of PEM: the authority's own, one of a server and one of a client, with their keys."""

    folder: Path

    @property
    def authority(self) -> Path:
        return self.folder / "authority.pem"

    @property
    def stranger(self) -> Path:
        """An authority that has signed nothing here."""
        return self.folder / "stranger.pem"

    @property
    def server(self) -> tuple[Path, Path]:
        return self.folder / "server.pem", self.folder / "server.key"

    @property
    def client(self) -> tuple[Path, Path]:
        return self.folder / "client.pem", self.folder / "client.key"


def make_certificates(folder: Path) -> Certificates:
    """The certificates of 127.0.0.1 and of the client `ontem`, made in `folder`."""
    made = Certificates(folder)
    for name in ("authority", "stranger"):
        _openssl(folder, "req", "-x509", "-days", "2", "-subj", f"/CN={name}", *_new_key(name))
    _sign(folder, "server", "subjectAltName=IP:127.0.0.1")
    _sign(folder, "client", "extendedKeyUsage=clientAuth")
    return made


def _sign(folder: Path, name: str, extension: str) -> None:
    subject = "/CN=ontem" if name == "client" else "/CN=127.0.0.1"
    _openssl(
        folder, "req", "-x509", "-days", "2", "-subj", subject, *_new_key(name),
        "-CA", "authority.pem", "-CAkey", "authority.key", "-addext", extension,
        "-addext", "basicConstraints=critical,CA:FALSE",
    )  # fmt: skip


def _new_key(name: str) -> list[str]:
    return ["-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.pem"]


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


@contextmanager
def tls_server(
    backend_port: int, certificates: Certificates, *, postgres: bool = False, mutual: bool = False
) -> Iterator[int]:
    """The port of a server with TLS that hands all bytes on to the one on `backend_port`.

    With `postgres` a client has to ask for TLS first, as PostgreSQL's do; with `mutual` it has to
    show a certificate of the authority. Who does otherwise is disconnected.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificates.server)
    if mutual:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(certificates.authority)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):  # the listener is closed at the end
                while True:
                    client, _ = listener.accept()
                    arguments = (client, context, backend_port)
                    hand_on = _hand_on_when_asked if postgres else _hand_on
                    threading.Thread(target=hand_on, args=arguments, daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)


def _hand_on_when_asked(client: socket.socket, context: ssl.SSLContext, port: int) -> None:
    with suppress(OSError), client:
        if client.recv(len(TLS_REQUEST), socket.MSG_WAITALL) == TLS_REQUEST:
            client.sendall(b"S")
            _hand_on(client, context, port)


def _hand_on(client: socket.socket, context: ssl.SSLContext, port: int) -> None:
    with (
        suppress(OSError),
        client,
        context.wrap_socket(client, server_side=True) as inside,
        socket.create_connection(("127.0.0.1", port)) as backend,
    ):
        back = threading.Thread(target=_copy, args=(backend, inside), daemon=True)
        back.start()
        _copy(inside, backend)
        back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while content := source.recv(65_536):
            target.sendall(content)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
