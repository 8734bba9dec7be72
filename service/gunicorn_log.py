"""gunicorn's own lines, as lines of the service's log."""

import logging
from typing import Any

from gunicorn.glogging import Logger

from service import log


class _Handler(logging.Handler):
    """Writes what gunicorn's master and workers tell, without a traceback, which can quote data."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; its text is gunicorn's, of process ids and signals."""
        write = log.error if record.levelno >= logging.ERROR else log.info
        error = record.exc_info[0] if record.exc_info else None
        text = str(record.getMessage()).partition("\n")[0]
        write("gunicorn", message=text, **({"error": error.__name__} if error else {}))


class GunicornLog(Logger):  # type: ignore[misc]
    """gunicorn's logger."""

    def setup(self, cfg: Any) -> None:
        """Write to the service's log in the place of standard error."""
        super().setup(cfg)
        self.error_log.handlers = [_Handler()]
