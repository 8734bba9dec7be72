"""The doors that an order comes in by: a request, or a row of a file.

Each answers with the order's content hash, or with the field and reason of its refusal.
"""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow as pa

from features_pkg.calendar import from_us, to_us
from features_pkg.orders.fields.instant import read_instant_us
from features_pkg.orders.fields.refusals import ValueRefused
from features_pkg.orders.order import content_hash
from jobs.importing.mapping import FileMapping
from jobs.importing.prepare import ZONE_OF_FILE, Rules, prepare_batch
from jobs.importing.source import open_source
from service.body import parse
from service.errors import FieldRefused
from service.sent_instant import FORM
from tests.parity.sent_orders import SentOrders

NOW_US = to_us(datetime(2026, 1, 1, tzinfo=UTC))
CENTS = FileMapping()
CARD_KEY = bytes(range(32))

Answer = bytes | tuple[str, str]
"""The content hash of an order, or the field and the reason of its refusal."""


def by_request(sent: SentOrders) -> list[Answer]:
    """What `POST /evaluate` makes of each order."""
    return [_by_request(row) for row in sent.rows]


def _by_request(row: dict[str, Any]) -> Answer:
    """Times of other forms than RFC 3339, which only a file may have, are written in it."""
    if row["placed_at"] is not None and not FORM.fullmatch(row["placed_at"]):
        row = {**row, "placed_at": _rfc_3339(row["placed_at"])}
    try:
        return content_hash(parse(json.dumps(row).encode(), CARD_KEY))
    except FieldRefused as refused:
        return refused.param, refused.detail


def _rfc_3339(text: str) -> str | None:
    try:
        instant_us = read_instant_us(text, "placed_at", None)
    except ValueRefused:
        return text
    return None if instant_us is None else from_us(instant_us).isoformat()


def by_import(source: Path | pa.Table, mapping: FileMapping = CENTS) -> list[Answer]:
    """What `ontem import` makes of each row, without the database."""
    opened = open_source(source, mapping.delimiter)
    columns = mapping.resolve("orders", opened.name, opened.columns)
    rules = Rules("orders", mapping, columns, NOW_US, CARD_KEY)
    answers: dict[int, Answer] = {}
    for batch in opened.batches(list(dict.fromkeys(columns.values()))):
        prepared = prepare_batch(batch, rules)
        for refusal in prepared.refusals:
            answers[refusal.row] = (refusal.field, refusal.reason.removesuffix(ZONE_OF_FILE))
        for row in csv.reader(StringIO(prepared.csv.decode(), newline="")):
            answers[int(row[0])] = bytes.fromhex(row[4].removeprefix("\\x"))
    answers.update({number: ("", reason) for number, reason in opened.refused_rows})
    return [answers[number] for number in sorted(answers)]
