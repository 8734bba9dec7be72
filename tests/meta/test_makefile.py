"""`make` hands on what a person wrote, whatever is in it."""

import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PRINT = 'printf "%s\\n" "$@"'


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The Makefile, with an `ontem` and a `python` that print each of their arguments on a line."""
    shutil.copy(PROJECT / "Makefile", tmp_path)
    for name, script in (
        ("deploy/setup", "true"),
        (".venv/bin/ontem", PRINT),
        (".venv/bin/python", PRINT),
    ):
        program = tmp_path / name
        program.parent.mkdir(parents=True, exist_ok=True)
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


def test_tests_are_shared_out_by_file_unless_the_arguments_say_otherwise(checkout: Path) -> None:
    words = made(checkout, "test", "ARGS=-k 'not s3' -n 3")

    assert words[:6] == ["-m", "pytest", "-n", "auto", "--dist", "loadfile"]
    assert words[-4:] == ["-k", "not s3", "-n", "3"]
