"""The examples in the docstrings of `features_pkg` and in its page give what they say."""

import ast
import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import features_pkg

MODULES = [
    name for _, name, _ in pkgutil.walk_packages(features_pkg.__path__, f"{features_pkg.__name__}.")
]
WITH_EXAMPLES = {
    "features_pkg.calendar.Calendar.due_day",
    "features_pkg.definitions.feature_set.FeatureSet",
    "features_pkg.definitions.velocity.parse_name",
    "features_pkg.history.value_runs.ValueRuns",
    "features_pkg.notebook.point_in_time.point_in_time",
    "features_pkg.orders.columns.normalised_table.normalise",
    "features_pkg.timelines.read.Timeline",
}
"""Those that a newcomer meets first; others may have examples, too."""

PAGE = Path(__file__).parents[2] / "docs" / "notebooks.md"


def examples_of(module: str) -> list[doctest.DocTest]:
    finder = doctest.DocTestFinder()
    tests = finder.find(importlib.import_module(module), module)
    return [test for test in tests if test.examples]


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_a_module_give_what_they_say(module: str) -> None:
    report: list[str] = []
    runner = doctest.DocTestRunner(verbose=False)
    for test in examples_of(module):
        runner.run(test, out=report.append)

    assert not report, "".join(report)


def test_what_a_newcomer_meets_first_has_an_example() -> None:
    names = {test.name for module in MODULES for test in examples_of(module)}

    assert names >= WITH_EXAMPLES


def test_the_example_of_the_page_about_notebooks_prints_what_the_page_shows() -> None:
    _, code, _, output, *_ = PAGE.read_text(encoding="utf-8").split("```")
    *statements, shown = ast.parse(code.removeprefix("python")).body
    assert isinstance(shown, ast.Expr)
    names: dict[str, object] = {}
    exec(compile(ast.Module(statements, []), str(PAGE), "exec"), names)  # noqa: S102
    table = eval(compile(ast.Expression(shown.value), str(PAGE), "eval"), names)  # noqa: S307

    assert table.to_string() == output.strip("\n")
