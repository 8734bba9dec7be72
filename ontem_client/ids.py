"""The ids that a call is given, checked before anything is sent."""

import re
from typing import Final
from uuid import UUID

_REQUEST_ID: Final = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9._-]{8,64}")
_IDEMPOTENCY_KEY: Final = re.compile(r"[!-+\--~]{1,255}")
_EVALUATION_ID: Final = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def request_id(text: str) -> str:
    """The text, if the service would take it as a request id. Raises ValueError."""
    return _checked(text, _REQUEST_ID, "a request id")


def idempotency_key(text: str) -> str:
    """The text, if the service would take it as an idempotency key. Raises ValueError."""
    return _checked(text, _IDEMPOTENCY_KEY, "an idempotency key")


def evaluation_id(sent: UUID | str) -> UUID:
    """The id of an evaluation, however it was kept. Raises ValueError."""
    return UUID(_checked(str(sent), _EVALUATION_ID, "an evaluation id"))


def _checked(text: str, form: re.Pattern[str], name: str) -> str:
    if not isinstance(text, str) or not form.fullmatch(text):
        raise ValueError(f"this does not have the form of {name}: it must be {form.pattern}")
    return text
