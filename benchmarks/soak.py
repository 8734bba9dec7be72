"""`make soak`: whether a service grows at half its capacity while its stores flap by turns.

`make soak MINUTES=2` is shorter than the fifteen minutes that it takes otherwise.
"""

import os
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import astuple, dataclass, fields
from itertools import islice
from typing import Final
from urllib.request import urlopen

import psutil
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis

from benchmarks.faulty_service import FaultyService, a_faulty_service
from benchmarks.load import MOST_POOR, Target, clients
from benchmarks.open_loop import Answers, open_loop
from benchmarks.size import FEW_ORDERS, ORDERS, repetitions
from benchmarks.streams import bodies_of, wait_until_normal
from benchmarks.warm_stack import warm_stack
from stores.policy import Policy
from stores.postgres.issued_keys import issue_key
from stores.postgres.merchants import add_merchant
from tests.e2e.faulty_stores import refused

MOST_ORDERS: Final = 100_000
IS_REHEARSAL: Final = ORDERS < FEW_ORDERS
MINUTES: Final = 0.1 if IS_REHEARSAL else float(os.environ.get("ONTEM_SOAK_MINUTES", "15"))
AWAY_SECONDS: Final = 0.25 if IS_REHEARSAL else 5.0
"""How long a store is away, and then there; Redis and PostgreSQL take turns."""
ROUND_SECONDS: Final = 4 * AWAY_SECONDS
SHARE: Final = 0.5
MERCHANTS: Final = repetitions(60)
"""So many that nobody's customers come more often in the last minute than in the first."""
TOLD_ROWS: Final = 16
MORE_MEMORY: Final = 0.03
"""How much more memory than at half-time is growth; of all others it is MORE_OTHERS."""
MORE_OTHERS: Final = 8
BOUNDED: Final = {"hot_entities", "hot_mb"}
"""What may grow with the orders of the day, up to `--hot-megabytes`."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What the service holds at the end of a round, when both stores are there."""

    minutes: float
    memory_mb: float
    descriptors: int
    threads: int
    postgres: int
    redis: int
    hot_entities: int
    hot_mb: float

    @classmethod
    def of(cls, service: FaultyService, began: float) -> "Sample":
        """That of all processes of the service now."""
        master = psutil.Process(service.pid)
        processes = [master, *master.children(recursive=True)]
        with Redis.from_url(service.stack.variables["ONTEM_REDIS_URL"]) as client:
            redis = int(client.info("clients")["connected_clients"]) - 1
        return cls(
            minutes=(time.monotonic() - began) / 60,
            memory_mb=sum(each.memory_info().rss for each in processes) / 1e6,
            descriptors=sum(each.num_fds() - _clients_of(each, service) for each in processes),
            threads=sum(each.num_threads() for each in processes),
            postgres=len(service.sessions()),
            redis=redis,
            hot_entities=int(_gauge(service, "ontem_hot_entities")),
            hot_mb=_gauge(service, "ontem_hot_bytes") / 1e6,
        )

    def row(self) -> str:
        """The row of a table."""
        minutes, memory, *others, hot_mb = astuple(self)
        cells = [f"{minutes:.1f}", f"{memory:.1f}", *map(str, others), f"{hot_mb:.1f}"]
        return f"| {' | '.join(cells)} |"


def _clients_of(process: psutil.Process, service: FaultyService) -> int:
    """The connections that clients keep to a process: as many as once were busy together."""
    connections = process.net_connections("tcp")
    return sum(bool(each.raddr) and each.laddr.port == service.target.port for each in connections)


def _gauge(service: FaultyService, name: str) -> float:
    """What the service's own page of metrics says."""
    with urlopen(f"http://127.0.0.1:{service.target.port}/metrics") as answer:
        page = answer.read().decode()
    (found,) = (each for each in text_string_to_metric_families(page) if each.name == name)
    return sum(sample.value for sample in found.samples)


def measure() -> list[str]:
    """The lines of the section."""
    warm = warm_stack(min(ORDERS, MOST_ORDERS))
    with ExitStack() as opened:
        service = opened.enter_context(a_faulty_service(warm))
        wait_until_normal(service.target, warm)
        targets = _targets(service)
        per_second = _capacity(service) * SHARE
        stream = open_loop(targets, warm.live_orders, per_second, f"soak-{time.time_ns()}")
        answers = opened.enter_context(stream)
        with flapping_by_turns(service) as rounds:
            samples = list(_samples(service, rounds))
    return _page(samples, answers, per_second)


def _targets(service: FaultyService) -> list[Target]:
    """The service, with the keys of merchants of its own."""
    policy = Policy(when_not_stored="answer")
    with service.owner() as connection:
        merchants = [
            add_merchant(connection, f"soak {time.time_ns()}", policy) for _ in range(MERCHANTS)
        ]
        keys = [issue_key(connection, merchant).text for merchant in merchants]
    return [Target(service.target.port, key) for key in keys]


def _capacity(service: FaultyService) -> float:
    """The requests a second that eight clients get of it; a few answers may be late."""
    bodies = bodies_of(service.warm)
    with clients(8) as eight:
        runs = [
            eight.closed_loop(
                service.target, list(islice(bodies, repetitions(800))), most_poor=10 * MOST_POOR
            )
            for _ in range(3)
        ]
    return max(run.per_second for run in runs)


@contextmanager
def flapping_by_turns(service: FaultyService) -> Iterator["threading.Semaphore"]:
    """Inside, the stores are away by turns; released at the end of each round."""
    stopped, rounds = threading.Event(), threading.Semaphore(0)

    def flap() -> None:
        while not stopped.is_set():
            for proxy in (service.redis, service.postgres):
                with refused(proxy):
                    stopped.wait(AWAY_SECONDS)
                stopped.wait(AWAY_SECONDS)
            rounds.release()

    thread = threading.Thread(target=flap)
    thread.start()
    try:
        yield rounds
    finally:
        stopped.set()
        thread.join()


def _samples(service: FaultyService, rounds: threading.Semaphore) -> Iterator[Sample]:
    began = time.monotonic()
    while time.monotonic() - began < MINUTES * 60:
        rounds.acquire()
        yield Sample.of(service, began)


def growth(samples: Sequence[Sample]) -> list[str]:
    """What each column does in the second half, and whether it grew."""
    half = samples[len(samples) // 2 :]
    lines = []
    for field in fields(Sample)[1:]:
        if field.name in BOUNDED:
            continue
        values = [float(getattr(each, field.name)) for each in half]
        quarter = max(len(values) // 4, 1)
        first, last = statistics.median(values[:quarter]), statistics.median(values[-quarter:])
        allowed = first * MORE_MEMORY if field.name == "memory_mb" else MORE_OTHERS
        slope = _slope([each.minutes for each in half], values)
        verdict = "**grew**" if last - first > allowed else "is flat"
        name = NAMES[field.name]
        lines.append(f"- {name} {verdict}: {first:.1f} to {last:.1f}, {slope:+.2f} a minute")
    return lines


NAMES: Final = {
    "memory_mb": "memory (MB)",
    "descriptors": "descriptors",
    "threads": "threads",
    "postgres": "sessions of PostgreSQL",
    "redis": "connections to Redis",
    "hot_entities": "hot entities",
    "hot_mb": "their arrays (MB)",
}


def _slope(xs: Sequence[float], ys: Sequence[float]) -> float:
    """The least squares slope; 0 of a single point."""
    return statistics.linear_regression(xs, ys).slope if len(set(xs)) > 1 else 0.0


def _page(samples: Sequence[Sample], answers: Answers, per_second: float) -> list[str]:
    step = max(len(samples) // TOLD_ROWS, 1)
    answered = sum(each.status != 0 for each in answers.orders)
    return [
        "## Soak",
        "",
        (
            f"{per_second:.0f} orders a second of {MERCHANTS} merchants, half of what eight "
            f"clients got, for {MINUTES:g} minutes, while Redis and PostgreSQL were away by turns "
            f"for {AWAY_SECONDS:g} s, every {2 * AWAY_SECONDS:g} s. {answered:,} of "
            f"{len(answers.orders):,} orders were answered. Each row was taken when both stores "
            "had been back for as long; the figures are those of all processes of the service, "
            "without the connections of clients."
        ),
        "",
        f"| minute | {' | '.join(NAMES.values())} |",
        f"|{'---|' * len(fields(Sample))}",
        *(each.row() for each in samples[::step]),
        "",
        "From half-time to the end:",
        "",
        *growth(samples),
    ]
