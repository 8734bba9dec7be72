"""Avro files: a whole one passes, and none that was cut or damaged in its frame."""

import zlib

import pytest

from stores.offline.avro_frame import AvroDamaged, check_frame

MARKER = bytes(range(16))


def number(value: int) -> bytes:
    """A whole number of up to 13 bits, as Avro has it."""
    coded = value * 2 if value >= 0 else -value * 2 - 1
    return bytes([coded]) if coded < 0x80 else bytes([coded & 0x7F | 0x80, coded >> 7])


def text(content: bytes) -> bytes:
    return number(len(content)) + content


def avro(codec: bytes, *blocks: bytes, schema: bytes = b'{"type": "long"}') -> bytes:
    header = number(2) + text(b"avro.schema") + text(schema) + text(b"avro.codec") + text(codec)
    start = b"Obj\x01" + header + number(0) + MARKER
    return start + b"".join(number(1) + text(block) + MARKER for block in blocks)


def deflated(content: bytes) -> bytes:
    packing = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packing.compress(content) + packing.flush()


WHOLE = avro(b"deflate", deflated(b"a row" * 200), deflated(b"another"))


def test_a_whole_file_passes() -> None:
    check_frame(WHOLE)
    check_frame(avro(b"null", b"a row"))
    check_frame(avro(b"null"))


def test_a_header_in_parts_whose_bytes_are_counted_passes() -> None:
    pair = text(b"avro.schema") + text(b"1")
    check_frame(b"Obj\x01" + number(-1) + number(len(pair)) + pair + number(0) + MARKER)


def test_a_file_that_was_cut_does_not_pass_unless_at_the_end_of_a_block() -> None:
    ends = {len(avro(b"deflate")), len(avro(b"deflate", deflated(b"a row" * 200)))}

    for length in set(range(len(WHOLE))) - ends:
        with pytest.raises(AvroDamaged):
            check_frame(WHOLE[:length])


@pytest.mark.parametrize(
    "damaged",
    [
        WHOLE[:-1] + b"?",
        b"PAR1" + WHOLE[4:],
        WHOLE + b"\x02",
        avro(b"deflate", b"not packed"),
        avro(b"null", b"a row", schema=b"{"),
        avro(b"null", b"a row", schema=b"\xff"),
        b"Obj\x01" + b"\xff" * 40,
        b"Obj\x01" + number(1) + number(-5) + WHOLE,
    ],
)
def test_what_is_damaged_in_its_frame_does_not_pass(damaged: bytes) -> None:
    with pytest.raises(AvroDamaged):
        check_frame(damaged)
