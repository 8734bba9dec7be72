"""docs/benchmarks.md and docs/models.md: a section per benchmark, which each run replaces."""

import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
PAGES = {"catalogues": PAGE.with_name("models.md")}
"""Those benchmarks that have another page."""
HEAD = """# Benchmarks

`make bench` and `make bench-batch` write this page; `make bench ARGS=NAME` writes one section.
Machines differ, so compare the ratios: the two sides of each ran in turn, in the same run.
"""


def write_section(name: str, lines: list[str], orders: int | None = None) -> None:
    """Replace the section `name`; a last line names the command and the machine.

    With `orders` it stays beside those of other numbers of orders.
    """
    page = PAGES.get(name, PAGE)
    content = page.read_text(encoding="utf-8") if page.exists() else HEAD
    mark = name
    if orders is not None:
        mark, lines = f"{name} {orders}", [f"{lines[0]}, {orders:,} orders", *lines[1:]]
    start, end = f"<!-- {mark} -->", f"<!-- end of {mark} -->"
    size = os.environ.get("ONTEM_BENCH_ORDERS")
    variables = f"ONTEM_BENCH_ORDERS={size} " if size else ""
    command_and_machine = (
        f"`{variables}make bench ARGS={name}`, {datetime.now(UTC):%Y-%m-%d}, "
        f"{os.cpu_count()} cores, Python {platform.python_version()}."
    )
    section = "\n".join([start, *lines, "", command_and_machine, end])
    pattern = re.compile(re.escape(start) + ".*?" + re.escape(end), re.DOTALL)
    if pattern.search(content):
        content = pattern.sub(lambda _: section, content)
    else:
        content = content.rstrip() + "\n\n" + section + "\n"
    page.write_text(content, encoding="utf-8")
