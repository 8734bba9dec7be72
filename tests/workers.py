"""How many processes run the tests at a time, each with servers and a Spark of its own."""

import os
from typing import Final

import psutil

MOST: Final = 4
"""More wait for the longest file."""

MEMORY_OF_ONE: Final = 4 * 2**30
"""Its servers, its Spark, and the commands with a Spark of theirs that it starts."""


def worker_count(cores: int, memory: int) -> int:
    """How many a machine has cores and memory for; 0 is no process beside the one of pytest.

    Each waits for what it has started for a third of its time: two cores keep three of them.
    """
    count = min(cores * 3 // 2, memory // MEMORY_OF_ONE, MOST)
    return count if count > 1 else 0


def workers_of_this_machine() -> int:
    return worker_count(os.cpu_count() or 1, psutil.virtual_memory().total)
