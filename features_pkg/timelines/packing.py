"""Lists of whole numbers as MessagePack, all lists at once."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from features_pkg.array_types import Ints, Mask
from features_pkg.history.ragged import expand

Bytes = NDArray[np.uint8]

LIST_EDGES: Final = np.array([1 << 4, 1 << 16])
LIST_WIDTHS: Final = np.array([0, 2, 4])
LIST_CODES: Final = (0x90, 0xDC, 0xDD)
"""How long a list is: with its code as one byte up to the first edge, else in 2 or 4 of its own."""

EDGES: Final = np.array(
    [-(1 << 31), -(1 << 15), -(1 << 7), -(1 << 5), 1 << 7, 1 << 8, 1 << 16, 1 << 32]
)
WIDTHS: Final = np.array([8, 4, 2, 1, 0, 1, 2, 4, 8])
CODES: Final = (0xD3, 0xD2, 0xD1, 0xD0, 0, 0xCC, 0xCD, 0xCE, 0xCF)
"""The bytes that a number takes behind its code; a small one is its own code."""


class NumberLists:
    """A list of whole numbers for each of so many owners; all of them grow at their ends."""

    def __init__(self, owners: int) -> None:
        self._lengths = np.zeros(owners, dtype=np.int64)
        self._parts: list[tuple[Ints, Ints]] = []

    def append(self, numbers: Ints, owners: Mask) -> None:
        """Give each of these owners the number that `numbers`, one for each of all, has for it."""
        self.extend(numbers[owners], owners.astype(np.int64))

    def extend(self, numbers: Ints, lengths: Ints) -> None:
        """Give each owner the next `lengths[owner]` of the `numbers`."""
        if len(numbers):
            self._parts.append((numbers, lengths))
            self._lengths = self._lengths + lengths

    def flat(self) -> tuple[Ints, Ints]:
        """All numbers, list after list, and the length of each list."""
        numbers = np.empty(int(self._lengths.sum()), dtype=np.int64)
        end = np.cumsum(self._lengths) - self._lengths
        for part, lengths in self._parts:
            numbers[expand(end, lengths)[1]] = part
            end = end + lengths
        return numbers, self._lengths


def pack(numbers: Ints, lengths: Ints, room: Ints) -> tuple[Bytes, Ints]:
    """A MessagePack array of each list, behind `room` zeros; and where the room of each begins.

    `numbers` has the lists one after the other.

    >>> content, starts = pack(np.array([1, 200]), np.array([1, 1]), np.array([0, 2]))
    >>> content.tolist(), starts.tolist()
    ([145, 1, 0, 0, 145, 204, 200], [0, 2, 7])
    """
    kind = np.searchsorted(EDGES, numbers, side="right")
    list_kind = np.searchsorted(LIST_EDGES, lengths, side="right")
    before = np.concatenate(([0], np.cumsum(1 + WIDTHS[kind])))
    ends = np.cumsum(lengths)
    before_list = before[ends - lengths]
    head_bytes = 1 + LIST_WIDTHS[list_kind]
    starts = np.concatenate(([0], np.cumsum(room + head_bytes + before[ends] - before_list)))
    content = np.zeros(int(starts[-1]), dtype=np.uint8)
    head_at = starts[:-1] + room
    number_at = before[:-1] + np.repeat(head_at + head_bytes - before_list, lengths)
    for position, (code, width) in enumerate(zip(LIST_CODES, LIST_WIDTHS.tolist(), strict=True)):
        rows = np.flatnonzero(list_kind == position)
        lead = code | lengths[rows] if width == 0 else code
        _put(content, head_at[rows], lead, lengths[rows], width)
    for position, (code, width) in enumerate(zip(CODES, WIDTHS.tolist(), strict=True)):
        rows = np.flatnonzero(kind == position)
        lead = numbers[rows] & 0xFF if width == 0 else code
        _put(content, number_at[rows], lead, numbers[rows], width)
    return content, starts


def _put(content: Bytes, at: Ints, lead: Ints | int, numbers: Ints, width: int) -> None:
    """Write at each place the byte `lead`, then the lowest `width` bytes of the number."""
    if not len(at):
        return
    content[at] = lead
    wide = numbers.astype(">i8").view(np.uint8).reshape(-1, 8)
    for byte in range(width):
        content[at + 1 + byte] = wide[:, 8 - width + byte]
