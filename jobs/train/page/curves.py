"""How well scores rank the orders of a hold-out, and whether they are shares."""

from typing import Final

import numpy as np

from features_pkg.array_types import Floats, Ints, Mask
from jobs.train.page.binning import LEAST_ORDERS, merged, safe_groups, shown_outcomes
from jobs.train.page.figures import Cut, ModelCurves, OutcomeBins, ScoreBin

MOST_CUTS: Final = 120
CALIBRATION_BINS: Final = 10
LEAST_ODDS, MOST_ODDS = -4.0, 2.0
"""The logarithms, to base 10, of the odds between which scores are told apart."""
SCORE_BINS: Final = 24


def model_curves(labels: Mask, scores: Floats) -> ModelCurves | None:
    """The curves of a model; None unless there are orders of both outcomes."""
    if labels.all() or not labels.any():
        return None
    by_score = np.argsort(-scores, kind="stable")
    return ModelCurves(
        _cuts(labels[by_score], scores[by_score]),
        _calibration(labels[by_score[::-1]], scores[by_score[::-1]]),
    )


def _cuts(labels: Mask, scores: Floats) -> tuple[Cut, ...]:
    """What the highest scores catch, at some of all thresholds; `scores` descend."""
    ends = np.flatnonzero(np.append(scores[1:] != scores[:-1], True))  # equal scores stay together
    hits = np.cumsum(labels, dtype=np.int64)[ends]
    flagged = ends + 1
    charged_back, honest = int(hits[-1]), len(labels) - int(hits[-1])
    chosen = _evenly_spaced(hits) | _evenly_spaced(flagged - hits)
    return tuple(
        Cut(
            honest=float((flagged[at] - hits[at]) / honest),
            charged_back=float(hits[at] / charged_back),
            precision=float(hits[at] / flagged[at]),
        )
        for at in sorted(chosen)
    )


def _evenly_spaced(ascending: Ints) -> set[int]:
    """Positions whose numbers are about as far from each other, the last one included."""
    wanted = np.linspace(0, int(ascending[-1]), MOST_CUTS // 2)
    found = np.searchsorted(ascending, wanted)
    return {int(position) for position in np.minimum(found, len(ascending) - 1)}


def _calibration(labels: Mask, scores: Floats) -> tuple[ScoreBin, ...]:
    """Bins of which each should have as many charged back orders; `scores` ascend."""
    expected = np.cumsum(scores)
    wanted = np.arange(1, CALIBRATION_BINS) / CALIBRATION_BINS * expected[-1]
    starts = np.searchsorted(scores, np.unique(scores[np.searchsorted(expected, wanted)]))
    starts = np.unique(np.append(0, starts))
    orders = np.diff(np.append(starts, len(scores)))
    groups = safe_groups(orders[np.newaxis, :])
    edges = np.append(starts, len(scores))
    return tuple(
        ScoreBin(
            orders=int(edges[end] - edges[start]),
            charged_back=int(labels[edges[start] : edges[end]].sum()),
            mean_score=float(scores[edges[start] : edges[end]].mean()),
        )
        for start, end in groups
    )


def log_odds(scores: Floats) -> Floats:
    """The logarithms, to base 10, of the odds of scores, within what charts show."""
    least, most = (10**odds / (1 + 10**odds) for odds in (LEAST_ODDS, MOST_ODDS))
    inside = np.clip(scores, least, most)
    return np.asarray(np.log10(inside / (1 - inside)))


def score_bins(labels: Mask, scores: Floats) -> OutcomeBins | None:
    """The log odds of the scores by outcome; None if there are too few orders to be shown."""
    bounds = np.linspace(LEAST_ODDS, MOST_ODDS, SCORE_BINS + 1)[1:-1]
    bins = np.searchsorted(bounds, log_odds(scores), side="right")
    counts = np.array([np.bincount(bins[labels == each], minlength=SCORE_BINS) for each in (0, 1)])
    return outcome_bins(counts, tuple(bounds.tolist()))


def outcome_bins(
    counts: Ints, bounds: tuple[float, ...], nulls: tuple[int, int] = (0, 0)
) -> OutcomeBins | None:
    """Bins that may be shown, of the counts (2, bins) between the bounds; None if there is none.

    Nulls are a bin of their own.
    """
    with_nulls = np.column_stack((counts, np.array(nulls)))
    shown = shown_outcomes(with_nulls)
    if not any(shown):
        return None
    kept = np.where(np.array(shown)[:, np.newaxis], with_nulls, 0)
    groups = safe_groups(kept[list(shown), :-1])
    honest, charged_back = merged(kept[:, :-1], groups).tolist()
    few = [None if 0 < number < LEAST_ORDERS else int(number) for number in kept[:, -1]]
    return OutcomeBins(
        bounds=tuple(bounds[start - 1] for start, _ in groups[1:]),
        honest=tuple(honest),
        charged_back=tuple(charged_back),
        shown=shown,
        nulls=(few[0], few[1]),
    )
