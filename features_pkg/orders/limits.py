"""The limits of an order's fields: the same for a row of a file and for a request."""

from typing import Final

LONGEST_ORDER_ID: Final = 128
LONGEST_TEXT: Final = 512
"""Of an identifier's text, in characters: as it was sent, and as it is stored."""

TEXT_FORM: Final = r"^[^\u0000]*$"
"""No text holds U+0000, which a database can't store."""

MOST_CENTS: Final = 10**15 - 1
"""Below 2^53, so that a double holds every cent up to it exactly."""

MOST_ITEMS: Final = 100
MOST_QUANTITY: Final = 10**6

YEARS: Final = range(1970, 2200)
"""The years of every time in an order. Files write 1900 or 9999 for a time that they don't know."""
