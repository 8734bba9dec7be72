"""Results that a notebook shows as text."""

from collections.abc import Iterator
from html import escape


class Readable:
    """Shown by its lines, in a terminal and in a notebook."""

    __slots__ = ()

    def lines(self) -> Iterator[str]:
        """What it says, line by line."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return "\n".join(self.lines())

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"
