"""What became of one order of a batch."""

from typing import Annotated, Literal

import msgspec

from service.described import described


class OrderOutcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One order of a batch: stored now, known from before, or refused, then with the reason."""

    position: Annotated[int, described("Of the order in the batch, from 0 on.")]
    order_id: Annotated[
        str | None, described("Not there when the order has no id that can be taken.")
    ] = None
    state: Literal["stored", "known", "refused"]
    code: Annotated[str | None, described("As the `code` of a problem.")] = None
    param: Annotated[
        str | None, described("Path of the field, such as `orders[3].amount_cents`.")
    ] = None
    detail: str | None = None
