"""Whole numbers from 0 on as LEB128: 7 bits a byte, lowest first; the last byte is below 128."""

from __future__ import annotations

from typing import Final

import numpy as np

from features_pkg.array_types import Ints, Mask
from features_pkg.errors import StateUnreadable
from features_pkg.timelines.packing import Bytes

_MOST_BYTES: Final = 9
"""Of a number below 2^63."""
_EDGES: Final = 1 << 7 * np.arange(1, _MOST_BYTES, dtype=np.int64)


def zigzag(numbers: Ints) -> Ints:
    """Numbers of any sign as ones from 0 on; the smaller, the smaller.

    >>> zigzag(np.array([0, -1, 1, -2])).tolist()
    [0, 1, 2, 3]
    """
    return numbers << 1 ^ numbers >> 63


def unzigzag(numbers: Ints) -> Ints:
    """The numbers that `zigzag` was given."""
    return numbers >> 1 ^ -(numbers & 1)


def widths(numbers: Ints) -> Ints:
    """How many bytes each number takes."""
    return 1 + np.searchsorted(_EDGES, numbers, side="right")


def write(content: Bytes, at: Ints, numbers: Ints, width: Ints) -> None:
    """Write each number, which takes `width` bytes, at its place."""
    for byte in range(int(width.max(initial=0))):
        if byte:
            more = width > byte
            at, numbers, width = at[more], numbers[more], width[more]
        low = numbers >> 7 * byte & 0x7F
        content[at + byte] = low | (width > byte + 1) << 7


def read(content: Bytes) -> tuple[Ints, Mask]:
    """All numbers, and at which bytes one ends. Bytes behind the last end are left out.

    Raises StateUnreadable.

    >>> numbers, is_end = read(np.array([5, 0x80 | 1, 2], dtype=np.uint8))
    >>> numbers.tolist(), is_end.tolist()
    ([5, 257], [True, False, True])
    """
    is_end = content < 128
    ends = np.flatnonzero(is_end)
    starts = np.concatenate(([0], ends[:-1] + 1))[: len(ends)]
    length = ends - starts + 1
    if int(length.max(initial=0)) > _MOST_BYTES:
        raise StateUnreadable("a number is too long")
    numbers = content[starts].astype(np.int64) & 0x7F
    for byte in range(1, int(length.max(initial=0))):
        longer = np.flatnonzero(length > byte)
        numbers[longer] |= (content[starts[longer] + byte].astype(np.int64) & 0x7F) << 7 * byte
    return numbers, is_end
