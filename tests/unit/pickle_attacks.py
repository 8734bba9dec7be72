"""Pickles put together by hand: what an attacker writes who can write both files of a model."""

import pickle
from dataclasses import dataclass

PIPELINE = ("sklearn.pipeline", "Pipeline")
DTYPE = ("numpy", "dtype")
ARRAY = ("numpy._core.numeric", "_frombuffer")
NUMBER = ("numpy._core.multiarray", "scalar")


@dataclass(frozen=True)
class Code:
    """The opcodes that push one object."""

    opcodes: bytes

    def built(self, state: object) -> "Code":
        """The object after BUILD with `state`."""
        return Code(self.opcodes + value(state).opcodes + pickle.BUILD)

    def with_item(self, key: object, item: object) -> "Code":
        """The object after `object[key] = item`."""
        return Code(self.opcodes + value(key).opcodes + value(item).opcodes + pickle.SETITEM)

    @property
    def remembered(self) -> "Code":
        """The object, which `AGAIN` pushes once more."""
        return Code(self.opcodes + pickle.BINPUT + b"\xc8")

    @property
    def content(self) -> bytes:
        """The whole pickle."""
        return pickle.PROTO + b"\x05" + self.opcodes + pickle.STOP


AGAIN = Code(pickle.BINGET + b"\xc8")
"""The object that was `remembered`."""


def named(name: tuple[str, str]) -> Code:
    """What the pickle gets for an import."""
    return Code(value(name[0]).opcodes + value(name[1]).opcodes + pickle.STACK_GLOBAL)


def value(item: object) -> Code:
    """Code as it is; containers with code in them; anything else as `pickle` writes it."""
    if isinstance(item, Code):
        return item
    if isinstance(item, tuple):
        return Code(pickle.MARK + b"".join(value(part).opcodes for part in item) + pickle.TUPLE)
    if isinstance(item, dict):
        parts = (value(part).opcodes for pair in item.items() for part in pair)
        return Code(pickle.EMPTY_DICT + pickle.MARK + b"".join(parts) + pickle.SETITEMS)
    if isinstance(item, list):
        parts = (value(part).opcodes for part in item)
        return Code(pickle.EMPTY_LIST + pickle.MARK + b"".join(parts) + pickle.APPENDS)
    if isinstance(item, bytearray):
        return Code(pickle.BYTEARRAY8 + len(item).to_bytes(8, "little") + item)
    return Code(pickle.dumps(item, protocol=3)[2:-1])


def call(name: tuple[str, str], *arguments: object) -> Code:
    """The result of REDUCE."""
    return Code(named(name).opcodes + value(arguments).opcodes + pickle.REDUCE)


def new(name: tuple[str, str], *arguments: object) -> Code:
    """The result of NEWOBJ."""
    return Code(named(name).opcodes + value(arguments).opcodes + pickle.NEWOBJ)


def dtype(code: object, *, flags: int = 0) -> Code:
    """A dtype of plain values, with its state."""
    return call(DTYPE, code, False, True).built((3, "<", None, None, None, -1, -1, flags))


def array(content: object, of: Code, shape: tuple[int, ...], order: str = "C") -> Code:
    """An array over `content`."""
    return call(ARRAY, content, of, shape, order)
