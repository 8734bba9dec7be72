"""An evaluation as it is stored, with its order's identifiers and what it could see."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from psycopg.types.numeric import Int8

from features_pkg.definitions.missing import DISTANT
from features_pkg.identifiers import IDENTIFIERS, Identifier
from service.evaluation_answer import COLUMNS, EvaluationAnswer, from_columns
from service.explaining.statement import run
from service.statements import prepare
from stores.postgres.pipelined import PipelinedConnection

_STATEMENT: Final = prepare("explained_evaluation", "merchant_id", "evaluation_id")
_SEPARATOR: Final = "\x1f"


@dataclass(frozen=True, slots=True)
class Seen:
    """What an evaluation could see, in recorded keys (sql/queries/evaluation_columns.sql.j2)."""

    watermark: int
    xmax: int
    in_flight: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvaluation:
    """One evaluation with all that is needed to explain it."""

    answer: EvaluationAnswer
    values: tuple[float, ...] | None
    """The vector; None if none was stored."""
    evaluated_us: int
    as_of: int | None
    """The day (ordinal) of the load; None without one."""
    stale_days: int
    cutoff_us: int | None
    """Where the load ends; None without one, or if what it held is not known any more."""
    seen: Seen
    identifiers: Mapping[Identifier, tuple[str, ...]]

    @property
    def is_load_known(self) -> bool:
        """Whether it can be told what the load held."""
        return self.cutoff_us is not None


def read_evaluation(
    connection: PipelinedConnection, merchant_id: int, evaluation_id: UUID
) -> StoredEvaluation | None:
    """The merchant's evaluation of that id, if there is one. Raises psycopg.Error."""
    values = {"merchant_id": Int8(merchant_id), "evaluation_id": evaluation_id}
    rows = run(connection, _STATEMENT, values)
    if not rows:
        return None
    order_id, card, *rest = rows[0]
    answer = from_columns(tuple(rest[:COLUMNS]), order_id=order_id, card=card)
    vector, evaluated_us, as_of, stale_days, missing, visible, cutoff_us, *named = rest[COLUMNS:]
    watermark, _, xmax, *in_flight = map(int, visible.split(_SEPARATOR))
    is_distant_known = DISTANT not in missing.split(_SEPARATOR)
    return StoredEvaluation(
        answer=answer,
        values=None if vector is None else struct.unpack(f"<{len(vector) // 8}d", vector),
        evaluated_us=evaluated_us,
        as_of=None if as_of is None else as_of.toordinal(),
        stale_days=stale_days or 0,
        cutoff_us=cutoff_us if is_distant_known else None,
        seen=Seen(watermark, xmax, tuple(in_flight)),
        identifiers=_identifiers(named),
    )


def _identifiers(columns: list[object]) -> dict[Identifier, tuple[str, ...]]:
    """The order's values of each identifier, of the columns in the order of `IDENTIFIERS`."""
    found: dict[Identifier, tuple[str, ...]] = {}
    for identifier, value in zip(IDENTIFIERS, columns, strict=True):
        several = value if isinstance(value, list) else () if value is None else (value,)
        found[identifier] = tuple(dict.fromkeys(map(str, several)))
    return found
