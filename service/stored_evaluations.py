"""`GET /evaluations`: the stored answer again, found by its id or by its order's."""

from typing import Final
from urllib.parse import parse_qsl
from uuid import UUID

from flask import Flask, Response, request
from psycopg.types.numeric import Int8

from features_pkg.orders.fields.order_id import FIELD, read_order_id
from features_pkg.orders.fields.refusals import ValueRefused
from service import evaluation_answer
from service.errors import EvaluationNotFound, FieldRefused
from service.merchant_request import MerchantRequest, Needs, merchant_request, request_deadline
from service.request_content import JSON
from service.statements import Statement, prepare

_BY_ID: Final = prepare("evaluation", "merchant_id", "evaluation_id", by_order=False)
_BY_ORDER: Final = prepare("evaluation", "merchant_id", "order_id", by_order=True)


def register(app: Flask, needs: Needs) -> None:
    """Answer `GET /evaluations/{evaluation_id}` and `GET /evaluations?order_id=…`."""

    @app.get("/evaluations/<evaluation_id>")
    def evaluation(evaluation_id: str) -> Response:
        with merchant_request(needs, request_deadline(needs.time_limit)) as asked:
            return _answer(asked, _BY_ID, "evaluation_id", evaluation_id_of(evaluation_id))

    @app.get("/evaluations")
    def evaluation_of_order() -> Response:
        with merchant_request(needs, request_deadline(needs.time_limit)) as asked:
            return _answer(asked, _BY_ORDER, "order_id", order_id_in(request.query_string))


def order_id_in(query: bytes) -> str:
    """The order's id in the query of a URL. Raises FieldRefused."""
    try:
        fields = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict")
        if len(fields) > 1 or any(name != FIELD for name, _ in fields):
            raise ValueRefused(FIELD, "must be the only parameter, sent once")
        return read_order_id(fields[0][1] if fields else None)
    except UnicodeDecodeError:
        raise FieldRefused(FIELD, "must be percent-encoded UTF-8") from None
    except ValueRefused as refused:
        raise FieldRefused(refused.field, refused.reason) from None


def evaluation_id_of(text: str) -> UUID:
    """The id in a path. Raises EvaluationNotFound: no evaluation has an id of another form."""
    try:
        return UUID(text)
    except ValueError:
        raise EvaluationNotFound from None


def _answer(asked: MerchantRequest, statement: Statement, name: str, value: object) -> Response:
    values = {"merchant_id": Int8(asked.merchant.merchant_id), name: value}
    rows = asked.session.run(statement, values, asked.deadline)
    if not rows:
        raise EvaluationNotFound
    order_id, card, *columns = rows[0]
    answer = evaluation_answer.from_columns(tuple(columns), order_id=order_id, card=card)
    return Response(evaluation_answer.encode(answer), content_type=JSON)
