"""A row that is not loaded, with the first reason that was found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """One row that was not loaded; without the refused value, which may be personal."""

    row: int
    """From 1, the header not counted."""
    order_id: str | None
    field: str
    reason: str
