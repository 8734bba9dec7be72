"""A trained model, ready to score: checked, unpickled from an allow list, compiled and proved."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import pairwise
from math import inf, isinf
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from features_pkg.array_types import Floats
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.errors import FeatureError
from features_pkg.models.bundle import PICKLE, Bundle, read_bundle
from features_pkg.models.calibration import calibrated
from features_pkg.models.golden import proof_rows
from features_pkg.models.manifest import ModelManifest, ModelRefused
from features_pkg.models.proof import check_golden, first_line, prove
from features_pkg.models.scoring import Scorer, compile_pipeline
from features_pkg.models.shapley import Attribution, attribution
from features_pkg.models.signing import VerifyKeys
from features_pkg.models.trees import PipelineUnknown
from features_pkg.models.unpickling import REFUSALS, unpickle

LIBRARIES: Final[Mapping[str, int]] = MappingProxyType({"scikit-learn": 3, "numpy": 1})
"""How many parts of a library's version must be those of the training.

scikit-learn supports no pickle of any other version of itself, and warns at each. Of NumPy a pickle
holds bytes and the names of dtypes only, which a major version keeps.
"""


class NotFinite(FeatureError):
    """An infinite feature value, or a score that is not a number from 0 to 1."""

    def __init__(self, subject: str, value: float) -> None:
        super().__init__(
            f"{subject} is {value}: features are finite or NaN for null, a score is from 0 to 1"
        )
        self.subject, self.value = subject, value


@dataclass(frozen=True, slots=True)
class Contribution:
    """How one feature moved a score: `change` is the score less what it is at `median`."""

    feature: str
    value: float | None
    median: float | None
    change: float


@dataclass(frozen=True, slots=True)
class Model:
    """Scores vectors of its feature set: float64 in the order of `FeatureSet.names`, NaN is null.

    A model may use some of the set's features only: `positions` are theirs in a vector.
    """

    manifest: ModelManifest
    positions: tuple[int, ...]
    medians: Floats
    scorer: Scorer

    def score(self, values: Sequence[float] | Floats) -> float:
        """The score of one vector, from 0 to 1; raises NotFinite."""
        own = [values[position] for position in self.positions]
        if inf in own or -inf in own:
            column = next(column for column, value in enumerate(own) if isinf(value))
            raise NotFinite(self.manifest.features[column], own[column])
        score = self.scorer.score(own)
        if not 0.0 <= score <= 1.0:
            raise NotFinite("the score", score)
        return score

    def score_many(self, matrix: Floats) -> Floats:
        """The scores of `n` vectors, a matrix of `(n, len(FeatureSet.names))`; raises NotFinite."""
        own = matrix[:, self.positions]
        if np.isinf(own).any():
            row, column = np.argwhere(np.isinf(own))[0]
            raise NotFinite(self.manifest.features[column], float(own[row, column]))
        scores = self.scorer.scores(own)
        if not np.all((scores >= 0.0) & (scores <= 1.0)):
            raise NotFinite("the score", float(scores[~((scores >= 0) & (scores <= 1))][0]))
        return scores

    def explain(self, values: Sequence[float] | Floats, n: int = 10) -> tuple[Contribution, ...]:
        """The `n` features that moved the score most from what it is at their medians.

        Each feature is replaced by its median while all others stay. What two features say only
        together therefore shows at both, and contributions do not add up to the score.
        """
        own = np.asarray(values, dtype=np.float64)[list(self.positions)]
        # One copy of the vector per feature, with that feature's median on the diagonal; the last
        # row, below the diagonal's end, stays the vector itself.
        replaced = np.tile(own, (len(own) + 1, 1))
        np.fill_diagonal(replaced, self.medians)
        scores = self.scorer.scores(replaced)
        changes = scores[-1] - scores[:-1]
        largest = np.argsort(-np.abs(changes), kind="stable")[:n]
        return tuple(
            Contribution(
                feature=self.manifest.features[position],
                value=_or_null(own[position]),
                median=self.manifest.medians[position],
                change=float(changes[position]),
            )
            for position in largest
        )

    def attribution(self, values: Sequence[float] | Floats) -> Attribution:
        """The parts of the log odds of one vector's score, one for each value of the vector.

        What the model does not read has no part in it: 0.
        """
        vector = np.asarray(values, dtype=np.float64)
        own = attribution(self.scorer, vector[list(self.positions)])
        parts = np.zeros(len(vector))
        parts[list(self.positions)] = own.parts
        return Attribution(own.base, parts)


def load_model(folder: Path, feature_set: FeatureSet, keys: VerifyKeys) -> Model:
    """The model in `folder`, to score vectors of `feature_set`.

    The checks come in this order: signature, hashes, libraries, feature set and settings. Only then
    a byte is unpickled, and what came of it must score as training did.

    Raises:
        ModelRefused: it is damaged, none of `keys` signed it, it was trained under other settings,
            features or libraries, or it does not score as it did in training.
    """
    bundle = read_bundle(folder, keys)
    manifest = bundle.manifest
    positions = check_manifest(folder, manifest, feature_set)
    pipeline = _unpickle(folder, bundle)
    medians = as_floats(manifest.medians)
    try:
        scorer = compile_pipeline(pipeline)
    except PipelineUnknown as error:
        raise ModelRefused(folder, f"it can't be compiled ({error})") from None
    prove(folder, pipeline, scorer, proof_rows(medians, manifest.seed))
    scorer = calibrated(scorer, manifest.calibration)
    check_golden(folder, bundle, scorer)
    return Model(manifest=manifest, positions=positions, medians=medians, scorer=scorer)


def check_manifest(
    folder: Path, manifest: ModelManifest, feature_set: FeatureSet
) -> tuple[int, ...]:
    """Where each feature of the model is in a vector of `feature_set`.

    Raises ModelRefused where libraries, settings or features here are not those of the training.
    """
    _check_libraries(folder, manifest)
    positions = _positions(folder, manifest, feature_set)
    _check_settings(folder, manifest, feature_set)
    return positions


def as_floats(medians: Sequence[float | None]) -> Floats:
    """The medians of a manifest with NaN for null."""
    return np.array([np.nan if each is None else each for each in medians], dtype=np.float64)


def _positions(folder: Path, manifest: ModelManifest, feature_set: FeatureSet) -> tuple[int, ...]:
    """Where each feature of the model is in a vector of the feature set."""
    position_of = {name: position for position, name in enumerate(feature_set.names)}
    unknown = [name for name in manifest.features if name not in position_of]
    if unknown:
        raise ModelRefused(folder, f"the feature set here has no {unknown[0]}")
    positions = tuple(position_of[name] for name in manifest.features)
    if any(left >= right for left, right in pairwise(positions)):
        raise ModelRefused(folder, "its features are not in the order of the feature set")
    return positions


def _check_settings(folder: Path, manifest: ModelManifest, feature_set: FeatureSet) -> None:
    lag_seconds = feature_set.snapshot_lag.total_seconds()
    pairs = (
        ("the time zone", manifest.timezone, feature_set.timezone),
        ("the snapshot lag in seconds", manifest.snapshot_lag_seconds, lag_seconds),
        ("the timelines id", manifest.timelines, feature_set.timelines_id),
        ("the feature set", manifest.feature_set, feature_set.version),
    )
    for setting, trained, here in pairs:
        if trained != here:
            raise ModelRefused(folder, f"{setting} was {trained} in training and is {here} here")


def _check_libraries(folder: Path, manifest: ModelManifest) -> None:
    for library, parts in LIBRARIES.items():
        trained, here = manifest.libraries.get(library, "not stated"), version(library)
        if trained.split(".")[:parts] != here.split(".")[:parts]:
            raise ModelRefused(folder, f"{library} was {trained} in training and is {here} here")


def _unpickle(folder: Path, bundle: Bundle) -> Any:
    try:
        pipeline = unpickle(bundle.contents[PICKLE])
        features = tuple(getattr(pipeline, "ontem_features_", ()))
        has_features = features == bundle.manifest.features
    except (pickle.UnpicklingError, *REFUSALS) as error:
        raise ModelRefused(folder, f"its pickle can't be read: {first_line(error)}") from None
    if not has_features:
        raise ModelRefused(folder, "its pickle was fitted on other features than its manifest says")
    return pipeline


def _or_null(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
