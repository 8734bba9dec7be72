"""Puts an explanation together: values, contributions and the orders behind each velocity."""

import math
from collections.abc import Mapping, Sequence

from features_pkg.definitions.missing import DISTANT, needs, null_features
from features_pkg.definitions.velocity import Velocity
from features_pkg.identifiers import Identifier
from features_pkg.measures.inputs import Instants
from features_pkg.models.shapley import Attribution
from service.deadline import Deadline
from service.explaining.derivations import derived_feature
from service.explaining.events import Entities, EventReader
from service.explaining.explanation import (
    MOST_MOVERS,
    EventsBehind,
    Explanation,
    Feature,
    Mover,
    NullReason,
    ScoreParts,
    ScoreState,
)
from service.explaining.recounts import NOT_READ, recount
from service.explaining.stored import StoredEvaluation
from service.served_model import ServedModel
from stores.postgres.pipelined import PipelinedConnection

TOLERANCE = 1e-9
"""How far a score may be from the stored one and still be the same."""


class Explainer:
    """Explains evaluations of the served feature set; made once for a process."""

    def __init__(self, served_model: ServedModel) -> None:
        self._served_model = served_model
        self._reader = EventReader(served_model.feature_set)

    def explain(
        self,
        connection: PipelinedConnection,
        merchant_id: int,
        evaluation: StoredEvaluation,
        deadline: Deadline,
    ) -> Explanation:
        """The explanation of a merchant's evaluation, in a transaction of that merchant.

        Raises psycopg.Error.
        """
        features = self._served_model.feature_set
        values = evaluation.values
        if evaluation.answer.feature_set != features.version or values is None:
            return Explanation(
                evaluation=evaluation.answer,
                score_state="no_score" if evaluation.answer.score is None else "model_not_loaded",
                score_parts=None,
                features=None,
            )
        entities = self._reader.read(connection, merchant_id, evaluation, deadline)
        state, attribution = self._attribution(evaluation, values)
        return Explanation(
            evaluation=evaluation.answer,
            score_state=state,
            score_parts=None if attribution is None else _parts(features.names, attribution),
            features=self._features(evaluation, values, entities, attribution),
        )

    def _attribution(
        self, evaluation: StoredEvaluation, values: Sequence[float]
    ) -> tuple[ScoreState, Attribution | None]:
        """What moved the score, or why that can't be said."""
        answer, model = evaluation.answer, self._served_model.model
        if answer.score is None:
            return "no_score", None
        if answer.model != model.manifest.name:
            return "model_not_loaded", None
        attribution = model.attribution(values)
        if not math.isfinite(attribution.log_odds):
            return "always_the_same_score", None
        if abs(attribution.score - answer.score) > TOLERANCE:
            return "model_changed", None
        return "explained", attribution

    def _features(
        self,
        evaluation: StoredEvaluation,
        values: Sequence[float],
        entities: Mapping[Identifier, Entities],
        attribution: Attribution | None,
    ) -> list[Feature]:
        """Each value of the vector, in its order: velocities first, derived features last."""
        features = self._served_model.feature_set
        unread = null_features(features, evaluation.answer.missing)
        at, calendar = self._instants(evaluation), self._served_model.calendar
        velocities = dict(zip(features.names, features.velocities, strict=False))
        derived = {each.name: each for each in features.derived}
        parts = [None] * len(values) if attribution is None else attribution.parts.tolist()

        def behind(velocity: Velocity, value: float) -> EventsBehind | None:
            if velocity.name in unread or not evaluation.identifiers[velocity.identifier]:
                return None
            is_load_lost = DISTANT in needs(velocity) and not evaluation.is_load_known
            if is_load_lost or velocity.identifier not in entities:
                return NOT_READ
            return recount(velocity, entities[velocity.identifier], at, calendar, value)

        found: dict[str, Feature] = {}
        for name, value, part in zip(features.names, values, parts, strict=True):
            if name in derived:
                found[name] = derived_feature(derived[name], found, _number(value), part)
                continue
            velocity = velocities.get(name)
            events = None if velocity is None else behind(velocity, value)
            found[name] = Feature(
                name=name,
                value=_number(value),
                null_because=_reason(value, is_unread=name in unread, is_named=events is not None),
                contribution=part,
                behind=events,
                derived_from=None,
            )
        return list(found.values())

    def _instants(self, evaluation: StoredEvaluation) -> Instants:
        """The instants of the evaluation; without a load, those of the lag rule."""
        model, at_us, as_of = self._served_model, evaluation.evaluated_us, evaluation.as_of
        due_day = model.due_day(at_us) if as_of is None else as_of + evaluation.stale_days
        cutoff_us = evaluation.cutoff_us
        if cutoff_us is None:
            cutoff_us = model.calendar.cutoff_us(due_day)
        return Instants(at_us, due_day, cutoff_us)


def _number(value: float) -> int | float | None:
    """A stored value; a whole one as such."""
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() else value


def _reason(value: float, *, is_unread: bool, is_named: bool) -> NullReason | None:
    """Why a value is null, if it is."""
    if not math.isnan(value):
        return None
    if is_unread:
        return "missing"
    return "never" if is_named else "not_in_order"


def _parts(names: Sequence[str], attribution: Attribution) -> ScoreParts:
    parts = attribution.parts
    largest = sorted(range(len(names)), key=lambda position: -abs(parts[position]))[:MOST_MOVERS]
    return ScoreParts(
        log_odds=attribution.log_odds,
        base=attribution.base,
        moved_most=[
            Mover(name=names[position], contribution=float(parts[position]))
            for position in largest
            if parts[position]
        ],
    )
