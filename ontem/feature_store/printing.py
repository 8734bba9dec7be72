"""What `ontem features` prints: lines for people, and what becomes JSON for programs."""

from __future__ import annotations

import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from ontem.feature_store.comparing.comparison import Comparison
from ontem.feature_store.comparing.side import Side
from ontem.feature_store.sheet import FeatureSheet
from ontem.feature_store.words.hit import Hit

if TYPE_CHECKING:  # it needs all that the stores need, which no other sheet does
    from ontem.feature_store.descriptions import FeatureDescription

WIDTH: Final = 100
LABEL: Final = 10


def hit_lines(hit: Hit) -> list[str]:
    """A hit: its score and name, and below them what it means."""
    indent = " " * 7
    return [
        f"{hit.score:5.1f}  {hit.name}",
        *textwrap.wrap(hit.words, WIDTH, initial_indent=indent, subsequent_indent=indent),
    ]


def sheet_lines(sheet: FeatureSheet) -> list[str]:
    """A sheet: a line, or several, for each thing that it says."""
    rows = [
        ("means", sheet.words),
        ("why", sheet.reason),
        ("formula", sheet.formula),
        ("kind", sheet.kind),
        ("past", sheet.past),
        ("window", sheet.window or "none"),
        ("null for", "; ".join(sheet.null_for) or "never"),
        ("served", sheet.served),
        *[("reads", name) for name in sheet.reads],
        *[("nearest", name) for name in sheet.nearest],
    ]
    return [line for label, text in rows for line in _row_lines(label, text)]


def figure_lines(described: FeatureDescription) -> list[str]:
    """What was measured of a feature, and who uses it."""
    since = described.served_since
    rows = [
        ("bytes", f"{described.entity_bytes.sentence}; alone {described.own_bytes.sentence}"),
        ("time", f"{described.microseconds} microseconds ({described.microseconds.reason})"),
        ("null", described.null_rate.sentence),
        ("zero", described.zero_rate.sentence),
        *[("model", str(model)) for model in described.models],
        ("since", f"{since:%Y-%m-%d %H:%M}Z, {described.usage.reason}" if since else ""),
    ]
    if not since:
        rows[-1] = ("since", described.usage.reason)
    return [line for label, text in rows for line in _row_lines(label, text)]


def figure_json(described: FeatureDescription) -> dict[str, object]:
    """The same for programs."""
    since = described.served_since
    return {
        "entity_bytes": asdict(described.entity_bytes),
        "own_bytes": asdict(described.own_bytes),
        "microseconds": asdict(described.microseconds),
        "null_rate": asdict(described.null_rate),
        "zero_rate": asdict(described.zero_rate),
        "models": [model.name for model in described.models],
        "served_since": since.isoformat() if since else None,
    }


def _row_lines(label: str, text: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=f"  {label:{LABEL}}",
        subsequent_indent=" " * (LABEL + 2),
        break_long_words=False,
        break_on_hyphens=False,
    )


def comparison_lines(comparison: Comparison) -> list[str]:
    """A comparison: both sides, what only one has, and what a switch needs."""
    lines = [_side_line(" ", comparison.before), _side_line(" ", comparison.after)]
    lines += [f"+ {name}" for name in comparison.added]
    lines += [f"- {name}" for name in comparison.removed]
    lines.append(
        f"{len(comparison.added)} added, {len(comparison.removed)} removed, "
        f"{len(comparison.same)} the same"
    )
    return lines + [line for text in comparison.sentences for line in _row_lines("switch", text)]


def _side_line(mark: str, side: Side) -> str:
    return (
        f"{mark} {side.title}: {len(side.features)} features of feature set {side.feature_set}, "
        f"timelines {side.timelines}"
    )


def comparison_json(comparison: Comparison) -> dict[str, object]:
    """The same for programs."""
    written = asdict(comparison)
    for side in ("before", "after"):
        written[side].pop("features")
    return written
