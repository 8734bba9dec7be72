"""Ontem for a merchant's back end: `Client` asks, and each answer has a type of its own."""

from ontem_client.bodies import (
    BatchAnswer,
    ChargebackAnswer,
    EvaluationAnswer,
    Item,
    Order,
    OrderOutcome,
)
from ontem_client.client import Client
from ontem_client.errors import (
    AnswerUnreadable,
    BatchRefused,
    Conflict,
    ConnectionFailed,
    DeadlinePassed,
    KeyRefused,
    NotAnswered,
    NotFound,
    OntemError,
    RateLimited,
    Refused,
    Unavailable,
)
from ontem_client.explanation import (
    DerivedFrom,
    EventsBehind,
    Explanation,
    Feature,
    Mover,
    Operand,
    ScoreParts,
)

__all__ = [
    "AnswerUnreadable",
    "BatchAnswer",
    "BatchRefused",
    "ChargebackAnswer",
    "Client",
    "Conflict",
    "ConnectionFailed",
    "DeadlinePassed",
    "DerivedFrom",
    "EvaluationAnswer",
    "EventsBehind",
    "Explanation",
    "Feature",
    "Item",
    "KeyRefused",
    "Mover",
    "NotAnswered",
    "NotFound",
    "OntemError",
    "Operand",
    "Order",
    "OrderOutcome",
    "RateLimited",
    "Refused",
    "ScoreParts",
    "Unavailable",
]
