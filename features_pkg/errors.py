"""What `features_pkg` refuses, and the sentences it says so with."""


class FeatureError(ValueError):
    """Base of every refusal of this package."""


class DefinitionError(FeatureError):
    """A feature definition or a feature name that can't mean anything."""

    def __init__(self, subject: str, reason: str) -> None:
        super().__init__(f"{subject}: {reason}")
        self.subject, self.reason = subject, reason


class OrdersRefused(FeatureError):
    """A table of orders that can't be asked about: a column or a row of it is wrong."""

    def __init__(self, reason: str, *, column: str, row: int | None = None) -> None:
        where = f"column {column!r}" if row is None else f"row {row}, column {column!r}"
        super().__init__(f"{where}: {reason}")
        self.reason, self.column, self.row = reason, column, row


class TimelineUnreadable(FeatureError):
    """Bytes that are not a timeline of this layout."""


class VersionUnreadable(FeatureError):
    """An online value that can't answer for the load that was asked for: read it as missing."""
