"""The alerts and the dashboard ask for metrics that the service has, by labels that they have."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import jsonschema
import promql_parser
import pytest
import yaml

from service.breaker import BreakerState
from service.metrics.catalogue import SECONDS, Metrics, Stage
from service.metrics.page import StateCollector
from service.problems import HTTP_CODES, PROBLEMS
from service.shared_status import Served, Status
from service.snapshot_age import SnapshotAge
from service.states import OK

PROJECT = Path(__file__).parents[2]
ALERTS = PROJECT / "deploy" / "monitoring" / "alerts.yaml"
DASHBOARD = PROJECT / "deploy" / "monitoring" / "dashboard.json"
RUNBOOK = PROJECT / "docs" / "operations.md"

SCRAPED = {"instance", "job"}
"""Labels that Prometheus adds."""
THINGS = {"postgresql", "redis", "snapshot", "model"}
VALUES: dict[str, set[str]] = {
    "stage": set(get_args(Stage)),
    "endpoint": {"evaluate"},
    "basis": {"score", "policy"},
    "thing": THINGS,
    "code": {code for _, code in PROBLEMS.values()} | set(HTTP_CODES.values()),
    "state": {*get_args(BreakerState), "ready", "taken", "wanted"},
    "le": {str(bound) for bound in SECONDS},
}
"""What a label that is asked for by its value can be."""

TEXT = {"type": "string", "minLength": 1}
RULES = {
    "type": "object",
    "additionalProperties": False,
    "required": ["groups"],
    "properties": {
        "groups": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name", "rules"],
                "properties": {
                    "name": TEXT,
                    "rules": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "additionalProperties": False,
                            "required": ["alert", "expr", "labels", "annotations"],
                            "properties": {
                                "alert": {"type": "string", "pattern": "^Ontem[A-Za-z]+$"},
                                "expr": TEXT,
                                "for": {"type": "string", "pattern": "^[0-9]+[smh]$"},
                                "labels": {
                                    "type": "object",
                                    "properties": {"severity": {"enum": ["page", "ticket"]}},
                                    "required": ["severity"],
                                    "additionalProperties": False,
                                },
                                "annotations": {
                                    "type": "object",
                                    "properties": {"summary": TEXT, "runbook": TEXT},
                                    "required": ["summary", "runbook"],
                                    "additionalProperties": False,
                                },
                            },
                        },
                    },
                },
            },
        }
    },
}
"""What Prometheus reads in a file of rules, as far as ours uses it."""


def alerts() -> list[dict[str, Any]]:
    file = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))
    return [rule for group in file["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    return list(json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"])


def expressions() -> list[str]:
    """All of both files; where Grafana puts an interval in, one stands already."""
    asked = [target["expr"] for panel in panels() for target in panel["targets"]]
    return [
        *(rule["expr"] for rule in alerts()),
        *(text.replace("$__rate_interval", "1m") for text in asked),
    ]


def selectors(node: Any) -> Iterator[Any]:
    """The selectors of series in a parsed expression."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node
        return
    parts = ("lhs", "rhs", "expr", "param", "vector_selector")
    for child in [getattr(node, part, None) for part in parts] + list(getattr(node, "args", ())):
        if child is not None:
            yield from selectors(child)


def series() -> dict[str, set[str]]:
    """The names of all series, with their labels."""
    known: dict[str, set[str]] = {}
    for metric in Metrics().registry._collector_to_names:
        endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
        for ending in endings.get(metric._type, ("",)):
            more = {"le"} if ending == "_bucket" else set()
            known[metric._name + ending] = {*metric._labelnames, *more}
    served = Served("", "", "", "", SnapshotAge(age_days=1, stale_days=0))
    for family in StateCollector(Status(True, {"redis": OK}, served), 0).collect():
        known[family.name] = set(family.samples[0].labels)
    return known


@pytest.mark.parametrize("text", expressions())
def test_an_expression_asks_for_series_that_there_are(text: str):
    known, found = series(), list(selectors(promql_parser.parse(text)))

    assert found
    for selector in found:
        assert selector.name in known
        for matcher in selector.matchers.matchers:
            assert matcher.name in known[selector.name] | SCRAPED, matcher
            if matcher.name not in SCRAPED:
                assert set(matcher.value.split("|")) <= VALUES[matcher.name], matcher


def test_every_selector_of_an_expression_is_looked_at():
    text = 'abs(sum by (a) (rate(x{b="c"}[1m])) / y) > max(z) and on () absent(w)'

    assert [found.name for found in selectors(promql_parser.parse(text))] == ["x", "y", "z", "w"]


@pytest.mark.parametrize("metric", sorted(series()))
def test_every_metric_is_on_the_dashboard_or_in_an_alert(metric: str):
    base = re.sub("_(bucket|sum|count)$", "", metric)

    assert any(base in text for text in expressions())


def test_the_alerts_are_a_file_of_rules():
    file = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))
    names = [rule["alert"] for rule in alerts()]

    jsonschema.validate(file, RULES)
    assert len(names) == len(set(names))


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_accepts_the_alerts():
    done = subprocess.run(
        ["promtool", "check", "rules", "--lint-fatal", str(ALERTS)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_its_section_and_every_section_an_alert():
    sections = re.findall(r"^### (Ontem\w+)$", RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE)

    assert [rule["alert"] for rule in alerts()] == sections
    for rule in alerts():
        anchor = f"docs/operations.md#{rule['alert'].lower()}"
        assert rule["annotations"]["runbook"] == anchor


def test_every_panel_can_be_drawn_at_its_own_place():
    places: list[tuple[int, int]] = []
    for panel in panels():
        at = panel["gridPos"]
        assert 0 <= at["x"] <= at["x"] + at["w"] <= 24
        places += [
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        ]
        assert panel["type"] in {"stat", "timeseries", "heatmap", "table"}
        assert panel["datasource"]["uid"] == "${datasource}"
        letters = [target["refId"] for target in panel["targets"]]
        assert letters == sorted(set(letters))
    ids = [panel["id"] for panel in panels()]

    assert len(places) == len(set(places))
    assert len(ids) == len(set(ids))
    assert {each["name"] for each in templates()} == {"datasource", "instance"}


def templates() -> list[dict[str, Any]]:
    return list(json.loads(DASHBOARD.read_text(encoding="utf-8"))["templating"]["list"])
