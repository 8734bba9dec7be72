"""CSV files as people bring them: each is read for what it means, or refused in a sentence."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from jobs.importing.csv_source import CsvSource
from jobs.importing.errors import ImportRefused
from jobs.importing.mapping import read_mapping
from tests.parity.doors import by_import
from tests.unit.odd_files import order

HEAD = "order_id,event_at,amount_cents"
ROW = "2024-03-01T12:00:00Z,1990"


def a_csv(folder: Path, text: str | bytes) -> Path:
    path = folder / "orders.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


SWALLOWED = (
    "has a value of 3 lines, of which one is a row by itself (from line 2 on): "
    "look for a quote that does not close"
)
IN_THREE_LINES = (
    "has more or fewer fields than the header, in 3 lines (from line 2 on): "
    "look for a quote that does not close"
)
CSV_FILES: dict[str, tuple[str | bytes, list[Any]]] = {
    "no last line end": (f"{HEAD}\na,{ROW}", [order()]),
    "only a header": (HEAD, []),
    "only a header, with its line end": (f"{HEAD}\n", []),
    "a BOM": (f"\ufeff{HEAD}\na,{ROW}\n", [order()]),
    "line ends of Windows": (f"{HEAD}\r\na,{ROW}\r\n", [order()]),
    "line ends of an old Mac": (f"{HEAD}\ra,{ROW}\r", [order()]),
    "blank lines": (f"{HEAD}\n\na,{ROW}\n\n\nb,{ROW}\n", [order(), order("b")]),
    "a line end in a quoted value": (f'{HEAD},user\na,{ROW},"x\ny"\n', [order(user="x\ny")]),
    "quotes inside a value": (f'{HEAD},user\na,{ROW},"x ""y"""\n', [order(user='x "y"')]),
    "a line end in the first column": (
        f'note,{HEAD}\n"x\ny",a,{ROW}\n', [order()],
    ),
    "a line end in the last of the columns": (f'{HEAD},note\na,{ROW},"x, y\nz"\n', [order()]),
    "a quote that a later row closes": (
        f'order_id,user,event_at,amount_cents\na,"u,{ROW}\nb,v",{ROW}\nc,w,{ROW}\n',
        [("", SWALLOWED.replace("3 lines", "2 lines")), order("c", user="w")],
    ),
    "a quote in the last column that a later row closes": (
        f'{HEAD},user\na,{ROW},"u\nb,{ROW},v"\nc,{ROW},w\n',
        [("", SWALLOWED.replace("3 lines", "2 lines")), order("c", user="w")],
    ),
    "a quote that closes far down in another column": (
        f'{HEAD},user,device\na,{ROW},"u,d\nb,{ROW},u,d\nc,{ROW},u,d"\nd,{ROW},u,d\n',
        [
            ("", IN_THREE_LINES),
            order("d", user="u", device="d"),
        ],
    ),
    "an inch mark": (f'{HEAD},user\na,{ROW},5" screen\n', [order(user='5" screen')]),
    "an empty quoted value": (f'{HEAD},user,placed_at\na,{ROW},"",""\n', [order()]),
    "a trailing comma": (
        f"{HEAD}\na,{ROW},\nb,{ROW}\n",
        [("", "has more or fewer fields than the header"), order("b")],
    ),
    "identifiers that were floats": (
        f"{HEAD},document,phone,zip_code,user\na,{ROW},1234567890.0,11987654321.0,1310100.0,7.0\n",
        [order(document="01234567890", phone="+5511987654321", zip_code="01310100", user="7.0")],
    ),
    "identifiers that were integers": (
        f"{HEAD},document,zip_code\na,{ROW},1234567890,1310100\n",
        [order(document="01234567890", zip_code="01310100")],
    ),
    "a product in brackets": (
        f"{HEAD},product\na,{ROW},[Kit] 3 meias\n", [order(product=["[Kit] 3 meias"])],
    ),
    "100,000 brackets": (
        f"{HEAD},product\na,{ROW},{'[' * 100_000}\n",
        [("product", "has more than 512 characters")],
    ),
    "100,000 brackets for items": (
        f"{HEAD},items\na,{ROW},{'[' * 100_000}\n", [("items", "is nested deeper than 8")],
    ),
    "an item with sku": (
        f'{HEAD},items\na,{ROW},"[{{""sku"":""p"",""quantity"":1,""amount_cents"":1}}]"\n',
        [("items[0].sku", "is not a known field: leave it out")],
    ),
    "an item with a field twice": (
        f'{HEAD},items\na,{ROW},"[{{""quantity"":1,""quantity"":2}}]"\n',
        [("items[0].quantity", "appears more than once: send it once")],
    ),
    "an id with a tab": (f'{HEAD}\n"a\tb",{ROW}\n', [order("a\tb")]),
    "NUL in a value": (
        f"{HEAD},user\na,{ROW},x\0y\n",
        [("user", "contains U+0000 or half of a surrogate pair")],
    ),
    "a quote that swallows rows": (
        f'{HEAD},note\na,{ROW},"ok\nb,{ROW},x\nc,{ROW},5"\nd,{ROW},ok\n',
        [
            ("", SWALLOWED),
            order("d"),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CSV_FILES.values(), ids=CSV_FILES)
def test_a_csv_file_is_read_row_by_row(tmp_path: Path, text: str, expected: list[Any]) -> None:
    assert by_import(a_csv(tmp_path, text)) == expected


UNREADABLE: dict[str, tuple[str | bytes, str]] = {
    "a quote that never closes": (
        f'{HEAD},note\na,{ROW},ok\nb,{ROW},"great\n' + f"c,{ROW},x\n" * 999,
        r"row 2 \(from line 3 on\): a quote opens here and never closes",
    ),
    "a quote that closes early": (
        f'{HEAD},note\na,{ROW},"so "great" it is"\n',
        "row 1 .* a quote closes before its value ends",
    ),
    "a quote that closes at another": (
        f'{HEAD},note\na,{ROW},"ok\nb,{ROW},"fine"\n', "row 1 .* a quote closes before",
    ),
    "a value that is far too long": (
        f'{HEAD},note\na,{ROW},"' + "x\n" * 70_000 + '"\n', "row 1 .* longer than 131,072",
    ),
    "latin-1": (f"{HEAD},user\na,{ROW},João\n".encode("latin-1"), "not UTF-8: save it as UTF-8"),
    "latin-1 in a column that nobody reads": (
        f"{HEAD},note\na,{ROW},João\n".encode("latin-1"), "not UTF-8: save it as UTF-8",
    ),
    "latin-1 far down": (
        f"{HEAD},note\n".encode() + f"a,{ROW},x\n".encode() * 1000 + b"a,\xe3\n",
        "after line .* UTF-8",
    ),
    "UTF-16 without its mark": (f"{HEAD}\na,{ROW}\n".encode("utf-16-le"), "perhaps UTF-16"),
    "gzip": (gzip.compress(f"{HEAD}\na,{ROW}\n".encode()), "packed by gzip: unpack it first"),
    "UTF-16": (f"{HEAD}\na,{ROW}\n".encode("utf-16"), "not UTF-8"),
    "a column twice": (f"{HEAD},email,email\na,{ROW},x,y\n", "has the column email twice"),
    "a header whose quote never closes": (f'"{HEAD}\na,{ROW}\n', "header: a quote opens here"),
    "amounts of Brazil": (
        f'{HEAD}\na,2024-03-01T12:00:00Z,"19,90"\nb,2024-03-01T12:00:00Z,1.230\n',
        "column amount_cents: .* state the decimal mark",
    ),
    "nothing": ("", "has no column order_id"),
    "semicolons": ("pedido;valor\n1;2\n", "state its delimiter, which looks like ';', and name"),
    "tabs, and a pipe": ("order_id\tamount|x\n", r"looks like '\\t' or '\|', and name its"),
    "other names": ("pedido,valor\n1,2\n", "it has pedido, valor: name its columns in a mapping"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "sentence"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_csv_file_that_means_two_things_is_refused_whole(
    tmp_path: Path, text: str, sentence: str
) -> None:
    with pytest.raises(ImportRefused, match=sentence):
        by_import(a_csv(tmp_path, text))


def test_rows_keep_their_numbers_around_those_that_are_refused(tmp_path: Path) -> None:
    source = CsvSource(a_csv(tmp_path, f"{HEAD}\na,{ROW}\nb\n\nc,{ROW}\n"), ",")

    (batch,) = source.batches(["order_id"])

    assert batch.numbers.tolist() == [1, 3]
    assert [number for number, _ in source.refused_rows] == [2]


def test_amounts_of_brazil_are_read_with_their_marks(tmp_path: Path) -> None:
    path = a_csv(tmp_path, "order_id;event_at;amount\na;2024-03-01T12:00:00Z;1.234,56\n")
    (tmp_path / "m.toml").write_text(
        '\ufefftimezone = "UTC"\namount_unit = "currency"\ndecimal_mark = ","\n'
        'thousands_mark = "."\n'
        'delimiter = ";"\n[columns]\namount_cents = "amount"\n',
        encoding="utf-8",
    )

    assert by_import(path, read_mapping(tmp_path / "m.toml")) == [order(cents=123456)]
