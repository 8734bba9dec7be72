"""`python -m benchmarks [NAME ...]`: run the named benchmarks, or all that the lock file covers.

Each writes its section of docs/benchmarks.md.
"""

import importlib
import sys

from benchmarks.page import write_section
from benchmarks.steal import undisturbed

DEFAULT_NAMES = ("point_in_time", "evaluate", "online_store")
NAMES = (*DEFAULT_NAMES, "drivers")
"""`drivers` compares with psycopg2, which is not in the lock file."""


def main(names: list[str]) -> int:
    """Run these benchmarks and return the exit code, 2 for an unknown name."""
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(
            f"there is no benchmark {unknown[0]!r}: choose from {', '.join(NAMES)}", file=sys.stderr
        )
        return 2
    for name in names or DEFAULT_NAMES:
        lines = undisturbed(importlib.import_module(f"benchmarks.{name}").measure)
        write_section(name, lines)
        print("\n".join(lines), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
