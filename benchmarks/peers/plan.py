"""Which features a peer computes, in which steps, and what it needs to know for them."""

import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.size import ORDERS, is_rehearsal
from features_pkg import CATALOGUE
from features_pkg.definitions.velocity import Measure, Past, Velocity
from features_pkg.identifiers import SINGLE_VALUED, Event, Identifier
from jobs.machine import usable_cores, usable_memory
from jobs.parts import MEMORY_OF_A_PART
from jobs.spark.session import GIB, MEMORY_SHARE

COUNTS, DISTINCTS = "counts", "distinct counts"
KINDS = (COUNTS, DISTINCTS)
"""Counts, sums of amounts and ages cost windows about the same; distinct counts cost them more."""
OF_MANY_ORDERS = (Identifier.ZIP_CODE, Identifier.SELLER)
IDENTIFIERS = (*(i for i in SINGLE_VALUED if i not in OF_MANY_ORDERS), *OF_MANY_ORDERS)
"""In this order: those whose entities have few orders first."""
SECONDS_PER_MILLION = 60
MOST_SECONDS = 300
OF_WINDOWS = (Measure.COUNT, Measure.DISTINCT, Measure.AMOUNT)


@dataclass(frozen=True)
class Plan:
    """The work of one peer, which reads `files` and writes into `folder`.

    Each step is the features of one identifier and kind. A kind begins no step once it has taken
    `seconds`.
    """

    files: list[str]
    folder: str
    steps: list[tuple[str, list[str]]]
    seconds: float
    timezone: str = ""
    lag_seconds: int = 0
    cores: int = 0
    memory_mb: int = 0

    @classmethod
    def read(cls, path: str) -> "Plan":
        """The plan that `write` has written."""
        return cls(**json.loads(Path(path).read_text(encoding="utf-8")))

    def write(self) -> str:
        """The path of a file with it in its folder."""
        path = Path(self.folder) / "plan.json"
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")
        return str(path)

    def piece(self, step: int) -> str:
        """Where the features of a step are."""
        return f"{self.folder}/step-{step}.parquet"

    @property
    def whole(self) -> str:
        """Where all features of an order are in one row."""
        return f"{self.folder}/whole.parquet"


class Engine(Protocol):
    """What a peer can do."""

    def features(self, velocities: Sequence[Velocity], path: str) -> None:
        """Write `order_pk` and the features of every order that has their identifier."""

    def join(self, paths: Sequence[str], path: str) -> None:
        """Write one row for each order, with the features of all these files."""


def kind_of(velocity: Velocity) -> str:
    """What it is measured as."""
    return DISTINCTS if velocity.measure is Measure.DISTINCT else COUNTS


def steps_of(pasts: Sequence[Past]) -> list[tuple[str, list[str]]]:
    """The kind and the names of features of each step that windows over orders can compute."""
    identifiers = IDENTIFIERS[:1] if is_rehearsal() else IDENTIFIERS
    steps = []
    for kind in KINDS:
        for identifier in identifiers:
            names = [
                velocity.name
                for velocity in CATALOGUE
                if velocity.identifier == identifier
                and kind_of(velocity) == kind
                and velocity.past in pasts
                and _fits_a_window(velocity)
            ]
            if names:
                steps.append((kind, names))
    return steps


def _fits_a_window(velocity: Velocity) -> bool:
    """Orders only, as their chargebacks come at other instants; single values; a stated length."""
    return (
        velocity.event is Event.ORDER
        and velocity.measure in OF_WINDOWS
        and (velocity.target is None or not velocity.target.several)
        and velocity.window is not None
        and not velocity.window.is_since_cutoff
    )


def seconds_of_a_kind(orders: int = ORDERS) -> float:
    """After how long a kind begins no other step."""
    return min(SECONDS_PER_MILLION * max(orders / 1e6, 0.02), MOST_SECONDS)


def same_memory() -> int:
    """The bytes that Ontem's Java and its workers may have together."""
    java = min(max(usable_memory() * MEMORY_SHARE, GIB), 8 * GIB)
    return int(java) + usable_cores() * MEMORY_OF_A_PART


def run_steps(plan: Plan, engine: Engine) -> None:
    """Do the plan, and append a line to `times.jsonl` for each thing that is done."""
    times = Path(plan.folder) / "times.jsonl"
    spent = dict.fromkeys(KINDS, 0.0)
    done: list[str] = []
    by_name = {velocity.name: velocity for velocity in CATALOGUE}
    with times.open("w", encoding="utf-8") as lines:

        def note(what: dict[str, object]) -> None:
            lines.write(json.dumps(what) + "\n")
            lines.flush()
            os.fsync(lines.fileno())

        for step, (kind, names) in enumerate(plan.steps):
            if spent[kind] >= plan.seconds:
                continue
            start = time.perf_counter()
            engine.features([by_name[name] for name in names], plan.piece(step))
            seconds = time.perf_counter() - start
            spent[kind] += seconds
            done.append(plan.piece(step))
            note({"step": step, "seconds": seconds})
        start = time.perf_counter()
        engine.join(done, plan.whole)
        note({"join": time.perf_counter() - start})
