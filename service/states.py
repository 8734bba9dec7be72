"""The state of one thing, as `/readyz` and `/statusz` say it."""

from typing import Final

import msgspec


class State(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of one thing, and what to do unless it is `ok`."""

    state: str
    remedy: str = ""


OK: Final = State("ok")
UNKNOWN: Final = State("unknown", "PostgreSQL does not answer: see /statusz")
