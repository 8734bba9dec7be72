"""docs/operations.md lists the metrics and the events that there are; no label tells of anybody."""

import re
from pathlib import Path
from typing import Any

from prometheus_client.metrics_core import Metric

from service.metrics.catalogue import Metrics
from service.metrics.page import StateCollector
from service.shared_status import Served, Status
from service.snapshot_age import SnapshotAge
from service.states import OK

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
ROW = re.compile(r"^\| `(ontem_\w+)` \| (\w+) \|([^|]*)\|", re.MULTILINE)


def families() -> dict[str, Metric]:
    """All metrics by name; every label has a value, so that the labels can be seen."""
    served = Served("0.1.7", "abc", "a model", "a set", SnapshotAge())
    now = StateCollector(Status(True, {"redis": OK}, served), 0)
    return {family.name: family for family in (*Metrics().registry.collect(), *now.collect())}


def labels_of(metric: Any) -> tuple[str, ...]:
    return tuple(getattr(metric, "_labelnames", ()))


def test_the_page_lists_the_metrics_with_their_types():
    listed = {name: kind for name, kind, _ in ROW.findall(PAGE.read_text(encoding="utf-8"))}

    assert listed == {
        f"{name}_total" if family.type == "counter" else name: family.type
        for name, family in families().items()
    }


def test_the_page_lists_the_labels_of_each_metric():
    listed = {
        name: tuple(re.findall(r"`(\w+)`", labels))
        for name, _, labels in ROW.findall(PAGE.read_text(encoding="utf-8"))
    }
    counted = {
        f"{each._name}_total" if each._type == "counter" else each._name: labels_of(each)
        for each in Metrics().registry._collector_to_names
    }
    asked = {
        name: tuple(sample.labels)
        for name, family in families().items()
        for sample in family.samples[:1]
        if name not in counted and f"{name}_total" not in counted
    }

    assert {name: labels for name, labels in listed.items() if labels} == {
        name: labels for name, labels in (counted | asked).items() if labels
    }


def test_no_label_is_a_merchant_or_an_order():
    page = PAGE.read_text(encoding="utf-8")
    used = {label for _, _, labels in ROW.findall(page) for label in re.findall(r"`(\w+)`", labels)}

    assert used == {
        *("endpoint", "stage", "status", "code", "decision", "basis", "part", "reason", "cause"),
        "kind",
        *("lane", "store", "state", "thing", "version", "commit", "model", "feature_set"),
    }


def test_the_page_lists_the_events_of_the_log():
    section = PAGE.read_text(encoding="utf-8").partition("## The log")[2]
    listed = {
        event
        for cell in re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE)
        for event in re.findall(r"`([^`]+)`", cell)
    }
    written = {
        event
        for path in (PAGE.parents[1] / "service").rglob("*.py")
        for event in re.findall(r'log\.(?:info|error)\(\s*"([^"]+)"', path.read_text("utf-8"))
    }

    assert listed == written
