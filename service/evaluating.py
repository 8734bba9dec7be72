"""One evaluation of a canonical order: read both pasts, score, decide, store, answer."""

import uuid
from dataclasses import dataclass

import psycopg

from features_pkg.calendar import from_us
from features_pkg.definitions.missing import DISTANT, RECENT
from features_pkg.engines.one_order import Vector
from features_pkg.models.loading import NotFinite
from features_pkg.orders.cards import is_fingerprint
from features_pkg.orders.order import Order, content_hash
from service import recording
from service.database import Database
from service.errors import StoreUnavailable
from service.evaluation_answer import EvaluationAnswer
from service.past import PastReader, PastReads
from service.recording import Evaluation
from service.served_model import ServedModel
from stores.postgres.connection import PostgresUnavailable
from stores.postgres.generations import OtherServer
from stores.postgres.merchants import Merchant


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    """One order of one merchant, to be evaluated at one instant."""

    merchant: Merchant
    order: Order
    at_us: int
    has_own_clock: bool = False
    """Whether the instant came with the request; the database's clock is then set to it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer, whether it was stored by an earlier request, and what failed (for the log)."""

    answer: EvaluationAnswer
    replayed: bool = False
    failures: tuple[str, ...] = ()


class Evaluations:
    """Evaluates orders, for all threads of one process."""

    def __init__(
        self, served_model: ServedModel, database: Database, past_reader: PastReader
    ) -> None:
        self._served_model, self._database = served_model, database
        self._past_reader = past_reader

    def evaluate(self, request: EvaluationRequest) -> Outcome:
        """The order's one answer: the stored one if the order was evaluated before.

        On a server that was restored and is not registered yet nothing is stored, and the decision
        is the merchant's for orders without a score.

        Raises OrderConflict, or StoreUnavailable when the evaluation could not be stored.
        """
        order_hash = content_hash(request.order)
        try:
            return self._evaluate(request, order_hash)
        except OtherServer:
            return Outcome(_unrecorded(request), failures=("store: another server's rows",))
        except (psycopg.Error, PostgresUnavailable) as cause:
            raise StoreUnavailable from cause

    def _evaluate(self, request: EvaluationRequest, order_hash: bytes) -> Outcome:
        past = self._past_reader.read(request.merchant.merchant_id, request.order, request.at_us)
        if past.recent is not None and past.recent.own_at_us is not None:
            earlier = self._stored_answer(request, order_hash)
            if earlier is not None:
                return Outcome(earlier, replayed=True)
        vector = self._served_model.evaluator.vector(
            request.order, request.at_us, past.timelines, past.events
        )
        score, failures = self._score(vector)
        evaluation = self._evaluation(request, past, vector, score, order_hash)
        clock = from_us(request.at_us) if request.has_own_clock else None
        if recording.record(self._database, evaluation, clock=clock):
            return Outcome(evaluation.answer(), failures=(*past.failures, *failures))
        winner = self._stored_answer(request, order_hash)
        if winner is None:  # an import is storing this order right now
            raise StoreUnavailable
        return Outcome(winner, replayed=True)

    def _stored_answer(
        self, request: EvaluationRequest, order_hash: bytes
    ) -> EvaluationAnswer | None:
        merchant_id = request.merchant.merchant_id
        return recording.stored_answer(self._database, merchant_id, request.order, order_hash)

    def _score(self, vector: Vector) -> tuple[float | None, tuple[str, ...]]:
        """The score, or None when a part of the past is missing or the model's result is NaN."""
        if vector.missing:
            return None, ()
        try:
            return self._served_model.model.score(vector.values), ()
        except NotFinite as failed:
            return None, (f"model: {failed.subject} is not finite",)

    def _evaluation(
        self,
        request: EvaluationRequest,
        past: PastReads,
        vector: Vector,
        score: float | None,
        order_hash: bytes,
    ) -> Evaluation:
        served_model = self._served_model
        load = None if past.distant is None else past.distant.load
        stale_days = None if load is None else served_model.due_day(request.at_us) - load.as_of
        return Evaluation(
            evaluation_id=uuid.uuid4(),
            merchant_id=request.merchant.merchant_id,
            order=request.order,
            content_hash=order_hash,
            evaluated_us=request.at_us,
            vector=vector.values,
            missing=vector.missing,
            score=score,
            decision=request.merchant.policy.decide(score),
            model=served_model.model.manifest.name,
            feature_set=served_model.feature_set.version,
            timelines=served_model.feature_set.timelines_id,
            load=load,
            stale_days=stale_days,
            visible=None if past.recent is None else past.recent.visible,
            generation=None if past.recent is None else past.recent.generation,
        )


def _unrecorded(request: EvaluationRequest) -> EvaluationAnswer:
    """The answer by the merchant's policy alone, of which nothing is stored."""
    return EvaluationAnswer(
        evaluation_id=uuid.uuid4(),
        order_id=request.order.order_id,
        score=None,
        decision=request.merchant.policy.decide(None),
        model=None,
        feature_set=None,
        as_of=None,
        stale=False,
        degraded=True,
        missing=(DISTANT, RECENT),
        card_replaced=is_fingerprint(request.order.card),
        evaluated_at=from_us(request.at_us),
        recorded=False,
    )
