"""What a file calls Ontem's columns, and the zone and unit of its values."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal
from zoneinfo import ZoneInfo

from features_pkg.identifiers import IDENTIFIERS
from features_pkg.orders.fields.amount import AmountFormat, AmountUnit
from jobs.importing.errors import ColumnRepeated, ColumnsMissing, MappingRefused

FileKind = Literal["orders", "chargebacks"]

REQUIRED_FIELDS: Final[dict[FileKind, tuple[str, ...]]] = {
    "orders": ("order_id", "event_at", "amount_cents"),
    "chargebacks": ("order_id", "chargeback_at"),
}
OPTIONAL_FIELDS: Final[dict[FileKind, tuple[str, ...]]] = {
    "orders": ("placed_at", *(i.value for i in IDENTIFIERS), "items", "chargeback_at"),
    "chargebacks": ("kind",),
}
KEYS: Final = (
    "timezone", "amount_unit", "decimal_mark", "thousands_mark", "delimiter", "columns",
)  # fmt: skip
DECIMAL_MARKS: Final = (",", ".")
THOUSANDS_MARKS: Final = (".", ",", " ", "\u00a0", "\u202f", "'", "_")


@dataclass(frozen=True, slots=True)
class FileMapping:
    """How a file differs from the default, which is a file whose columns have Ontem's names."""

    columns: Mapping[str, str] = field(default_factory=dict)
    """The file's column for each of Ontem's fields that it calls by another name."""
    timezone: str | None = None
    """IANA name of the zone of times that state none; None refuses such times."""
    amount_unit: AmountUnit = "cents"
    decimal_mark: str | None = None
    """Of amounts that are text; None refuses a column of texts that could be meant otherwise."""
    thousands_mark: str | None = None
    delimiter: str = ","

    @property
    def amount_format(self) -> AmountFormat:
        """How the file writes its amounts."""
        return AmountFormat(self.amount_unit, self.decimal_mark, self.thousands_mark)

    def resolve(self, kind: FileKind, source: str, file_columns: Sequence[str]) -> dict[str, str]:
        """The file's column for each field that it has. Raises ImportRefused."""
        fields = (*REQUIRED_FIELDS[kind], *OPTIONAL_FIELDS[kind])
        for name in self.columns:
            if name not in fields:
                reason = f"{kind} have no field {name!r}; their fields are {', '.join(fields)}"
                raise MappingRefused(source=f"of {source}", reason=reason)
        column_of = {name: self.columns.get(name, name) for name in fields}
        missing = [
            column if column == name else f"{column} (for {name})"
            for name, column in column_of.items()
            if column not in file_columns
            and (name in self.columns or name in REQUIRED_FIELDS[kind])
        ]
        if missing:
            raise ColumnsMissing(source=source, missing=missing, present=file_columns)
        present = {name: column for name, column in column_of.items() if column in file_columns}
        for column in present.values():
            if file_columns.count(column) > 1:
                raise ColumnRepeated(source=source, column=column)
        return present


def read_mapping(path: Path) -> FileMapping:
    """The mapping in a TOML file. Raises MappingRefused."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MappingRefused(source=str(path), reason=str(error)) from error
    for key in content:
        if key not in KEYS:
            reason = f"{key!r} is not one of {', '.join(KEYS)}"
            raise MappingRefused(source=str(path), reason=reason)
    decimal_mark = _mark(path, content, "decimal_mark", DECIMAL_MARKS)
    thousands_mark = _mark(path, content, "thousands_mark", THOUSANDS_MARKS)
    if thousands_mark is not None and decimal_mark in (None, thousands_mark):
        reason = "thousands_mark needs a decimal_mark that is another character"
        raise MappingRefused(source=str(path), reason=reason)
    return FileMapping(
        decimal_mark=decimal_mark,
        thousands_mark=thousands_mark,
        columns=_columns(path, content.get("columns", {})),
        timezone=_timezone(path, content.get("timezone")),
        amount_unit=_amount_unit(path, content.get("amount_unit", "cents")),
        delimiter=_delimiter(path, content.get("delimiter", ",")),
    )


def _columns(path: Path, value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value.values()):
        reason = 'columns must be a table of lines like event_at = "created_at"'
        raise MappingRefused(source=str(path), reason=reason)
    return value


def _timezone(path: Path, value: object) -> str | None:
    if value is None:
        return None
    try:
        return ZoneInfo(str(value)).key
    except (OSError, ValueError, KeyError) as error:  # "not found" is a KeyError here
        reason = f"timezone {value!r} is not an IANA name; write it like America/Sao_Paulo"
        raise MappingRefused(source=str(path), reason=reason) from error


def _amount_unit(path: Path, value: object) -> AmountUnit:
    if value == "cents":
        return "cents"
    if value == "currency":
        return "currency"
    reason = f"amount_unit {value!r} is neither 'cents' nor 'currency'"
    raise MappingRefused(source=str(path), reason=reason)


def _mark(
    path: Path, content: Mapping[str, object], key: str, allowed: Sequence[str]
) -> str | None:
    value = content.get(key)
    if value is None or value in allowed:
        return None if value is None else str(value)
    reason = f"{key} {value!r} is not one of {', '.join(repr(mark) for mark in allowed)}"
    raise MappingRefused(source=str(path), reason=reason)


def _delimiter(path: Path, value: object) -> str:
    if isinstance(value, str) and len(value) == 1 and value.isascii() and value not in '"\r\n':
        return value
    reason = f"delimiter {value!r} is not one ASCII character, or is a quote or line end"
    raise MappingRefused(source=str(path), reason=reason)
