"""How a file says what Ontem calls by its own names: columns, time zone, unit of amounts."""

import tomllib
from collections.abc import Mapping as Dictionary
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal
from zoneinfo import ZoneInfo

from features_pkg.identifiers import IDENTIFIERS
from jobs.importing.errors import ColumnsMissing, MappingRefused

Kind = Literal["orders", "chargebacks"]
Unit = Literal["cents", "currency"]

REQUIRED: Final[dict[Kind, tuple[str, ...]]] = {
    "orders": ("order_id", "event_at", "amount_cents"),
    "chargebacks": ("order_id", "chargeback_at"),
}
OPTIONAL: Final[dict[Kind, tuple[str, ...]]] = {
    "orders": ("placed_at", *(one.value for one in IDENTIFIERS), "items", "chargeback_at"),
    "chargebacks": ("kind",),
}
KEYS: Final = ("timezone", "amount_unit", "delimiter", "columns")


@dataclass(frozen=True, slots=True)
class Mapping:
    """What differs in a file; without one, its columns have Ontem's names."""

    columns: Dictionary[str, str] = field(default_factory=dict)
    """The file's column for a name of Ontem's, where they differ."""
    timezone: str | None = None
    """IANA name of the zone of times that state none; None refuses such times."""
    amount_unit: Unit = "cents"
    delimiter: str = ","

    def resolve(self, kind: Kind, source: str, present: Sequence[str]) -> dict[str, str]:
        """The file's column for each name that it has. Raises ColumnsMissing, MappingRefused."""
        known = (*REQUIRED[kind], *OPTIONAL[kind])
        for name in self.columns:
            if name not in known:
                reason = f"{kind} have no {name!r}, only {', '.join(known)}"
                raise MappingRefused(source=source, reason=reason)
        wanted = {name: self.columns.get(name, name) for name in known}
        missing = [
            column if column == name else f"{column} (for {name})"
            for name, column in wanted.items()
            if column not in present and (name in self.columns or name in REQUIRED[kind])
        ]
        if missing:
            raise ColumnsMissing(source=source, missing=missing, present=present)
        return {name: column for name, column in wanted.items() if column in present}


def read_mapping(path: Path) -> Mapping:
    """The mapping that a TOML file states. Raises MappingRefused."""
    try:
        stated = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MappingRefused(source=str(path), reason=str(error)) from error
    for key in stated:
        if key not in KEYS:
            reason = f"{key!r} is not one of {', '.join(KEYS)}"
            raise MappingRefused(source=str(path), reason=reason)
    return Mapping(
        columns=_columns(path, stated.get("columns", {})),
        timezone=_timezone(path, stated.get("timezone")),
        amount_unit=_unit(path, stated.get("amount_unit", "cents")),
        delimiter=_delimiter(path, stated.get("delimiter", ",")),
    )


def _columns(path: Path, stated: object) -> dict[str, str]:
    if not isinstance(stated, dict) or not all(isinstance(one, str) for one in stated.values()):
        reason = '[columns] holds lines such as event_at = "created_at"'
        raise MappingRefused(source=str(path), reason=reason)
    return stated


def _timezone(path: Path, stated: object) -> str | None:
    if stated is None:
        return None
    try:
        return ZoneInfo(str(stated)).key
    except (OSError, ValueError, KeyError) as error:  # "not found" is a KeyError here
        reason = f"timezone {stated!r} is no IANA name such as America/Sao_Paulo"
        raise MappingRefused(source=str(path), reason=reason) from error


def _unit(path: Path, stated: object) -> Unit:
    if stated == "cents":
        return "cents"
    if stated == "currency":
        return "currency"
    reason = f"amount_unit {stated!r} is neither 'cents' nor 'currency'"
    raise MappingRefused(source=str(path), reason=reason)


def _delimiter(path: Path, stated: object) -> str:
    if isinstance(stated, str) and len(stated) == 1 and stated.isascii():
        return stated
    raise MappingRefused(source=str(path), reason=f"delimiter {stated!r} is not one character")
