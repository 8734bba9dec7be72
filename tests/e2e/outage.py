"""A service whose stores are reached through proxies and can be frozen, and what it answered."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import psutil

from stores.postgres.connection import connect
from tests.e2e.conftest import NOON, Shop, a_shop, fresh_store
from tests.e2e.faulty_stores import FaultyStores
from tests.e2e.running import HttpAnswer, RunningService

DEADLINE_MS = 1_000
MOST_SECONDS = 2.0
"""What an answer may take in a test; the machine may be busy."""
RECOVERY_SECONDS = 60.0
"""When an outage counts as lasting: the benchmark `faults` measures that it ends within 5 s."""
DOCUMENT = "52998224725"


@dataclass
class Asked:
    """One order that was sent, what was answered, and how long that took."""

    shop: Shop
    order_id: str
    answer: HttpAnswer
    seconds: float

    @property
    def is_recorded(self) -> bool:
        return self.answer.status == 200 and self.answer.body["recorded"]

    @property
    def evaluation_id(self) -> str:
        assert self.is_recorded, (self.order_id, self.answer.content)
        return str(self.answer.body["evaluation_id"])

    @property
    def is_normal(self) -> bool:
        return self.is_recorded and not self.answer.body["degraded"]


@dataclass
class Outage(FaultyStores):
    """Two merchants of one service: one refuses what can't be stored, the other has it answered."""

    service: RunningService
    refuses: Shop
    answers: Shop
    asked: list[Asked] = field(default_factory=list)

    def ask(self, shop: Shop, order_id: str = "", **fields: Any) -> Asked:
        """One new order, or the one of that id."""
        order_id = order_id or f"order {len(self.asked)}"
        order = {"order_id": order_id, "amount_cents": 1990, "document": DOCUMENT, **fields}
        started = time.monotonic()
        answer = shop.client.evaluate(order, Ontem_Clock=NOON)
        asked = Asked(shop, order_id, answer, time.monotonic() - started)
        self.asked.append(asked)
        return asked

    def ask_all(self, times: int = 1) -> list[Asked]:
        """Some orders of both merchants, all answered in time while `/livez` answers, too."""
        asked = []
        for _ in range(times):
            asked += [self.ask(self.refuses), self.ask(self.answers)]
            started = time.monotonic()
            assert self.service.client().send("GET", "/livez").status == 200
            assert time.monotonic() - started < MOST_SECONDS
        assert max(each.seconds for each in asked) < MOST_SECONDS
        return asked

    def _states(self) -> dict[str, dict[str, str]]:
        states: dict[str, dict[str, str]] = self.service.client().send("GET", "/statusz").body
        return states["states"]  # type: ignore[return-value]

    def ask_next(self, last: Asked) -> Asked:
        """The same order once more if it was not recorded, else a new one."""
        return self.ask(last.shop, "" if last.is_recorded else last.order_id)

    def wait_until_normal(self) -> None:
        """Until orders of both are scored and stored again; fails after RECOVERY_SECONDS."""
        give_up = time.monotonic() + RECOVERY_SECONDS
        for shop in (self.refuses, self.answers):
            asked = self.ask(shop)
            while not asked.is_normal:
                assert time.monotonic() < give_up, (asked.answer.status, asked.answer.content)
                asked = self.ask_next(asked)
        states = self._states()
        while {states["postgresql"]["state"], states["redis"]["state"]} != {"ok"}:
            assert time.monotonic() < give_up, states
            states = self._states()

    def check_rows(self) -> None:
        """Nothing that was answered as recorded is lost, and no order is stored twice.

        What was not answered as recorded is sent again, and gets what is stored by then.
        """
        for shop in (self.refuses, self.answers):
            own = [each for each in self.asked if each.shop.merchant == shop.merchant]
            last = {each.order_id: each for each in own}
            for each in last.values():
                if not each.is_recorded:
                    last[each.order_id] = self.ask(shop, each.order_id)
            answered = {each.order_id: each.evaluation_id for each in last.values()}
            rows = shop.database.execute(
                "SELECT o.order_id, e.evaluation_id::text FROM orders o"
                " LEFT JOIN evaluations e USING (order_pk) WHERE o.merchant_id = %s",
                (shop.merchant.merchant_id,),
            ).fetchall()
            assert sorted(rows) == sorted(answered.items())

    def open_files(self) -> int:
        """How many files and sockets the processes of the service have open."""
        master = psutil.Process(self.service.process.pid)
        return sum(each.num_fds() for each in [master, *master.children(recursive=True)])

    def with_own_client(self, shop: Shop) -> Shop:
        """The same merchant, with a connection that another thread may use."""
        return replace(shop, client=self.service.client(shop.client.key))

    def a_merchant(self, **policy: Any) -> Shop:
        """One more merchant."""
        return a_shop(self.service, self.answers.database, self.answers.features, **policy)

    def connect_again(self) -> None:
        """Open the merchants' own sessions anew, and publish what Redis has lost."""
        url = self.stack.variables["ONTEM_POSTGRES_URL"]
        database = connect(url, application_name="test", autocommit=True)
        self.refuses.database = self.answers.database = database
        fresh_store(self.stack.variables["ONTEM_REDIS_URL"], self.answers.features)


@contextmanager
def restarted(outage: Outage) -> Iterator[None]:
    """The server is away meanwhile, and comes back at the same address."""
    outage.stack.down()
    try:
        yield
    finally:
        outage.stack.up()
