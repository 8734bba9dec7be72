"""What the tests of imports share."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jobs.importing import FileMapping, ImportOptions, ImportResult
from jobs.importing import import_orders as load_orders
from stores.postgres.connection import Connection, connect
from tests.integration.imports import Recorder


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
