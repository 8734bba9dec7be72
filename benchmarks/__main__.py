"""`python -m benchmarks [--print] [NAME ...]`: run these benchmarks.

Without a name all run but `catalogues`, `live_day`, `soak`, `drivers` and those of
`make bench-batch`. Each writes its section of docs/benchmarks.md (`catalogues` that of
docs/models.md), or only prints it. ONTEM_BENCH_ORDERS is the number of
orders of the largest history, 1,000,000 unless it is set. Below 10,000 it is a rehearsal, which
repeats a tenth as often. With ONTEM_BENCH_KEEP=FOLDER the stacks stay there for six hours, for the
next benchmarks; those of `make bench-batch` do not, but for that of a training set that is measured
alone.
"""

import importlib
import sys

from benchmarks.page import write_section
from benchmarks.size import ORDERS
from benchmarks.steal import undisturbed

DEFAULT_NAMES = (
    *("point_in_time", "night", "extract", "evaluate", "stages"),
    *("serving", "histories", "before", "faults", "slow_clients", "overload", "hot"),
    "online_store",
)
"""In this order: an extraction before the first night would leave it nothing to extract."""
BATCH_NAMES = ("nights", "publishing", "redis_growth", "training_set")
"""What `make bench-batch` runs, one after the other on the same stack; by the number of orders."""
NAMES = (*DEFAULT_NAMES, *BATCH_NAMES, "catalogues", "live_day", "soak", "drivers")
"""The last four take long, or psycopg2, which is not in the lock file."""
PRINT_ONLY = "--print"


def main(words: list[str]) -> int:
    """Run these benchmarks and return the exit code, 2 for an unknown name."""
    names = [word for word in words if word != PRINT_ONLY]
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(
            f"there is no benchmark {unknown[0]!r}: choose from {', '.join(NAMES)}", file=sys.stderr
        )
        return 2
    for name in sorted(names, key=NAMES.index) or DEFAULT_NAMES:
        lines = undisturbed(importlib.import_module(f"benchmarks.{name}").measure)
        if PRINT_ONLY not in words:
            write_section(name, lines, ORDERS if name in BATCH_NAMES else None)
        print("\n".join(lines), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
