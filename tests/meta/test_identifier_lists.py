"""Every list of the identifiers that was written by hand is the list of `identifiers.py`.

Where it was easy, lists are made from `IDENTIFIERS` or `SINGLE_VALUED`. These are the rest: classes
whose fields must have types of their own, SQL, and pages. After a new identifier these tests name
each place that lacks it.
"""

import json
import re
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest

from features_pkg.history.recent_events import RecentEvent
from features_pkg.identifiers import IDENTIFIERS, SINGLE_VALUED
from features_pkg.orders.order import Order
from service.body import OrderBody

PROJECT = Path(__file__).resolve().parents[2]
NAME = rf"\b(?:{'|'.join(IDENTIFIERS)})\b"
# What may be between two names of one list: punctuation, types, null, and the alias of a table.
BETWEEN = r"(?:[^\w\n]|\n|\b(?:and|text|str|None|Text|Ints|o|NULL)\b)*"
LIST = re.compile(f"{NAME}(?:{BETWEEN}{NAME})+")
FEWEST = len(SINGLE_VALUED) - 1
"""From how many different names on a list is meant to have all identifiers."""


NOT_HELD = ("tests/", "sql/migrations/")
"""Tests choose their own; a migration is never edited: what all of them together make is held."""


def lists_in(text):
    """The line and the names of each list of (nearly) all identifiers in a text."""
    for found in LIST.finditer(text):
        names = re.findall(NAME, found[0])
        if len(names) == len(set(names)) >= FEWEST:
            yield text.count("\n", 0, found.start()) + 1, names


def is_whole(names):
    return names in ([*IDENTIFIERS], [*SINGLE_VALUED])


def committed_files():
    command = ["git", "-C", str(PROJECT), "ls-files", "-z"]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("this copy is not a git checkout")
    names = [name for name in done.stdout.decode().split("\0") if (PROJECT / name).is_file()]
    return [name for name in names if Path(name).suffix in {".py", ".md", ".sql", ".j2"}]


def text_of(name):
    return (PROJECT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("form", ["{}", '"{}"', 'o."{}"', "    {}  text", "{}: str | None = None"])
def test_a_list_is_found_in_every_form(form):
    def text(names):
        return ",\n".join(form.format(name) for name in names)

    assert [is_whole(names) for _, names in lists_in(text(SINGLE_VALUED))] == [True]
    assert [is_whole(names) for _, names in lists_in(text(SINGLE_VALUED[:-1]))] == [False]
    assert [is_whole(names) for _, names in lists_in(text(reversed(IDENTIFIERS)))] == [False]


def test_every_list_in_a_committed_file_has_all_identifiers_in_their_order():
    lists = [
        (f"{name}:{line}", names)
        for name in committed_files()
        if not name.startswith(NOT_HELD)
        for line, names in lists_in(text_of(name))
    ]
    wrong = [f"{place}: {' '.join(names)}" for place, names in lists if not is_whole(names)]

    assert not wrong, "not the list of features_pkg/identifiers.py:\n" + "\n".join(wrong)
    assert {"docs/glossary.md", "features_pkg/orders/order.py"} <= {
        place.partition(":")[0] for place, _ in lists
    }


@pytest.mark.parametrize(
    ("file", "names", "expected"),
    [
        ("features_pkg/orders/order.py", [f.name for f in fields(Order)], IDENTIFIERS),
        ("features_pkg/history/recent_events.py", RecentEvent._fields, IDENTIFIERS),
        ("service/body.py", OrderBody.__struct_fields__, SINGLE_VALUED),
    ],
)
def test_the_fields_of_a_class_are_the_identifiers(file, names, expected):
    assert [name for name in names if name in IDENTIFIERS] == [*expected], file


def test_the_openapi_document_has_the_identifiers():
    document = json.loads(text_of("tests/unit/golden/openapi.json"))
    order = document["components"]["schemas"]["OrderBody"]

    names = [name for name in order["properties"] if name in IDENTIFIERS]
    assert names == [*SINGLE_VALUED], "tests/unit/golden/openapi.json"


def test_the_recent_read_has_an_index_for_each_identifier():
    migrations = sorted(name for name in committed_files() if name.endswith(".sql"))
    indexed = re.findall(
        r'CREATE INDEX \w+\s+ON orders \(merchant_id, "?(\w+)"?, event_at\)',
        "".join(map(text_of, migrations)),
    )

    assert sorted(indexed) == sorted(SINGLE_VALUED), "sql/migrations"
