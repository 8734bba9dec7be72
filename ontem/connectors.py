"""Jars, fetched once into `.ontem`: no later start needs a network.

Spark's connectors are in `.ontem/jars`, the S3 server of the tests is in `.ontem/test-jars`.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from features_pkg.errors import OntemError

FOLDERS: Final = {"connectors.txt": "jars", "s3proxy.txt": "test-jars"}
"""By the name of a list in `deploy`, the folder of its jars in `.ontem`."""


class ConnectorError(OntemError):
    """A connector jar could not be fetched, or is not the one that is pinned."""


@dataclass(frozen=True, slots=True)
class Connector:
    """A jar by its Maven coordinates, and the sha256 of its bytes."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def coordinate(self) -> str:
        """The name by which Spark's resolver finds the jar."""
        return f"{self.group}:{self.artifact}:{self.version}"

    @property
    def resolved_name(self) -> str:
        """The file name that Spark's resolver gives the jar."""
        return f"{self.group}_{self.artifact}-{self.version}.jar"

    @property
    def name(self) -> str:
        """The file name of the jar in `.ontem/jars`."""
        return f"{self.artifact}-{self.version}.jar"


@dataclass(frozen=True, slots=True)
class ConnectorList:
    """The jars to have, and the patterns `group:artifact` of jars not to fetch along with them."""

    connectors: tuple[Connector, ...]
    excluded: tuple[str, ...] = ()


def read_connectors(path: Path) -> ConnectorList:
    """The connectors that a file such as `deploy/connectors.txt` lists.

    A line has a coordinate and a sha256, or `without` and a pattern to exclude.
    """
    lines = (line.split("#")[0].split() for line in path.read_text(encoding="utf-8").splitlines())
    pairs = [(first, second) for first, second in filter(None, lines)]
    return ConnectorList(
        tuple(_connector(first, second) for first, second in pairs if first != "without"),
        tuple(second for first, second in pairs if first == "without"),
    )


def _connector(coordinate: str, sha256: str) -> Connector:
    group, artifact, version = coordinate.split(":")
    return Connector(group, artifact, version, sha256)


def install(listed: ConnectorList, jars: Path) -> None:
    """Leave exactly the listed connectors in the folder `jars`, fetching only what is missing.

    Raises ConnectorError when a jar can't be resolved or its bytes are not the pinned ones.
    """
    connectors = listed.connectors
    missing = [each for each in connectors if not _is_installed(each, jars)]
    jars.mkdir(parents=True, exist_ok=True)
    if missing:
        with tempfile.TemporaryDirectory(dir=jars.parent, prefix="ivy-") as cache:
            _resolve(missing, listed.excluded, Path(cache))
            for connector in missing:
                copy_if_pinned(connector, Path(cache) / "jars" / connector.resolved_name, jars)
    for stale in set(jars.glob("*.jar")) - {jars / each.name for each in connectors}:
        stale.unlink()


def _is_installed(connector: Connector, jars: Path) -> bool:
    path = jars / connector.name
    return path.is_file() and _sha256(path) == connector.sha256


def copy_if_pinned(connector: Connector, resolved: Path, jars: Path) -> None:
    """Copy a resolved jar to the folder `jars`.

    Raises ConnectorError when it is missing or its bytes are not the pinned ones.
    """
    if not resolved.is_file():
        raise ConnectorError(f"{connector.coordinate} was not resolved: look at the network")
    found = _sha256(resolved)
    if found != connector.sha256:
        raise ConnectorError(
            f"{connector.coordinate} has sha256 {found}, pinned is {connector.sha256}: "
            "look at its list in deploy"
        )
    shutil.copyfile(resolved, jars / connector.name)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _resolve(connectors: list[Connector], excluded: tuple[str, ...], cache: Path) -> None:
    """Fetch into `cache` with Spark's own resolver, by submitting an empty program."""
    import pyspark

    spark_home = Path(pyspark.__file__).parent
    program = cache / "empty.py"
    program.touch()
    command = [
        str(spark_home / "bin" / "spark-submit"),
        "--master=local[1]",
        "--packages=" + ",".join(each.coordinate for each in connectors),
        *(["--exclude-packages=" + ",".join(excluded)] if excluded else []),
        f"--conf=spark.jars.ivy={cache}",
        "--conf=spark.ui.enabled=false",
        str(program),
    ]
    environ = {**os.environ, "SPARK_HOME": str(spark_home), "PYSPARK_PYTHON": sys.executable}
    done = subprocess.run(
        command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ConnectorError(
            "Spark could not resolve its connectors: " + " ".join(done.stderr.split()[-60:])
        )


def main() -> int:
    """Install jars of the project that the command line names: those of the lists after it.

    Where no list is named, it is that of the connectors.
    """
    project, names = Path(sys.argv[1]), sys.argv[2:] or ["connectors.txt"]
    try:
        for name in names:
            listed = read_connectors(project / "deploy" / name)
            install(listed, project / ".ontem" / FOLDERS[name])
    except ConnectorError as error:
        sys.stderr.write(f"setup: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
