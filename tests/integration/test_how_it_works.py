"""docs/how-it-works.md tells what really happens: its values are those of a run."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.story.page import PAGE, blocks_of, with_blocks
from tests.integration.story.tell import tell
from tests.integration.story.world import World

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

REMEDY = "run `python -m tests.integration.story --write` and read what changed in the page"


@pytest.fixture
def told(
    database_url: str, redis_url: str, storage_url: str, spark: "SparkSession", tmp_path: Path
) -> dict[str, str]:
    return tell(World(database_url, redis_url, storage_url, spark, tmp_path))


def test_the_values_on_the_page_are_those_of_a_run(told: dict[str, str]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    shown = blocks_of(page)

    assert sorted(shown) == sorted(told)
    for name, text in shown.items():
        assert text == told[name], f"block {name}: {REMEDY}"
    # Rewriting the page must not be able to hide a bug: this much is known without running it.
    assert "document_distinct_zip_code_orders_30d_distant  2\n" in told["vector"]
    assert "document_distinct_zip_code_orders_24h_recent   1\n" in told["vector"]
    assert told["training-values"].endswith(", 0 differ\n")
    assert set(values_of(told["engines"])) == {"2", "1"}


def values_of(block: str) -> list[str]:
    return re.findall(r"(?<=  )\d+$", block, re.MULTILINE)


def test_a_block_is_found_and_replaced_by_its_name() -> None:
    page = "# A\n<!-- story: one -->\n```text\nold\n```\nwords\n<!-- story: two -->\n```json\n```\n"

    written = with_blocks(page, {"one": "a\nb\n", "two": "{}\n"})

    assert blocks_of(page) == {"one": "old\n", "two": ""}
    assert blocks_of(written) == {"one": "a\nb\n", "two": "{}\n"}
    assert written.startswith("# A\n<!-- story: one -->\n```text\na\nb\n```\nwords\n")
