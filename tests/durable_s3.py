"""An S3 server that keeps its objects in a folder, in a process that a test can kill.

Its command is that of the image `s3`.
"""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ontem.stack.server import free_port
from tests.image_files import last
from tests.s3 import VARIABLES, S3Server

PROJECT = Path(__file__).resolve().parents[1]
JARS = PROJECT / ".ontem" / "test-jars"
LISTENS = "Started"
"""In the line of s3proxy's log about its connector, which is the last but one."""


class DurableS3:
    """s3proxy, which finds after `kill` and `start` what it had stored."""

    def __init__(self, folder: Path) -> None:
        objects, credentials = folder / "objects", folder / "credentials"
        objects.mkdir(parents=True)
        self.server = S3Server(f"http://127.0.0.1:{free_port()}")
        credentials.write_text(
            f"s3proxy.identity={VARIABLES['AWS_ACCESS_KEY_ID']}\n"
            f"s3proxy.credential={VARIABLES['AWS_SECRET_ACCESS_KEY']}\n"
        )
        here = {
            "http://0.0.0.0:9000": self.server.endpoint,
            "/var/lib/ontem/s3": str(objects),
            "/var/lib/ontem/secrets/s3.properties": str(credentials),
            "/opt/s3proxy/s3proxy.xml": str(PROJECT / "deploy" / "s3proxy.xml"),
            "/opt/s3proxy/*": f"{JARS}/*",
        }
        java, *words = json.loads(last("s3", "ENTRYPOINT"))
        home = os.environ.get("JAVA_HOME")
        self._command = [f"{home}/bin/{java}" if home else java]
        for word in words:  # `-Dname=value`, or a path
            name, equals, value = word.rpartition("=")
            self._command.append(f"{name}{equals}{here.get(value, value)}")
        self.start()

    def start(self) -> None:
        """Start it on the same folder and port; it listens when this returns."""
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        log = self._process.stdout
        assert log is not None
        said = ""
        while LISTENS not in said or "ServerConnector" not in said:
            said = log.readline()
            assert said, "s3proxy has ended: does `make setup` say that it is ready?"
        threading.Thread(target=log.read, daemon=True).start()

    def kill(self) -> None:
        """As `kill -9`."""
        self._process.kill()
        self._process.wait()


@contextmanager
def a_durable_s3(folder: Path) -> Iterator[DurableS3]:
    """A running server with its objects below a folder; killed at the end."""
    running = DurableS3(folder)
    try:
        yield running
    finally:
        running.kill()
