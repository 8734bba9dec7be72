"""How large a cluster is: it follows from the number of orders."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from types import MappingProxyType
from typing import Final, NamedTuple

from jobs.parts import parts_of

CORE_SECONDS: Final[Mapping[str, float]] = MappingProxyType(
    {"night": 65.0, "training-set": 260.0, "retrain": 260.0}
)
"""What Spark needs for a million orders. Nights are measured, training sets reckoned as four."""
GOAL_SECONDS: Final = 900.0
"""How long Spark may take: a quarter of an hour, beside as much for the cluster to start."""
PARTS_PER_CORE: Final = 8
MOST_NODES: Final = 40
HEAP_SHARE: Final = 0.3
"""The share of Java; the rest is for its Python workers and Arrow, which are most of the work."""


class Machine(NamedTuple):
    """What YARN has to give of one machine, and the kind of its processor."""

    cores: int
    memory_mib: int
    architecture: str = "x86_64"


MACHINES: Final[Mapping[str, Machine]] = MappingProxyType(
    {
        "r6i.xlarge": Machine(4, 24_576),
        "r6i.2xlarge": Machine(8, 57_344),
        "r6i.4xlarge": Machine(16, 122_880),
        "r7g.xlarge": Machine(4, 24_576, "aarch64"),
        "r7g.2xlarge": Machine(8, 57_344, "aarch64"),
        "r7g.4xlarge": Machine(16, 122_880, "aarch64"),
    }
)
"""Memory as EMR configures YARN on them."""


@dataclass(frozen=True, slots=True)
class Size:
    """How many machines work for Spark. The primary one is of the same kind, and the driver's."""

    machine: Machine
    workers: int
    parts: int

    @property
    def options(self) -> dict[str, str]:
        """Spark's options: one executor fills one machine."""
        heap = int(self.machine.memory_mib * HEAP_SHARE)
        # Spark rounds up to YARN's grain, so a whole GiB stays free.
        overhead = self.machine.memory_mib - heap - 1024
        cores = str(self.machine.cores)
        return {
            "spark.driver.memory": f"{heap}m",
            "spark.dynamicAllocation.enabled": "false",
            "spark.executor.cores": cores,
            "spark.executor.instances": str(self.workers),
            "spark.executor.memory": f"{heap}m",
            "spark.executor.memoryOverhead": f"{overhead}m",
            "spark.sql.shuffle.partitions": str(self.parts),
        }


def size_for(job: str, orders: int, machine: Machine) -> Size:
    """The size of a cluster for so many orders of history."""
    cores = orders / 1e6 * CORE_SECONDS[job] / GOAL_SECONDS
    workers = min(max(ceil(cores / machine.cores), 1), MOST_NODES)
    parts = parts_of(orders, PARTS_PER_CORE * workers * machine.cores)
    return Size(machine, workers, parts)
