"""A number that was measured, or why it can't be known."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured number and of what it was measured; without a number, why there is none."""

    value: float | None
    reason: str
    """Of what it was measured, or why it is not known."""

    def __str__(self) -> str:
        return "not known" if self.value is None else f"{self.value:,.4g}"

    @property
    def sentence(self) -> str:
        """The number and what it is of, for people."""
        return f"{self} ({self.reason})"
