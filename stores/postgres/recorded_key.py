"""One number that orders all rows by the transaction that stored them."""

from typing import Final

_XID_BITS: Final = 48
"""PostgreSQL would need centuries to use up 48 bits of transaction ids."""


def recorded_key(generation: int, transaction_id: int) -> int:
    """The key under which rows of that transaction sort: first by generation, then by id.

    So any row of generation 1 sorts below any row of generation 2, whose ids started again from
    3. The database function `ontem_recorded_key` computes the same number for a stored row.
    """
    return generation << _XID_BITS | transaction_id
