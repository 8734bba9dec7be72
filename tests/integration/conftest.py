"""What the tests of imports share."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from jobs.importing import FileMapping, ImportOptions, ImportResult
from jobs.importing import import_orders as load_orders
from ontem.cli import main
from stores.postgres.connection import Connection, connect
from tests.integration.imports import ENVIRON, Recorder


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with connect(database_url, application_name="test") as opened:
        opened.execute("INSERT INTO merchants (name) VALUES ('one'), ('two')")
        opened.commit()
        yield opened


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def load(connection: Connection, recorder: Recorder) -> Callable[..., ImportResult]:
    def run(source: Any, mapping: FileMapping | None = None, merchant_id: int = 1) -> ImportResult:
        options = ImportOptions(listener=recorder, processes=1)
        return load_orders(connection, source, merchant_id, mapping, options)

    return run


@pytest.fixture
def ontem(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """Runs `ontem` with its words, in an empty folder, on a migrated database."""
    monkeypatch.chdir(tmp_path)
    environ = {**ENVIRON, "ONTEM_POSTGRES_URL": database_url}
    return lambda *arguments: CliRunner(env=environ).invoke(main, list(arguments))
