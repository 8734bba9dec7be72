"""What no committed file may say, and that `make` has every target that a page names."""

import re
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]

# Written in halves, so that this file does not say what it forbids.
REGISTRY_HOSTS = re.compile(
    "|".join(
        [
            r"pypi\." + "org",
            r"python" + r"hosted\.org",
            r"repo1?\.maven" + r"|maven\.(apache|google)\.",
            r"registry\." + "npmjs",
            r"(deb|security)\.debian\." + "org",
            r"(archive|ports)\.ubuntu\." + "com",
            r"(index|static)\.crates\." + "io",
            r"proxy\.golang\." + "org",
            r"ghcr\." + r"io|quay\." + "io",
        ]
    )
)
MACHINE_PATHS = re.compile(r"(?<![\w.-])/(work|root|home/\w+|Users/\w+|opt/wheels)" + r"/[\w.]")


def _committed():
    command = ["git", "-C", str(PROJECT), "ls-files", "-z"]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("this copy is not a git checkout")
    names = done.stdout.decode().split("\0")
    return [PROJECT / name for name in names if name and (PROJECT / name).is_file()]


def _lines_with(pattern):
    for path in _committed():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if pattern.search(line):
                yield f"{path.relative_to(PROJECT)}:{number}: {line.strip()[:100]}"


def test_no_committed_file_names_a_package_registry():
    assert list(_lines_with(REGISTRY_HOSTS)) == []


def test_no_committed_file_names_a_path_of_one_machine():
    assert list(_lines_with(MACHINE_PATHS)) == []


def test_nothing_that_set_up_or_the_stack_makes_is_committed():
    names = {path.relative_to(PROJECT).parts[0] for path in _committed()}

    assert names.isdisjoint({".venv", ".ontem", ".env", "build", "dist"})


def _make_targets_named(page):
    text = page.read_text(encoding="utf-8")
    fenced = "\n".join(text.split("```")[1::2])
    return set(re.findall(r"`make ([a-z-]+)", text)) | set(
        re.findall(r"^\s*make ([a-z-]+)", fenced, re.MULTILINE)
    )


def test_every_make_target_that_a_page_names_exists():
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    pages = [path for path in _committed() if path.suffix == ".md"]

    assert {name for page in pages for name in _make_targets_named(page)} <= targets


def test_every_make_target_says_what_it_does():
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    phony = set(re.findall(r"^\.PHONY: ([a-z-]+)$", makefile, re.MULTILINE))
    described = set(re.findall(r"^([a-z-]+):.*## .+\.$", makefile, re.MULTILINE))

    assert phony == described


def test_make_alone_lists_the_targets():
    done = subprocess.run(
        ["make", "-C", str(PROJECT), "--no-print-directory"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert re.search(r"^  make demo +\S", done.stdout, re.MULTILINE)
    assert re.search(r"^  make test +\S", done.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    "name", [".env", "deploy/.env", ".ontem/env", ".ontem/postgres-admin", "orders.csv.rejects.csv"]
)
def test_git_ignores_what_has_secrets_or_tells_of_a_shop_s_orders(name):
    _committed()  # skips where this is no checkout
    command = ["git", "-C", str(PROJECT), "check-ignore", "-q", name]

    assert subprocess.run(command, check=False).returncode == 0
