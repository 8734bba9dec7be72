"""The change to the catalogue that makes a candidate a feature."""

import ast
import difflib
import inspect
from collections.abc import Sequence
from typing import Any, Final

from features_pkg.definitions import catalogue
from features_pkg.definitions.derived import parse_feature
from features_pkg.definitions.velocity import Velocity

PATH: Final = "features_pkg/definitions/catalogue.py"
_LISTS: Final = {"derived": "DERIVED", "count": "OTHER_COUNTS"}
_LINE_LENGTH: Final = 100
"""Of ruff, in pyproject.toml."""
_OTHERS: Final = "DISTINCTS"
"""Where a name goes of whose kind no list has any, if `_LISTS` does not say it."""


def present_text() -> str:
    """The catalogue as it is."""
    return inspect.getsource(catalogue)


def changed_text(text: str, names: Sequence[str]) -> str:
    """The text of the catalogue with these features, each in a line of its own."""
    for name in names:
        text = _with(text, name)
    return text


def difference(before: str, after: str) -> str:
    """The change as `git diff` writes it."""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True),
        after.splitlines(keepends=True),
        f"a/{PATH}",
        f"b/{PATH}",
        n=1,
    )
    return "".join(lines)


def names_in(text: str) -> tuple[str, ...]:
    """The features of a catalogue with that text. Raises DefinitionError, as an import does."""
    module: dict[str, Any] = {"__name__": "a changed catalogue"}
    exec(compile(text, PATH, "exec"), module)  # noqa: S102  our own text, and a name that parses
    return tuple(each.name for each in (*module["CATALOGUE"], *module["DERIVED_CATALOGUE"]))


def _with(text: str, name: str) -> str:
    """The text with the name at the end of the list that has most names of its kind."""
    kind = _kind_of(name)
    lists = _lists_of_names(text)
    alike = {
        key: [_kind_of(each) for each in names].count(kind) for key, (_, names) in lists.items()
    }
    chosen = max(alike, key=lambda key: alike[key])
    node, names = lists[chosen if alike[chosen] else _LISTS.get(kind, _OTHERS)]
    lines = text.splitlines(keepends=True)
    end = (node.end_lineno or node.lineno) - 1
    if end == node.lineno - 1:
        before, after = lines[end][: node.col_offset], lines[end][node.end_col_offset :]
        lines[end] = f"{before}{_tuple_of([*names, name], len(before))}{after}"
        return "".join(lines)
    return "".join([*lines[:end], f'    "{name}",\n', *lines[end:]])


def _tuple_of(names: Sequence[str], column: int) -> str:
    """The tuple of these names that begins in this column, as ruff formats it."""
    alone = f'("{names[0]}",)'
    if len(names) == 1 and column + len(alone) <= _LINE_LENGTH:
        return alone
    return "".join(["(\n", *(f'    "{name}",\n' for name in names), ")"])


def _kind_of(name: str) -> str:
    feature = parse_feature(name)
    if not isinstance(feature, Velocity):
        return "derived"
    is_delayed = feature.window is not None and feature.window.delay_days > 0
    return f"{'delayed ' if is_delayed else ''}{feature.measure}"


def _lists_of_names(text: str) -> dict[str, tuple[ast.Tuple, list[str]]]:
    """The catalogue's tuples of names, each with those that are written out."""
    found = {}
    for statement in ast.parse(text).body:
        if not isinstance(statement, (ast.Assign, ast.AnnAssign)):
            continue
        target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
        if isinstance(statement.value, ast.Tuple):
            items = statement.value.elts
            if all(isinstance(item, (ast.Constant, ast.Starred)) for item in items):
                names = [str(item.value) for item in items if isinstance(item, ast.Constant)]
                found[ast.unparse(target)] = (statement.value, names)
    return found
