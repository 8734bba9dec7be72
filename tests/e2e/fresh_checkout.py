"""A checkout of this project as `make setup` leaves it, in a folder of its own.

What is installed is borrowed from the environment of the tests, so nothing is fetched.
"""

import os
import shutil
import subprocess
import sysconfig
import tempfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ontem.stack import LocalStack
from tests.servers import FOLDER, SHORT_JAVA

PROJECT = Path(__file__).resolve().parents[2]
NOT_COMMITTED = (".*", "__pycache__", "*.egg-info", "build", "dist")
OUR_VARIABLES = (
    "ONTEM_", "BUSINESS_TIMEZONE", "SNAPSHOT_LAG_SECONDS", "MAX_STALE_DAYS", "LABEL_MATURITY_DAYS",
    "PYTHONPATH", "VIRTUAL_ENV", "SPARK_",
)  # fmt: skip
ONTEM = '#!/bin/sh\nexec "$(dirname "$0")/python" -m ontem "$@"\n'
STAMP = """
project=$PWD
eval "$(sed -n '/^stamp() {/,/^}/p' deploy/setup)"
stamp >.ontem/setup.stamp
"""


@contextmanager
def fresh_checkout() -> Iterator[Path]:
    """The folder, whose path has blanks and accents; it and its servers are gone at the end."""
    above = Path(tempfile.mkdtemp(prefix=f"{FOLDER}{os.getpid()}-"))
    folder = above / "Área de Trabalho" / "ontem"
    try:
        shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns(*NOT_COMMITTED))
        _install(folder)
        yield folder
    finally:
        LocalStack(folder).remove()
        shutil.rmtree(above, ignore_errors=True)


def environ_of_a_newcomer() -> dict[str, str]:
    """This process's environment without what is set for Ontem, and patient."""
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith(OUR_VARIABLES)
    }
    return (
        environ | SHORT_JAVA | {"ONTEM_DEADLINE_MS": "30000", "ONTEM_STATEMENT_TIMEOUT_MS": "30000"}
    )


def _install(folder: Path) -> None:
    """Make `.venv` and `.ontem` such that `make setup` finds nothing to do."""
    environment = folder / ".venv"
    venv.create(environment, symlinks=True)
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(environment)}))
    (site / "borrowed.pth").write_text(f"{folder}\n{sysconfig.get_path('purelib')}\n")
    (environment / "bin" / "ontem").write_text(ONTEM)
    (environment / "bin" / "ontem").chmod(0o755)
    redis = Path(sysconfig.get_path("scripts")) / "redis-server"
    if redis.exists():
        (environment / "bin" / redis.name).symlink_to(redis)
    (folder / ".ontem").mkdir()
    (folder / ".ontem" / "jars").symlink_to((PROJECT / ".ontem" / "jars").resolve())
    subprocess.run(["bash", "-ec", STAMP], cwd=folder, env=environ_of_a_newcomer(), check=True)
