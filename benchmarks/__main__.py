"""`python -m benchmarks [NAME ...]`: run them all, or some, and write docs/benchmarks.md."""

import importlib
import sys

from benchmarks.page import write_section
from benchmarks.steal import undisturbed

NAMES = ("point_in_time", "evaluate", "drivers")


def main(names: list[str]) -> int:
    """Run the benchmarks of these names; an unknown one ends the command."""
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"there is no benchmark {unknown[0]!r}, only {', '.join(NAMES)}", file=sys.stderr)
        return 2
    for name in names or NAMES:
        lines = undisturbed(importlib.import_module(f"benchmarks.{name}").measure)
        write_section(name, lines)
        print("\n".join(lines), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
