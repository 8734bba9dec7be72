"""Whether bytes are a whole Avro file, asked before they are decoded.

PyIceberg's decoder is compiled and reads on where a file has ended: one that was cut short may end
the process. A file is the four bytes `Obj` and 1, the header (pairs of texts), 16 bytes of its own,
and blocks: a number of rows, a number of bytes, so many bytes, the same 16 bytes.
"""

import json
import zlib
from typing import Final

MAGIC: Final = b"Obj\x01"
MARKER_BYTES: Final = 16


class AvroDamaged(ValueError):
    """Bytes that are no whole Avro file."""


class _Cursor:
    """Reads bytes from the first to the last one, and none beyond."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at = content, 0

    @property
    def is_at_end(self) -> bool:
        return self._at == len(self._content)

    def take(self, number: int) -> bytes:
        """So many bytes. Raises AvroDamaged where there are fewer."""
        if not 0 <= number <= len(self._content) - self._at:
            raise AvroDamaged
        self._at += number
        return self._content[self._at - number : self._at]

    def number(self) -> int:
        """A whole number: seven bits a byte, the lowest first, and the sign in the lowest bit."""
        value = shift = 0
        while True:
            (byte,) = self.take(1)
            value |= (byte & 0x7F) << shift
            if byte < 0x80 or shift > 63:
                return (value >> 1) ^ -(value & 1)
            shift += 7

    def text(self) -> bytes:
        """A number of bytes, and so many."""
        return self.take(self.number())


def check_frame(content: bytes) -> None:
    """Raises AvroDamaged unless all of an Avro file is there, and its blocks can be unpacked."""
    cursor = _Cursor(content)
    if cursor.take(len(MAGIC)) != MAGIC:
        raise AvroDamaged
    header = _header(cursor)
    marker = cursor.take(MARKER_BYTES)
    try:
        json.loads(header.get(b"avro.schema", b""))
        while not cursor.is_at_end:
            cursor.number()
            block = cursor.text()
            if header.get(b"avro.codec") == b"deflate":
                zlib.decompress(block, -zlib.MAX_WBITS)
            if cursor.take(MARKER_BYTES) != marker:
                raise AvroDamaged
    except (ValueError, zlib.error):  # that of json is a ValueError
        raise AvroDamaged from None


def _header(cursor: _Cursor) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    while pairs := cursor.number():
        if pairs < 0:  # then their bytes are counted, too
            cursor.number()
        for _ in range(abs(pairs)):
            name = cursor.text()
            found[name] = cursor.text()
    return found
