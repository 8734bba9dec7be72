"""The line of the log, and the count, that each answer of the application has."""

import time
from collections.abc import Mapping
from http import HTTPStatus

from service import log
from service.head_checks import WITHOUT_KEY
from service.metrics import metering


def answered(
    endpoint: str | None,
    status: int,
    received_at: float,
    started: float,
    fields: Mapping[str, object],
) -> None:
    """Count an answer, and write its line; a health check that went well has none.

    The request was whole at `received_at` (monotonic), and begun at `started` (perf_counter).
    """
    metering.answered(endpoint, status, received_at)
    if endpoint in WITHOUT_KEY and status == HTTPStatus.OK:
        return
    log.info(
        "answered",
        path=endpoint,
        status=status,
        ms=round((time.perf_counter() - started) * 1000, 2),
        **fields,
    )
