"""The bytes of fold states: what they cost, and which are refused."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from features_pkg.calendar import DAY_US, Calendar
from features_pkg.errors import StateUnreadable
from features_pkg.fold.packing import pack_states
from features_pkg.fold.states import SingleEvents, States, fold, states_of
from features_pkg.fold.unpacking import unpack_states
from features_pkg.history.events import TargetValues
from features_pkg.identifiers import Event, Identifier

CALENDAR = Calendar("America/Sao_Paulo")
NOON = CALENDAR.cutoff_us(736855) + DAY_US // 2
TARGETS = {Event.ORDER: (Identifier.USER, Identifier.CARD), Event.CHARGEBACK: ()}
A_CODE = -(1 << 60) - 12345


def state_of(orders: dict[int, int], chargebacks: dict[int, int] | None = None) -> bytes:
    """Orders and chargebacks as instant and cents; each order has a user of its own, and a card."""
    first, events = 0, {}
    happened = {Event.ORDER: orders, Event.CHARGEBACK: chargebacks or {}}
    for event, cents in happened.items():
        rows = np.arange(len(cents))
        values = {
            Identifier.USER: TargetValues(rows, A_CODE + rows),
            Identifier.CARD: TargetValues(rows, np.full(len(cents), 7)),
        }
        events[event] = SingleEvents(
            first + rows,
            np.array(list(cents), dtype=np.int64),
            np.array(list(cents.values()), dtype=np.int64),
            {target: values[target] for target in TARGETS[event]},
        )
        first += len(cents)
    single = states_of(events, first, CALENDAR)
    (content,) = pack_states(fold(single, np.zeros(first, dtype=np.int64), 1)).to_pylist()
    return bytes(content)


def unpack(*contents: bytes | None) -> States:
    return unpack_states(pa.chunked_array([pa.array(contents, pa.binary())]), TARGETS)


SEVERAL = {NOON: 100, NOON + 1: 40, NOON + DAY_US: -7, NOON + 200 * DAY_US: 1 << 40}
STATE = state_of(SEVERAL, {NOON + DAY_US: 40})


def test_an_entity_of_one_order_takes_some_twenty_bytes_and_eight_for_each_value() -> None:
    assert len(state_of({NOON: 19_900})) == 24 + 2 * 8


def test_what_was_packed_comes_out_of_any_slice_of_several_chunks() -> None:
    contents = [state_of({NOON: 1}), STATE, state_of({NOON: -1, NOON + 7: 1}, {NOON: 3})]
    column = pa.chunked_array([contents[:2], [], contents[2:]], pa.binary())

    assert pack_states(unpack_states(column, TARGETS)).to_pylist() == contents
    assert pack_states(unpack_states(column.slice(1), TARGETS)).to_pylist() == contents[1:]
    assert pack_states(unpack_states(column.slice(3), TARGETS)).to_pylist() == []


def test_bytes_cut_short_or_too_long_are_refused() -> None:
    for end in range(len(STATE)):
        with pytest.raises(StateUnreadable):
            unpack(STATE[:end])
    for added in (b"\0", bytes(8), STATE):
        with pytest.raises(StateUnreadable):
            unpack(STATE + added, STATE)


def test_a_changed_byte_is_refused_or_read_as_another_number() -> None:
    refused = 0
    for position in range(len(STATE)):
        for flipped in (1, 0x40, 0x80, 0xFF):
            changed = bytearray(STATE)
            changed[position] ^= flipped
            try:
                (again,) = pack_states(unpack(bytes(changed))).to_pylist()
            except StateUnreadable:
                refused += 1
            else:
                assert len(again) <= len(STATE)
    assert refused > len(STATE)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (b"\2" + STATE[1:], "its layout is not 1"),
        (STATE[:1] + b"\x14" + STATE[2:], "it has other targets"),
        (None, "it is null"),
        (b"", "it is cut short"),
        (STATE[:2] + b"\xff" * 5 + STATE[2:], "a number is cut short"),
        (STATE[:3] + b"\xff" * 9 + STATE[3:], "a number is too long"),
    ],
    ids=["layout", "targets", "null", "empty", "count", "number"],
)
def test_what_is_no_state_of_these_timelines_is_refused(changed: bytes | None, reason: str) -> None:
    with pytest.raises(StateUnreadable, match=reason):
        unpack(STATE, changed, STATE)


def test_an_event_that_these_timelines_do_not_keep_is_refused() -> None:
    column = pa.chunked_array([[STATE]], pa.binary())
    with pytest.raises(StateUnreadable, match="a kind of event that these timelines do not keep"):
        unpack_states(column, {Event.ORDER: TARGETS[Event.ORDER]})
