"""One rule broken in the code, for as long as a test looks at it."""

from __future__ import annotations

import functools
import importlib
import inspect
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import Any, NamedTuple, cast

from features_pkg.definitions.velocity import Measure
from features_pkg.measures import MEASURES, MeasureEngines


class Mistake(NamedTuple):
    """In the source of `function` ("module:qualified.name") `rule` becomes `instead`."""

    function: str
    rule: str
    instead: str


class Swap(NamedTuple):
    """What `measure` is, another one answers."""

    measure: Measure
    by: MeasureEngines


@contextmanager
def broken(mistake: Mistake | Swap) -> Iterator[None]:
    """While inside, the code makes the mistake."""
    with _swapped(mistake) if isinstance(mistake, Swap) else _reworded(mistake):
        yield


@contextmanager
def _swapped(swap: Swap) -> Iterator[None]:
    measures = cast("dict[Measure, MeasureEngines]", MEASURES)
    right = measures[swap.measure]
    measures[swap.measure] = swap.by
    try:
        yield
    finally:
        measures[swap.measure] = right


@contextmanager
def _reworded(mistake: Mistake) -> Iterator[None]:
    """Everybody who holds the function gets the broken one: only its code object is replaced."""
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
