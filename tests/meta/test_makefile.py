"""`make` hands on what a person wrote, whatever is in it."""

import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The Makefile, with an `ontem` that prints each of its arguments on a line."""
    shutil.copy(PROJECT / "Makefile", tmp_path)
    for name, script in (("deploy/setup", "true"), (".venv/bin/ontem", 'printf "%s\\n" "$@"')):
        program = tmp_path / name
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)
    return tmp_path


def made(checkout: Path, *words: str) -> list[str]:
    done = subprocess.run(
        ["make", "--no-print-directory", *words],
        cwd=checkout, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.splitlines()


@pytest.mark.parametrize("name", ["a b.parquet", "it's.csv", 'a "b" ; c.csv', "Ação (1)*.csv"])
def test_a_file_of_orders_is_one_word(checkout: Path, name: str) -> None:
    words = made(checkout, "demo", f"ORDERS={name}", f"MAPPING={name}", "ARGS=--seed 2")

    assert words == ["demo", "run", "--orders-file", name, "--mapping", name, "--seed", "2"]


def test_without_a_file_the_demo_makes_orders_up(checkout: Path) -> None:
    assert made(checkout, "demo") == ["demo", "run"]
