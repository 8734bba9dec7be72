"""Whether a compiled model scores as its pickle does, and as it did in training."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from features_pkg.array_types import Floats
from features_pkg.models.bundle import GOLDEN, Bundle
from features_pkg.models.golden import GoldenOutputs
from features_pkg.models.linear import scaling_of
from features_pkg.models.manifest import ModelRefused
from features_pkg.models.scoring import FOREST, Scorer, bounded
from features_pkg.models.unpickling import REFUSALS

TOLERANCE: Final = 1e-12


def prove(folder: Path, pipeline: Any, scorer: Scorer, rows: Floats) -> None:
    """Raise ModelRefused unless the scorer gives `rows` the pickle's scores, at once and singly."""
    try:
        expected = predicted(pipeline, rows)
        is_same = np.allclose(scorer.scores(rows), expected, rtol=0.0, atol=TOLERANCE)
    except REFUSALS as error:
        reason = first_line(error)
        raise ModelRefused(folder, f"its pipeline does not predict ({reason})") from None
    if not np.all((expected >= 0.0) & (expected <= 1.0)):
        wrong = expected[~((expected >= 0.0) & (expected <= 1.0))][0]
        raise ModelRefused(folder, f"it scores {wrong} where a score is from 0 to 1")
    if not is_same:
        raise ModelRefused(folder, "its compiled form does not score as its pickle does")
    singly = [scorer.score(row.tolist()) for row in rows[::16]]
    if not np.allclose(singly, expected[::16], rtol=0.0, atol=TOLERANCE):
        raise ModelRefused(folder, "its compiled form scores one row differently than many")


def predicted(pipeline: Any, rows: Floats) -> Floats:
    """The probability of fraud that scikit-learn predicts for each row; a forest's is bounded."""
    if hasattr(pipeline, "ontem_scaling_"):
        rows = scaling_of(pipeline).columns(rows)
    shares = pipeline.predict_proba(rows)
    labels = [int(label) for label in pipeline.classes_]
    found = np.asarray(shares[:, labels.index(1)]) if 1 in labels else np.zeros(len(rows))
    return bounded(found) if type(pipeline.steps[-1][1]).__name__ == FOREST else found


def check_golden(folder: Path, bundle: Bundle, scorer: Scorer) -> None:
    """Raise ModelRefused unless the golden rows have the scores that they had in training."""
    try:
        golden = msgspec.json.decode(bundle.contents[GOLDEN], type=GoldenOutputs)
        rows, trained = golden.matrix(), np.array(golden.scores, dtype=np.float64)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise ModelRefused(folder, f"{GOLDEN} has no golden rows ({first_line(error)})") from None
    if not len(trained) or rows.shape != (len(trained), len(bundle.manifest.features)):
        raise ModelRefused(folder, f"{GOLDEN} does not have a score for each row of its features")
    scores = scorer.scores(rows)
    wrong = np.flatnonzero(~np.isclose(scores, trained, rtol=0.0, atol=TOLERANCE))
    if len(wrong):
        row = int(wrong[0])
        raise ModelRefused(
            folder, f"it scores golden row {row} as {scores[row]}, and training as {trained[row]}"
        )


def first_line(error: Exception) -> str:
    """What an error says, in a line."""
    return (str(error) or type(error).__name__).splitlines()[0]
