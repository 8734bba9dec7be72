""".circleci/config.yml as CircleCI reads it: the `run` steps of a pipeline and their variables."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).resolve().parents[2]
CONFIG = yaml.safe_load((PROJECT / ".circleci" / "config.yml").read_text(encoding="utf-8"))
OF_A_WORKFLOW = {"requires", "filters", "context", "serial-group"}
"""What a job of a workflow has beside its parameters."""


@dataclass(frozen=True)
class Step:
    """A `run` step: a command and the variables that the file gives it."""

    job: str
    name: str
    command: str
    variables: Mapping[str, str]


def pipeline(branch: str = "main", **given: str) -> list[Step]:
    """The steps of a pipeline of a branch, with these parameters, of all workflows it starts."""
    known = {name: each["default"] for name, each in CONFIG["parameters"].items()}
    assert set(given) <= set(known)
    parameters = {f"pipeline.parameters.{name}": value for name, value in (known | given).items()}
    parameters["pipeline.git.branch"] = branch
    return [
        step
        for workflow in CONFIG["workflows"].values()
        if _begins(workflow["when"], parameters)
        for invocation in workflow["jobs"]
        if _is_of(branch, invocation)
        for step in _steps(invocation, parameters)
    ]


def every_step() -> list[Step]:
    """The steps of all pipelines that the parameters allow."""
    found = {
        (step.job, step.name): step
        for run in CONFIG["parameters"]["run"]["enum"]
        for place in CONFIG["parameters"]["place"]["enum"]
        for branch in ("main", "another")
        for step in pipeline(branch, run=run, place=place)
    }
    return list(found.values())


def _begins(condition: Mapping[str, Any], parameters: Mapping[str, str]) -> bool:
    (kind,) = condition
    if kind == "and":
        return all(_begins(each, parameters) for each in condition[kind])
    if kind == "not":
        return not _begins(condition[kind], parameters)
    assert kind == "equal"
    left, right = (_filled(each, parameters) for each in condition[kind])
    return left == right


def _is_of(branch: str, invocation: Any) -> bool:
    """Whether a job of a workflow runs for a branch."""
    if isinstance(invocation, str):
        return True
    (said,) = invocation.values()
    return said.get("filters", {"branches": {"only": branch}}) == {"branches": {"only": branch}}


def _steps(invocation: Any, parameters: Mapping[str, str]) -> Iterator[Step]:
    name, said = (invocation, {}) if isinstance(invocation, str) else next(iter(invocation.items()))
    job = CONFIG["jobs"][name]
    defaults = {
        each: kind["default"]
        for each, kind in job.get("parameters", {}).items()
        if "default" in kind
    }
    own = defaults | {each: said[each] for each in set(said) - OF_A_WORKFLOW}
    assert set(own) == set(job.get("parameters", {}))
    filled = {f"parameters.{each}": _filled(value, parameters) for each, value in own.items()}
    executor = CONFIG["executors"][_filled(job["executor"], filled)]
    variables = {**executor.get("environment", {}), **job.get("environment", {})}
    for step in _expanded(job["steps"]):
        yield Step(
            name,
            step["name"],
            _filled(step["command"], filled),
            {each: _filled(value, filled) for each, value in variables.items()},
        )


def _expanded(steps: list[Any]) -> Iterator[dict[str, Any]]:
    for step in steps:
        if isinstance(step, str) and step in CONFIG["commands"]:
            yield from _expanded(CONFIG["commands"][step]["steps"])
        elif isinstance(step, dict) and "run" in step:
            yield step["run"]


def _filled(text: str, parameters: Mapping[str, str]) -> str:
    return re.sub(r"<< ([\w.-]+) >>", lambda found: parameters[found[1]], text)
