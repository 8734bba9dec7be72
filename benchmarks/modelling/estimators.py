"""The estimators that are compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from features_pkg.array_types import Floats, Mask


def fitted(name: str, matrix: Floats, labels: Mask) -> Callable[[Floats], Floats]:
    """The function that scores orders by the estimator of that name, fitted on these."""
    model = ESTIMATORS[name]().fit(matrix, labels)
    return lambda values: model.predict_proba(values)[:, 1]


ESTIMATORS: Final[Mapping[str, Callable[[], Any]]] = {
    "logistic regression": lambda: make_pipeline(
        SimpleImputer(strategy="median"), StandardScaler(), LogisticRegression(max_iter=1000)
    ),
    "random forest": lambda: RandomForestClassifier(random_state=0, n_jobs=2, min_samples_leaf=1),
    "histogram boosting": lambda: HistGradientBoostingClassifier(
        max_iter=120,
        max_leaf_nodes=16,
        max_depth=8,
        l2_regularization=1.0,
        random_state=0,
        early_stopping=False,
    ),
}
