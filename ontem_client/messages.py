"""A request as its bytes, and an answer before it is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Self


class ApiKey:
    """A key that no log, traceback or debugger shows by chance."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    @classmethod
    def read(cls, text: str) -> Self | None:
        """The key in the text; None if it can't be one."""
        if isinstance(text, str) and text.isascii() and text.replace("_", "").isalnum():
            return cls(text)
        return None

    @property
    def authorization(self) -> str:
        """The value of the header."""
        return f"Bearer {self._text}"

    def __repr__(self) -> str:
        return "ApiKey(…)"


class Request:
    """The bytes of one call, made once: a second try sends the same ones."""

    __slots__ = ("content", "method", "request_id")

    def __init__(
        self, method: str, path: str, key: ApiKey, headers: Mapping[str, str], body: bytes
    ) -> None:
        """Only here does the key become text, and nothing here raises.

        So no traceback has it, whatever else is wrong with a call.
        """
        self.method = method
        self.request_id = headers["X-Request-Id"]
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {headers[name]}" for name in headers)]
        lines.append(f"Authorization: {key.authorization}")
        self.content = "\r\n".join([*lines, "", ""]).encode("ascii") + body

    def __repr__(self) -> str:  # its bytes have the key and the buyer's data
        return f"Request({self.method}, {self.request_id})"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole."""

    status: int
    headers: Message
    content: bytes
    keeps_connection: bool
    """Whether the connection may carry the next call."""

    @property
    def media_type(self) -> str:
        """Without its parameters."""
        return self.headers.get_content_type() if "Content-Type" in self.headers else ""

    @property
    def retry_after(self) -> float | None:
        """Seconds that the service asks to wait; a date is not read."""
        text = str(self.headers.get("Retry-After", "")).strip()
        return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
