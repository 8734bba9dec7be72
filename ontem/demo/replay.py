"""The live days of a demo: one client that sends each order at the order's own instant."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import DEVNULL, STDOUT, Popen, TimeoutExpired
from typing import Any, Final

from features_pkg.calendar import Calendar, from_us
from ontem.demo.errors import OrderNotTaken, ServiceDidNotStart
from ontem.demo.folder import DemoFolder
from ontem.demo.nights import nights_between
from ontem.demo.orders import LiveChargeback, LiveOrder
from ontem.demo.stages import python_module
from ontem.stack.server import free_port
from stores.postgres.chargebacks import record_chargeback
from stores.postgres.clock import set_clock
from stores.postgres.connection import connect
from stores.settings import Settings

START_SECONDS = 60
STOP_SECONDS = 15
PATIENT: Final = {"ONTEM_DEADLINE_MS": "10000", "ONTEM_STATEMENT_TIMEOUT_MS": "4000"}
"""What the service waits unless the environment says otherwise: no demo ends by a busy machine."""


@dataclass(slots=True)
class ReplayResult:
    """What came of the live days: the seconds of each request, and how often which decision."""

    seconds: list[float] = field(default_factory=list)
    decisions: dict[str, int] = field(default_factory=dict)
    degraded: int = 0
    chargebacks: int = 0

    def percentile_ms(self, share: float) -> float | None:
        """The time within which this share of the requests was answered; None for no request."""
        if not self.seconds:
            return None
        position = min(int(share * len(self.seconds)), len(self.seconds) - 1)
        return round(sorted(self.seconds)[position] * 1000, 3)


@contextmanager
def running_service(folder: DemoFolder, log: Path) -> Iterator[int]:
    """The port of the demo's service, which answers while inside. Raises ServiceDidNotStart."""
    port = free_port()
    command = python_module("ontem", "serve", "--bind", f"127.0.0.1:{port}")
    environ = PATIENT | folder.environ()
    with log.open("w", encoding="utf-8") as output:
        process = Popen(command, env=environ, stdin=DEVNULL, stdout=output, stderr=STDOUT)
        try:
            _wait_until_ready(process, port, log)
            yield port
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_ready(process: Popen[bytes], port: int, log: Path) -> None:
    give_up = time.monotonic() + START_SECONDS
    reason = "no answer"
    while time.monotonic() < give_up:
        if process.poll() is not None:
            raise ServiceDidNotStart(log, f"it ended with {process.returncode}")
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            reason = answer.read().decode(errors="replace")
            if answer.status == http.HTTPStatus.OK:
                return
        except OSError as error:
            reason = str(error)
        time.sleep(0.1)
    raise ServiceDidNotStart(log, reason)


@dataclass(slots=True, kw_only=True)
class Replay:
    """Sends live events in time order, and runs `night` for each cutoff that is crossed.

    After each event `show_progress` gets the number of orders sent so far.
    """

    port: int
    api_key: str
    settings: Settings
    merchant_id: int
    night: Callable[[int], None]
    show_progress: Callable[[int], None]

    def run(self, events: Iterable[LiveOrder | LiveChargeback], start_us: int) -> ReplayResult:
        """Send all of them; the live days begin at `start_us`. Raises OrderNotTaken."""
        result, now_us = ReplayResult(), start_us
        calendar = Calendar(self.settings.timezone)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        for event in events:
            for day in nights_between(now_us, event.at_us, calendar):
                connection.close()  # the service closes one that is idle as long as a night
                self.night(day)
            now_us = event.at_us
            if isinstance(event, LiveOrder):
                self._send(connection, event, result)
            else:
                self._charge_back(event)
                result.chargebacks += 1
            self.show_progress(len(result.seconds))
        connection.close()
        return result

    def _send(
        self, connection: http.client.HTTPConnection, order: LiveOrder, result: ReplayResult
    ) -> None:
        headers = {
            "Authorization": f"Bearer {self.api_key}",
            "Content-Type": "application/json",
            "Ontem-Clock": from_us(order.at_us).isoformat(),
        }
        body = json.dumps(order.body)
        start = time.perf_counter()
        connection.request("POST", "/evaluate", body, headers)
        answer = connection.getresponse()
        content = answer.read().decode()
        result.seconds.append(time.perf_counter() - start)
        if answer.status != http.HTTPStatus.OK:
            raise OrderNotTaken(order.body["order_id"], answer.status, content)
        reply: dict[str, Any] = json.loads(content)
        decision = reply["decision"]
        result.decisions[decision] = result.decisions.get(decision, 0) + 1
        result.degraded += bool(reply["degraded"])

    def _charge_back(self, chargeback: LiveChargeback) -> None:
        at = from_us(chargeback.at_us)
        with connect(self.settings.postgres_url, application_name="ontem demo") as connection:
            set_clock(connection, at)
            record_chargeback(connection, self.merchant_id, chargeback.order_id, at)
            connection.commit()
