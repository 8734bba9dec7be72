"""Entities whose keys share their first 64 bits are told apart by the rest of the key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hypothesis import given, settings

from features_pkg import shuffle
from features_pkg.engines import reference
from features_pkg.entity_keys import KEY_BYTES, EntityKeys
from features_pkg.history.past_orders import PastOrder
from features_pkg.identifiers import Identifier
from tests.parity import worlds
from tests.parity.rows import CALENDAR, FEATURES, KEYS, order_rows
from tests.parity.test_shuffle_is_the_reference import training_rows, with_questions


class AlikeKeys(EntityKeys):
    """Keys whose first 8 bytes are the same for all cards."""

    def keys(
        self, merchant_ids: Sequence[int], identifier: str, values: Iterable[bytes]
    ) -> bytearray:
        found = super().keys(merchant_ids, identifier, values)
        if identifier == Identifier.CARD:
            for start in range(0, len(found), KEY_BYTES):
                found[start : start + 8] = bytes(8)
        return found


ALIKE = AlikeKeys(b"a secret of the tests", FEATURES.timelines_id)


@given(history=worlds.orders())
@settings(max_examples=40)
def test_training_tells_their_events_apart(history: list[PastOrder]) -> None:
    as_ofs = [CALENDAR.due_day(order.at_us, FEATURES.snapshot_lag) for order in history]
    asked = [
        {"asked_us": order.at_us, "as_of": as_of, "visible": None}
        for order, as_of in zip(history, as_ofs, strict=True)
    ]

    done = training_rows(with_questions(order_rows(history), asked), ALIKE)

    for order, as_of in zip(history, as_ofs, strict=True):
        question = reference.Question(order.at_us, as_of)
        for velocity in FEATURES.velocities_of(Identifier.CARD):
            expected = reference.value(velocity, order, question, history, CALENDAR)
            assert done[str(order.order_id)][velocity.name] == expected, velocity.name


@given(history=worlds.orders())
@settings(max_examples=40)
def test_a_snapshot_tells_their_timelines_apart(history: list[PastOrder]) -> None:
    assert card_timelines(history, ALIKE) == {
        bytes(8) + key[8:]: timeline for key, timeline in card_timelines(history, KEYS).items()
    }


def card_timelines(history: list[PastOrder], keys: EntityKeys) -> dict[bytes, bytes]:
    rows = shuffle.explode(shuffle.keyed(order_rows(history), keys), FEATURES.timeline_targets)
    found = shuffle.snapshot_timelines(rows, FEATURES, CALENDAR).to_pylist()
    return {row["entity"]: row["timeline"] for row in found if row["identifier"] == "card"}
