"""Events as the request reads them from PostgreSQL: a few rows, each with all identifiers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class RecentEvent(NamedTuple):
    """One event of the recent past that named one entity of the order, and what else it named."""

    identifier: str
    value: str
    event: str
    at_us: int
    amount_cents: int
    user: str | None
    document: str | None
    email: str | None
    phone: str | None
    zip_code: str | None
    device: str | None
    ip: str | None
    card: str | None
    seller: str | None
    product: Sequence[str] | None
