"""Which ONTEM_CARD_KEY the fingerprints of a database were made with: its id, in `stack`."""

from typing import Final

from features_pkg.errors import OntemError
from features_pkg.orders.cards import card_key_id
from stores.postgres.connection import Connection

STATE: Final = "card numbers under another ONTEM_CARD_KEY ({recorded}) than this one ({here})"
REMEDY: Final = (
    "set it to the former one, which is the former ONTEM_ENTITY_KEY if it was not set; if that has "
    "leaked, run `ontem migrate --new-card-key`, and every card that was sent as a number becomes "
    "another card"
)


class CardKeyChanged(OntemError):
    """The same card would count as another one.

    `state` and `remedy` are the sentence without the database's address.
    """

    def __init__(self, *, address: str, recorded: str, here: str) -> None:
        self.state, self.remedy = STATE.format(recorded=recorded, here=here), REMEDY
        super().__init__(f"the database at {address} has {self.state}: {self.remedy}")
        self.address, self.recorded, self.here = address, recorded, here


def check_card_key(connection: Connection, address: str, card_key: bytes) -> None:
    """Raise CardKeyChanged if `ontem migrate` recorded another key than this one."""
    row = connection.execute("SELECT card_key_id FROM stack").fetchone()
    recorded, here = row[0] if row else None, card_key_id(card_key)
    if recorded is not None and recorded != here:
        raise CardKeyChanged(address=address, recorded=str(recorded), here=here)
