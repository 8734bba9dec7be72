"""What the served schema says of a field beyond its type."""

from typing import Any

import msgspec


def described(description: str, **keywords: Any) -> msgspec.Meta:
    """The description and the JSON Schema keywords of a field.

    They are for readers. What they say is checked where the value is read, in words of its own.
    """
    return msgspec.Meta(description=description, extra_json_schema=keywords)
