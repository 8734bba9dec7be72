"""Results that a notebook shows as text."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from html import escape


class Readable(ABC):
    """Shown by its lines, in a terminal and in a notebook."""

    __slots__ = ()

    @abstractmethod
    def lines(self) -> Iterator[str]:
        """What it says, line by line."""

    def __repr__(self) -> str:
        return "\n".join(self.lines())

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"
