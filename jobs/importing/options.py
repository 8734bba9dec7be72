"""How to import: what depends on the machine or the caller, not on the file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from jobs.importing.refusals import Refusal


class Listener(Protocol):
    """Who is told how an import goes."""

    def on_progress(self, rows: int, total: int | None) -> None:
        """`rows` have been read so far, of `total` if that is known."""

    def on_store(self, rows: int) -> None:
        """All rows have been read; `rows` of them are being stored now."""

    def on_refusal(self, refusal: Refusal) -> None:
        """One row will not be loaded."""


class NoListener:
    """A listener that ignores everything."""

    def on_progress(self, rows: int, total: int | None) -> None:
        """Do nothing."""

    def on_store(self, rows: int) -> None:
        """Do nothing."""

    def on_refusal(self, refusal: Refusal) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """The zone, the number of processes, how many rows may be refused, and who is told."""

    timezone: str = "America/Sao_Paulo"
    """The zone of the civil day `earliest_day`."""
    processes: int = 2
    card_key: bytes | None = field(default=None, repr=False)
    """The secret of the fingerprint that replaces a card's number; None refuses such a column."""
    max_refused: int | None = None
    """If more rows are refused, nothing is stored; None is no limit."""
    may_refuse_all: bool = True
    """Whether an import of which every row is refused leaves its record all the same."""
    listener: Listener = field(default_factory=NoListener)

    def allows(self, refused: int, rows: int) -> bool:
        """Whether that many of the rows may be refused."""
        within = self.max_refused is None or refused <= self.max_refused
        return within and (self.may_refuse_all or not rows or refused < rows)
