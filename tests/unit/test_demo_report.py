"""The demo's report on a narrow terminal."""

import io
from typing import Any

from rich.console import Console

from features_pkg.definitions.catalogue import CATALOGUE, DERIVED_CATALOGUE
from ontem.demo.report import Report, show


def a_report(**values: Any) -> Report:
    numbers: dict[str, Any] = {
        name: 0 for name in Report.__dataclass_fields__ if name not in ("riskiest_order", "stages")
    }
    return Report(
        **{
            **numbers,
            "snapshots": [],
            "different_examples": [],
            "decisions": {},
            "model": "m",
            **values,
        }
    )


def shown(report: Report, width: int) -> str:
    output = io.StringIO()
    show(report, Console(file=output, width=width))
    return output.getvalue()


def test_each_feature_is_named_whole_on_80_columns() -> None:
    names = sorted((each.name for each in (*CATALOGUE, *DERIVED_CATALOGUE)), key=len)[-10:]
    explanation = [
        {"feature": name, "value": 8_604_845.0, "median": 4_438_096.5, "change": -0.12345}
        for name in names
    ]
    order = {"order_id": "o[1]", "score": 0.9, "decision": "block", "explanation": explanation}

    page = shown(a_report(riskiest_order=order), width=80)

    for name in names:
        assert f"{name}\n" in page
    assert "8,604,845 (usually 4,438,096.500)" in page
    assert "o[1]" in page
    assert all(len(line) <= 80 for line in page.splitlines())
