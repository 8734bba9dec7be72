"""Rows that a model is tried on before it scores an order; none of them is of a real order."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

from features_pkg.array_types import Floats

PROOF_ROWS: Final = 256
GOLDEN_ROWS: Final = 32
"""How many of the proof rows ship with the model, with the scores that training gave them."""


class GoldenOutputs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rows of the model's features, null where a value is, and the score of each in training."""

    rows: list[list[float | None]]
    scores: list[float]

    @classmethod
    def of(cls, rows: Floats, scores: Floats) -> GoldenOutputs:
        """What training keeps of `rows`, a matrix with NaN for null."""
        nulls = [[None if np.isnan(value) else value for value in row] for row in rows.tolist()]
        return cls(nulls, scores.tolist())

    def matrix(self) -> Floats:
        """The rows with NaN for null; raises ValueError unless all have the same length."""
        return np.array(
            [[np.nan if value is None else value for value in row] for row in self.rows],
            dtype=np.float64,
        )


def encode_golden(golden: GoldenOutputs) -> bytes:
    """The bytes of `golden.json`."""
    return msgspec.json.encode(golden) + b"\n"


def proof_rows(medians: Floats, seed: int) -> Floats:
    """Rows that take many ways through the trees: around the medians, near and far, with nulls.

    Trees split where the training data were, from single counts to thousands of cents. So each
    value is its feature's median plus a whole number of either sign whose size is log-normal: many
    are 0 to 10, some reach thousands. A fifth of all values is null. The first three rows are the
    medians themselves, only nulls, and only zeros.
    """
    random = np.random.default_rng(seed)
    shape = (PROOF_ROWS, len(medians))
    distances = np.exp(random.normal(0.0, 3.0, shape)) * random.choice((-1.0, 1.0), shape)
    rows: Floats = np.nan_to_num(medians) + np.round(distances)
    rows[random.random(shape) < 0.2] = np.nan
    rows[0], rows[1], rows[2] = medians, np.nan, 0.0
    return rows
