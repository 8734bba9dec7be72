"""A section of the page is replaced by its next run, and by no other."""

from pathlib import Path

import pytest

from benchmarks import page


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(page, "PAGE", tmp_path / "benchmarks.md")
    return tmp_path / "benchmarks.md"


def test_a_section_is_replaced_and_the_others_stay(written: Path) -> None:
    page.write_section("night", ["## The night", "first"])
    page.write_section("hot", ["## A hot CEP", "warm"])
    page.write_section("night", ["## The night", "second"])

    content = written.read_text(encoding="utf-8")
    assert "first" not in content
    assert content.index("second") < content.index("warm")
    assert content.count("## The night") == 1


def test_sections_of_different_numbers_of_orders_stand_side_by_side(written: Path) -> None:
    page.write_section("nights", ["## Nights", "a million"], 1_000_000)
    page.write_section("nights", ["## Nights", "ten"], 10_000_000)
    page.write_section("nights", ["## Nights", "a million anew"], 1_000_000)

    content = written.read_text(encoding="utf-8")
    assert "## Nights, 1,000,000 orders\na million anew" in content
    assert "## Nights, 10,000,000 orders\nten" in content
    assert content.count("## Nights") == 2


def test_a_benchmark_that_has_another_page_leaves_the_first_alone(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = written.with_name("models.md")
    monkeypatch.setitem(page.PAGES, "catalogues", models)
    page.write_section("night", ["## The night", "first"])
    page.write_section("catalogues", ["## Catalogues", "areas"])

    assert "areas" not in written.read_text(encoding="utf-8")
    assert "areas" in models.read_text(encoding="utf-8")
    assert "first" not in models.read_text(encoding="utf-8")
