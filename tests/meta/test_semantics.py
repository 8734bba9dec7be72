"""The law stands in docs/semantics.md; whoever cites it cites what is there."""

import re
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PAGE = (PROJECT / "docs" / "semantics.md").read_text("utf-8")
NUMBERS = {
    *re.findall(r"^#+ (\d+(?:\.\d+)?)\.? ", PAGE, re.MULTILINE),
    *re.findall(r"^- \*\*(\d+(?:\.\d+)*)\*\* ", PAGE, re.MULTILINE),
}
CITATION = re.compile(r"docs/semantics\.md,? sections? ((?:\d+(?:\.\d+)*(?:, | and |,? to )?)+)")


def committed_texts() -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files", "-z", "*.py", "*.md", "*.sql", "*.j2"],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    return [PROJECT / name for name in names if name and (PROJECT / name).is_file()]


def test_the_page_numbers_each_rule_once() -> None:
    rules = re.findall(r"^- \*\*(\d+(?:\.\d+)+)\*\* ", PAGE, re.MULTILINE)
    assert len(rules) > 150
    assert len(rules) == len(set(rules))


@pytest.mark.parametrize("path", committed_texts(), ids=lambda p: str(p.relative_to(PROJECT)))
def test_every_cited_section_is_on_the_page(path: Path) -> None:
    text = " ".join(path.read_text("utf-8").split())
    for cited in CITATION.findall(text):
        for number in re.findall(r"\d+(?:\.\d+)*", cited):
            assert number in NUMBERS, f"{path} cites section {number}, which is not there"


def test_rules_that_the_page_cites_are_on_it() -> None:
    for number in re.findall(r"\((\d+\.\d+(?:\.\d+)?)\)", PAGE):
        assert number in NUMBERS, number
