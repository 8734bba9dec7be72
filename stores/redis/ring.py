"""Rows of entities, divided into the buckets that they are written to.

All buckets of all groups are one ring: bucket 0 of group 0 is its first place, and the places
follow the order of entity keys. So rows in the order of their keys fill place after place, and a
range of places is a range of keys.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa

from features_pkg.entity_keys import KEY_BYTES
from stores.redis.keys import GROUPS, NAME_END, NAME_START

_KEY_SPACE = 2**32
"""How many values the first four bytes of a key have; the place depends on them alone."""


@dataclass(frozen=True, slots=True)
class RingRows:
    """All rows of a load whose entities are in the places from `first` to before `end`.

    Keys and timelines are binary arrays, one entry for each entity.
    """

    first: int
    end: int
    keys: pa.Array
    timelines: pa.Array

    def contents(self, buckets: int) -> list[dict[bytes, bytes]]:
        """For each place the timelines of its entities by name, in the order of names.

        `buckets` is how many buckets a group has.
        """
        keys = key_matrix(self.keys)
        first_bytes = keys[:, :4].copy().view(">u4").ravel().astype(np.uint64)
        places = (first_bytes * np.uint64(GROUPS * buckets)) >> np.uint64(32)
        names = np.ascontiguousarray(keys[:, NAME_START:NAME_END])
        order = np.lexsort((names.view(">u8").ravel(), places))
        sorted_names = names[order].view("V8").ravel().tolist()
        timelines = self.timelines.take(pa.array(order)).to_numpy(zero_copy_only=False).tolist()
        bounds = np.arange(self.first, self.end + 1, dtype=np.uint64)
        starts = np.searchsorted(places[order], bounds).tolist()
        return [
            dict(zip(sorted_names[start:end], timelines[start:end], strict=True))
            for start, end in pairwise(starts)
        ]


def key_matrix(keys: pa.Array) -> "np.ndarray[tuple[int, int], np.dtype[np.uint8]]":
    """The bytes of entity keys, a row for each; all keys have their full length."""
    start = keys.offset
    (offsets_at, content) = keys.buffers()[1:]
    offsets = np.frombuffer(offsets_at, np.int32)[start : start + len(keys) + 1]
    begin, end = (int(offsets[0]), int(offsets[-1])) if len(keys) else (0, 0)
    if end - begin != len(keys) * KEY_BYTES:
        raise ValueError(f"{len(keys)} keys have {end - begin} bytes instead of {KEY_BYTES} each")
    flat = np.frombuffer(content or b"", np.uint8)[begin:end]
    return flat.reshape(len(keys), KEY_BYTES)


def first_key(place: int, buckets: int) -> bytes:
    """The least first bytes of a key that is in this place or a later one; empty past the last."""
    first = -(-place * _KEY_SPACE // (GROUPS * buckets))
    return first.to_bytes(4) if first < _KEY_SPACE else b""


def place_ranges(buckets: int, parts: int) -> Sequence[tuple[int, int]]:
    """The ring's places in so many ranges of about the same width."""
    places = GROUPS * buckets
    bounds = [places * part // parts for part in range(parts + 1)]
    return [(first, end) for first, end in pairwise(bounds) if first < end]
