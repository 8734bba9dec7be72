"""One evaluation from a canonical order: read both pasts, score, decide, store, answer."""

import uuid
from dataclasses import dataclass

import psycopg

from features_pkg.calendar import from_us
from features_pkg.engines.one_order import Vector
from features_pkg.models.loading import NotFinite
from features_pkg.orders.order import Order, content_hash
from service import recording
from service.database import Database
from service.errors import StoreUnavailable
from service.past import Past, Pasts
from service.recording import Evaluation
from service.response import Answer
from service.served_model import Served
from stores.postgres.connection import PostgresUnavailable
from stores.postgres.merchants import Merchant


@dataclass(frozen=True, slots=True)
class Question:
    """One order of one merchant at one instant; `development` is when a request brought its own."""

    merchant: Merchant
    order: Order
    at_us: int
    development: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer, whether it is an earlier one, and what failed on the way (for the log)."""

    answer: Answer
    replayed: bool = False
    failures: tuple[str, ...] = ()


class Evaluations:
    """Evaluates orders, for all threads of one process."""

    def __init__(self, served: Served, database: Database, pasts: Pasts) -> None:
        self._served, self._database, self._pasts = served, database, pasts

    def evaluate(self, question: Question) -> Outcome:
        """The order's one answer: the stored one when it was asked before.

        Raises OrderConflict, or StoreUnavailable when nothing could be stored.
        """
        order_hash = content_hash(question.order)
        try:
            return self._evaluate(question, order_hash)
        except (psycopg.Error, PostgresUnavailable) as cause:
            raise StoreUnavailable from cause

    def _evaluate(self, question: Question, order_hash: bytes) -> Outcome:
        past = self._pasts.read(question.merchant.merchant_id, question.order, question.at_us)
        if past.recent is not None and past.recent.own_at_us is not None:
            known = self._stored(question, order_hash)
            if known is not None:
                return Outcome(known, replayed=True)
        vector = self._served.evaluator.vector(
            question.order, question.at_us, past.distant.past, past.events
        )
        score, failures = self._score(vector)
        evaluation = self._evaluation(question, past, vector, score, order_hash)
        clock = from_us(question.at_us) if question.development else None
        if recording.record(self._database, evaluation, clock=clock):
            return Outcome(evaluation.answer(), failures=(*past.failures, *failures))
        winner = self._stored(question, order_hash)
        if winner is None:  # an import is bringing this order right now
            raise StoreUnavailable
        return Outcome(winner, replayed=True)

    def _stored(self, question: Question, order_hash: bytes) -> Answer | None:
        merchant_id = question.merchant.merchant_id
        return recording.stored(self._database, merchant_id, question.order, order_hash)

    def _score(self, vector: Vector) -> tuple[float | None, tuple[str, ...]]:
        """The score, or None when a part of the past is missing or the model gives no number."""
        if vector.missing:
            return None, ()
        try:
            return self._served.model.score(vector.values), ()
        except NotFinite as failed:
            return None, (f"model: {failed.subject} is not finite",)

    def _evaluation(
        self,
        question: Question,
        past: Past,
        vector: Vector,
        score: float | None,
        order_hash: bytes,
    ) -> Evaluation:
        served, load = self._served, past.distant.load
        return Evaluation(
            evaluation_id=uuid.uuid4(),
            merchant_id=question.merchant.merchant_id,
            order=question.order,
            content_hash=order_hash,
            evaluated_us=question.at_us,
            vector=vector.values,
            missing=vector.missing,
            score=score,
            decision=question.merchant.policy.decide(score),
            model=served.model.manifest.name,
            feature_set=served.feature_set.version,
            timelines=served.feature_set.timelines_id,
            load=load,
            stale_days=None if load is None else served.due_day(question.at_us) - load.as_of,
            visible=None if past.recent is None else past.recent.visible,
        )
