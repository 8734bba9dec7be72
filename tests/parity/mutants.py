"""One rule broken in the source of one function, for as long as a test looks at it."""

from __future__ import annotations

import functools
import importlib
import inspect
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import Any, NamedTuple


class Mistake(NamedTuple):
    """In the source of `function` ("module:qualified.name") `rule` becomes `instead`."""

    function: str
    rule: str
    instead: str


@contextmanager
def broken(mistake: Mistake) -> Iterator[None]:
    """While inside, the code makes the mistake.

    Everybody who holds the function gets the broken one: only its code object is replaced.
    """
    found = _find(mistake.function)
    source = textwrap.dedent(inspect.getsource(found))
    assert source.count(mistake.rule) == 1, f"{mistake.function} has no longer once: {mistake.rule}"
    whole = found.__code__
    made: dict[str, Any] = {}
    exec(source.replace(mistake.rule, mistake.instead), {**found.__globals__}, made)  # noqa: S102
    found.__code__ = _plain(made[found.__name__]).__code__
    try:
        yield
    finally:
        found.__code__ = whole


def _find(function: str) -> FunctionType:
    module, _, path = function.partition(":")
    found: Any = importlib.import_module(module)
    for name in path.split("."):
        found = inspect.getattr_static(found, name)
    return _plain(found)


def _plain(found: Any) -> FunctionType:
    if isinstance(found, property):
        found = found.fget
    if isinstance(found, functools.cached_property):
        found = found.func
    if isinstance(found, classmethod | staticmethod):
        found = found.__func__
    assert isinstance(found, FunctionType)
    return found
