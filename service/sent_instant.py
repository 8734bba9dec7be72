"""A time in a request's body: RFC 3339, as the served schema says. Files may have more forms."""

import re
from typing import Final

from features_pkg.orders.limits import YEARS
from service.errors import FieldRefused

_TIME: Final = (
    r"-(0[1-9]|1[0-2])-([0-2][0-9]|3[01])[Tt ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]+)?"
    r"([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
_DECADES: Final = "|".join(str(year // 10) for year in YEARS[::10])

INSTANT_FORM: Final = rf"^(?!{YEARS[0]}-01-01|{YEARS[-1]}-12-31)({_DECADES})[0-9]{_TIME}"
"""RFC 3339 in the years that are taken, without the two days on which the offset decides."""

FORM: Final = re.compile(rf"[0-9]{{4}}{_TIME}")

RULE: Final = (
    "must be an RFC 3339 instant with seconds and offset, such as 2018-06-01T12:00:00-03:00, or be "
    "left out"
)


def check_form(text: str | None, field: str) -> None:
    """Raise FieldRefused for a time that a file may have and a body may not, such as a blank."""
    if text is not None and not FORM.fullmatch(text):
        raise FieldRefused(field, RULE)
