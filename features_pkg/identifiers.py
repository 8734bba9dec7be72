"""The ten identifiers of an order and the two things that happen to one."""

from enum import StrEnum


class Identifier(StrEnum):
    """A kind of thing that an order names; the value is its column, everywhere."""

    USER = "user"
    DOCUMENT = "document"
    EMAIL = "email"
    PHONE = "phone"
    ZIP_CODE = "zip_code"
    DEVICE = "device"
    IP = "ip"
    CARD = "card"
    SELLER = "seller"
    PRODUCT = "product"

    @property
    def several(self) -> bool:
        """Whether one order may carry several different values of it."""
        return self is Identifier.PRODUCT


class Event(StrEnum):
    """Something that happened to an order."""

    ORDER = "order"
    CHARGEBACK = "chargeback"

    @property
    def plural(self) -> str:
        """The word that feature names use for a number of them."""
        return f"{self.value}s"


IDENTIFIERS: tuple[Identifier, ...] = tuple(Identifier)
SINGLE_VALUED: tuple[Identifier, ...] = tuple(i for i in IDENTIFIERS if not i.several)
"""The identifiers of which an order has one value at most: all but the product."""
EVENTS: tuple[Event, ...] = tuple(Event)
MERCHANT = "merchant"
"""The entity that stands for the merchant itself, with the empty value: its days of history."""
