"""The base of every error that Ontem raises on purpose, and what this package refuses."""

from __future__ import annotations

from typing import Any


class OntemError(Exception):
    """Something a person can put right; the text is one sentence that says how.

    Commands print it without a traceback. Anything else that is raised is a bug and keeps its
    traceback.
    It crosses processes: pickled, it keeps its class, its text and its attributes.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        """Rebuild it from its text: pickle's own way calls `__init__`, which wants other values."""
        return _restore, (type(self), self.args, self.__dict__)


def _restore(kind: type[OntemError], args: tuple[object, ...], values: dict[str, Any]) -> Exception:
    error: OntemError = kind.__new__(kind, *args)
    error.__dict__.update(values)
    return error


class FeatureError(OntemError, ValueError):
    """Base of every refusal of this package."""


class DefinitionError(FeatureError):
    """A feature definition or a feature name that can't mean anything."""

    def __init__(self, subject: str, reason: str) -> None:
        super().__init__(f"{subject}: {reason}")
        self.subject, self.reason = subject, reason


class TimezoneUnknown(FeatureError):
    """A time zone that is not in the database of zones."""

    def __init__(self, timezone: object) -> None:
        super().__init__(
            f"the time zone {timezone!r} is not known: write an IANA name such as America/Sao_Paulo"
        )
        self.timezone = timezone


class OrdersRefused(FeatureError):
    """A table of orders that can't be asked about: a column or a row of it is wrong."""

    def __init__(self, reason: str, *, column: str, row: int | None = None) -> None:
        where = f"column {str(column)!r}" if row is None else f"row {row}, column {str(column)!r}"
        super().__init__(f"{where}: {reason}")
        self.reason, self.column, self.row = reason, column, row


class TableRefused(OrdersRefused, TypeError):
    """The argument is not a table."""

    def __init__(self, kind: str) -> None:
        FeatureError.__init__(
            self, f"orders are {kind}, not a table: give a pandas, Polars or Arrow table"
        )
        self.kind = kind
        self.reason, self.column, self.row = "is not a table", "", None


class TimelineUnreadable(FeatureError):
    """Bytes that are not a timeline of this layout."""


class StateUnreadable(FeatureError):
    """Bytes that are not a fold state of this layout, or not of these timelines."""

    def __init__(self, reason: str) -> None:
        self.problem = f"the fold state of an entity can't be read: {reason}"
        super().__init__(f"{self.problem}; build the snapshot of its events")
        self.reason = reason
