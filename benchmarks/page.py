"""docs/benchmarks.md: a section per benchmark, each replaced by its last run."""

import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

Made by `make bench`; one of them by `make bench ARGS=NAME`. Machines differ, so look at the ratios:
both sides of each ran in turn in the same run.
"""


def write_section(name: str, lines: list[str]) -> None:
    """Replace the section `name`, with the machine and the command that made it."""
    content = PAGE.read_text(encoding="utf-8") if PAGE.exists() else HEAD
    start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    made = (
        f"`make bench ARGS={name}`, {datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}."
    )
    section = "\n".join([start, *lines, "", made, end])
    pattern = re.compile(re.escape(start) + ".*?" + re.escape(end), re.DOTALL)
    if pattern.search(content):
        content = pattern.sub(lambda _: section, content)
    else:
        content = content.rstrip() + "\n\n" + section + "\n"
    PAGE.write_text(content, encoding="utf-8")
