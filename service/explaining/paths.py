"""Answers `GET /evaluations/{evaluation_id}/explain`."""

from functools import cached_property
from typing import Protocol
from uuid import UUID

import msgspec
from flask import Flask, Response

from service.bulk import TIME_LIMIT, in_transaction
from service.errors import EvaluationNotFound
from service.explaining.explain import Explainer
from service.explaining.explanation import Explanation
from service.explaining.stored import read_evaluation
from service.merchant_request import MerchantRequest, Needs, merchant_request, request_deadline
from service.request_content import JSON
from service.served_model import ServedModel
from service.stored_evaluations import evaluation_id_of
from stores.postgres.pipelined import PipelinedConnection


class ExplanationNeeds(Needs, Protocol):
    """What explanations need of their process besides."""

    @property
    def served_model(self) -> ServedModel:
        """The model that can be asked what moved its scores."""


def register(app: Flask, needs: ExplanationNeeds) -> None:
    """Answer the path."""
    explainer = _Lazy(needs)

    @app.get("/evaluations/<evaluation_id>/explain")
    def explain(evaluation_id: str) -> Response:
        with merchant_request(needs, request_deadline(TIME_LIMIT), is_awaited=False) as asked:
            explanation = _explanation(asked, explainer.explainer, evaluation_id_of(evaluation_id))
            return Response(msgspec.json.encode(explanation), content_type=JSON)


def _explanation(asked: MerchantRequest, explainer: Explainer, evaluation_id: UUID) -> Explanation:
    """The explanation. Raises EvaluationNotFound, psycopg.Error and PostgresUnavailable."""
    merchant_id = asked.merchant.merchant_id

    def read(connection: PipelinedConnection) -> Explanation:
        evaluation = read_evaluation(connection, merchant_id, evaluation_id)
        if evaluation is None:
            raise EvaluationNotFound
        return explainer.explain(connection, merchant_id, evaluation, asked.deadline)

    return in_transaction(asked, read)


class _Lazy:
    """The explainer of a process, made with its first explanation."""

    def __init__(self, needs: ExplanationNeeds) -> None:
        self._needs = needs

    @cached_property
    def explainer(self) -> Explainer:
        """The explainer."""
        return Explainer(self._needs.served_model)
