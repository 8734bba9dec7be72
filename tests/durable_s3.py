"""An S3 server that keeps its objects in a folder, in a process that a test can kill."""

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ontem.stack.server import free_port
from tests.s3 import VARIABLES, S3Server

JARS = Path(__file__).resolve().parents[1] / ".ontem" / "test-jars"
LOGGING = """
<configuration>
  <appender name="all" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="all"/></root>
</configuration>
"""
LISTENS = "Started"
"""In the line of s3proxy's log about its connector, which is the last but one."""


class DurableS3:
    """s3proxy, which finds after `kill` and `start` what it had stored."""

    def __init__(self, folder: Path) -> None:
        objects, options, logging = (folder / name for name in ("objects", "options", "log.xml"))
        objects.mkdir(parents=True)
        self.server = S3Server(f"http://127.0.0.1:{free_port()}")
        lines = {
            "s3proxy.endpoint": self.server.endpoint,
            "s3proxy.authorization": "aws-v2-or-v4",
            "s3proxy.identity": VARIABLES["AWS_ACCESS_KEY_ID"],
            "s3proxy.credential": VARIABLES["AWS_SECRET_ACCESS_KEY"],
            "jclouds.provider": "filesystem-nio2",
            "jclouds.filesystem.basedir": str(objects),
        }
        options.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
        logging.write_text(LOGGING)
        home = os.environ.get("JAVA_HOME")
        self._command = [
            f"{home}/bin/java" if home else "java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
            f"-Dlogback.configurationFile={logging}", "-cp", f"{JARS}/*",
            "org.gaul.s3proxy.Main", "--properties", str(options),
        ]  # fmt: skip
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
