"""Each page of docs/adr has a number of its own, in its name and in its title."""

from pathlib import Path

PAGES = sorted((Path(__file__).resolve().parents[2] / "docs" / "adr").glob("*.md"))


def test_each_decision_has_a_number_of_its_own() -> None:
    numbers = [page.name[:4] for page in PAGES]

    assert len(numbers) == len(set(numbers)), numbers


def test_the_title_of_a_decision_has_the_number_of_its_file() -> None:
    titles = {page.name: page.read_text(encoding="utf-8").splitlines()[0] for page in PAGES}

    assert {name: title for name, title in titles.items()
            if not title.startswith(f"# {int(name[:4])}. ")} == {}  # fmt: skip
