"""The state of one thing, as `/readyz` and `/statusz` say it."""

from typing import Annotated, Final

import msgspec

from service.described import described


class State(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of one thing, and what to do unless it is `ok`."""

    state: Annotated[str, described("`ok`, or what is wrong.")]
    remedy: Annotated[str, described("What to do about it; not there with `ok`.")] = ""


OK: Final = State("ok")
UNKNOWN: Final = State("unknown", "PostgreSQL does not answer: see /statusz")
