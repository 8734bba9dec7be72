"""One evaluation of a canonical order: read both pasts, score, decide, store, answer."""

import uuid
from dataclasses import dataclass
from typing import Final

import psycopg

from features_pkg.calendar import from_us
from features_pkg.definitions.missing import DISTANT, RECENT
from features_pkg.engines.one_order import BegunVector, Vector
from features_pkg.errors import OntemError
from features_pkg.models.loading import NotFinite
from features_pkg.orders.cards import is_fingerprint
from features_pkg.orders.order import Order, content_hash
from service import recording
from service.deadline import Deadline
from service.distant import DistantRead
from service.errors import StoreUnavailable
from service.evaluation_answer import EvaluationAnswer
from service.metrics import metering
from service.past import PastReader, PastReads
from service.recording import Evaluation
from service.served_model import ServedModel
from service.session import Session
from stores.postgres.connection import PostgresUnavailable
from stores.postgres.generations import OtherServer
from stores.postgres.merchants import Merchant


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    """One order of one merchant, to be evaluated at one instant."""

    merchant: Merchant
    order: Order
    at_us: int
    request_id: str
    """That of the log; the evaluation that this request stores keeps it."""
    has_own_clock: bool = False
    """Whether the instant came with the request; the database's clock is then set to it."""


READ_SHARE: Final = 2 / 3
"""The share of a request's time after which the past is not waited for; the rest is to store."""


MOST_ATTEMPTS: Final = 2
"""How often an evaluation is stored at most: a batch or an import may store its order just then,
which the second statement sees."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer, whether it was stored by an earlier request, and what failed (for the log)."""

    answer: EvaluationAnswer
    replayed: bool = False
    failures: tuple[str, ...] = ()


class BeingImported(OntemError):
    """An import is storing the order at this moment."""

    def __init__(self) -> None:
        super().__init__("an import is storing this order: send it again")


class Evaluations:
    """Evaluates orders, for all threads of one process."""

    def __init__(self, served_model: ServedModel, past_reader: PastReader) -> None:
        self._served_model, self._past_reader = served_model, past_reader

    def evaluate(self, session: Session, request: EvaluationRequest, deadline: Deadline) -> Outcome:
        """The order's one answer: the stored one if the order was evaluated before.

        An evaluation that is not known to be stored is answered as not recorded if the merchant's
        policy says so. Sent again, the order gets what is stored.

        Raises OrderConflict, and StoreUnavailable if the policy refuses what is not stored.
        """
        question = (
            session,
            request.merchant.merchant_id,
            request.order,
            request.at_us,
            deadline.part(READ_SHARE),
        )
        with metering.stage("past"), self._past_reader.question(*question) as answers:
            order_hash = content_hash(request.order)  # while the stores look
            begun = self._begun_vector(request, answers.early_distant())  # while PostgreSQL does
            past = answers.both()
        evaluation, failures = None, past.failures
        try:
            if past.recent is not None and past.recent.own_at_us is not None:
                earlier = _stored_answer(session, request, order_hash, deadline)
                if earlier is not None:
                    return Outcome(earlier, replayed=True)
                if not past.recent.is_whole:
                    past = self._past_reader.read_slowly(*question)
            evaluation, failures = self._evaluation(request, past, order_hash, begun)
            for _ in range(MOST_ATTEMPTS):
                outcome = self._stored(session, request, evaluation, failures, deadline)
                if outcome is not None:
                    return outcome
            cause: Exception = BeingImported()
        except OtherServer as other:  # a restored server can lack what was recent
            evaluation, cause = None, other
        except (psycopg.Error, PostgresUnavailable) as error:
            cause = error
        if request.merchant.policy.when_not_stored == "refuse":
            raise StoreUnavailable from cause
        answer = evaluation.answer(recorded=False) if evaluation else _unscored(request)
        return Outcome(answer, failures=(*failures, f"store: {type(cause).__name__}"))

    def _stored(
        self,
        session: Session,
        request: EvaluationRequest,
        evaluation: Evaluation,
        failures: tuple[str, ...],
        deadline: Deadline,
    ) -> Outcome | None:
        """The outcome of storing an evaluation, or the stored one of a request that was faster.

        None if neither is stored: the order came by another door since the past was read, or while
        that read failed. Raises OrderConflict, OtherServer, psycopg.Error or PostgresUnavailable.
        """
        clock = from_us(request.at_us) if request.has_own_clock else None
        with metering.stage("store"):
            pending = recording.record(session, evaluation, clock=clock, deadline=deadline)
            outcome = Outcome(evaluation.answer(), failures=failures)  # while it is stored
            is_stored = bool(pending.rows())
        if is_stored:
            return outcome
        winner = _stored_answer(session, request, evaluation.content_hash, deadline)
        return None if winner is None else Outcome(winner, replayed=True)

    def _score(self, vector: Vector) -> tuple[float | None, tuple[str, ...]]:
        """The score, or None when a part of the past is missing or the model's result is NaN."""
        if vector.missing:
            return None, ()
        try:
            return self._served_model.model.score(vector.values), ()
        except NotFinite as failed:
            return None, (f"model: {failed.subject} is not finite",)

    def _begun_vector(
        self, request: EvaluationRequest, distant: DistantRead | None
    ) -> BegunVector | None:
        """What the distant past makes of the vector; None without it."""
        if distant is None:
            return None
        return self._served_model.evaluator.begin(request.order, request.at_us, distant.past)

    def _evaluation(
        self,
        request: EvaluationRequest,
        past: PastReads,
        order_hash: bytes,
        begun: BegunVector | None,
    ) -> tuple[Evaluation, tuple[str, ...]]:
        """The evaluation by what could be read, and what failed."""
        served_model = self._served_model
        with metering.stage("vector"):
            evaluator = served_model.evaluator
            if begun is None or begun.distant is not past.timelines:
                begun = evaluator.begin(request.order, request.at_us, past.timelines)
            vector = evaluator.finish(begun, past.events, past.held)
        with metering.stage("score"):
            score, failures = self._score(vector)
        load = None if past.distant is None else past.distant.load
        stale_days = None if load is None else served_model.due_day(request.at_us) - load.as_of
        evaluation = Evaluation(
            evaluation_id=uuid.uuid4(),
            merchant_id=request.merchant.merchant_id,
            request_id=request.request_id,
            order=request.order,
            content_hash=order_hash,
            evaluated_us=request.at_us,
            vector=vector.values,
            missing=vector.missing,
            score=score,
            decision=request.merchant.policy.decide(score, request.order.amount_cents),
            model=served_model.model.manifest.name,
            feature_set=served_model.feature_set.version,
            timelines=served_model.feature_set.timelines_id,
            load=load,
            stale_days=stale_days,
            visible=None if past.recent is None else past.recent.visible,
            generation=None if past.recent is None else past.recent.generation,
        )
        return evaluation, (*past.failures, *failures)


def _stored_answer(
    session: Session, request: EvaluationRequest, order_hash: bytes, deadline: Deadline
) -> EvaluationAnswer | None:
    merchant_id = request.merchant.merchant_id
    return recording.stored_answer(session, merchant_id, request.order, order_hash, deadline)


def _unscored(request: EvaluationRequest) -> EvaluationAnswer:
    """The answer by the merchant's policy alone."""
    return EvaluationAnswer(
        evaluation_id=uuid.uuid4(),
        order_id=request.order.order_id,
        score=None,
        decision=request.merchant.policy.decide(None, request.order.amount_cents),
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
