"""`python -m benchmarks [NAME ...]`: run those that need only the lock, or the named ones.

Each writes its section of docs/benchmarks.md.
"""

import importlib
import sys

from benchmarks.page import write_section
from benchmarks.steal import undisturbed

LOCKED = ("point_in_time", "evaluate")
NAMES = (*LOCKED, "drivers")
"""`drivers` compares with psycopg2, which the lock has not."""


def main(names: list[str]) -> int:
    """Run the benchmarks of these names; an unknown one ends the command."""
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"there is no benchmark {unknown[0]!r}, only {', '.join(NAMES)}", file=sys.stderr)
        return 2
    for name in names or LOCKED:
        lines = undisturbed(importlib.import_module(f"benchmarks.{name}").measure)
        write_section(name, lines)
        print("\n".join(lines), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
