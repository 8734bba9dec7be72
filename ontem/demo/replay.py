"""The live days of a demo: one client that sends each order at its own instant."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from subprocess import DEVNULL, STDOUT, Popen, TimeoutExpired
from typing import Any

from features_pkg.calendar import Calendar, from_us
from ontem.demo.errors import OrderNotTaken, ServiceDidNotStart
from ontem.demo.folder import Place, command
from ontem.demo.nights import AFTER_CUTOFF_US, nights_between
from ontem.demo.orders import LiveChargeback, LiveOrder
from ontem.stack.server import free_port
from stores.postgres.chargebacks import record_chargeback
from stores.postgres.clock import set_clock
from stores.postgres.connection import connect
from stores.settings import Settings

START_SECONDS = 60
STOP_SECONDS = 15


@dataclass(slots=True)
class Replayed:
    """What the live days brought: seconds per request, and the decisions by word."""

    seconds: list[float] = field(default_factory=list)
    decisions: dict[str, int] = field(default_factory=dict)
    degraded: int = 0
    chargebacks: int = 0

    def percentile_ms(self, share: float) -> float | None:
        """The request time that this share of requests stays below."""
        if not self.seconds:
            return None
        place = min(int(share * len(self.seconds)), len(self.seconds) - 1)
        return round(sorted(self.seconds)[place] * 1000, 3)


@contextmanager
def service(place: Place, log: Path) -> Iterator[int]:
    """The demo's service on a free port of this machine, ready; stopped afterwards."""
    port = free_port()
    words = command("ontem", "serve", "--bind", f"127.0.0.1:{port}")
    with log.open("w", encoding="utf-8") as output:
        process = Popen(words, env=place.variables(), stdin=DEVNULL, stdout=output, stderr=STDOUT)
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


@dataclass(slots=True)
class Replay:
    """Sends what happens in time order, and runs `night` for each cutoff that is crossed."""

    port: int
    api_key: str
    settings: Settings
    merchant_id: int
    night: Callable[[int], None]
    tell: Callable[[int], None]

    def run(self, happens: Iterator[LiveOrder | LiveChargeback], start_us: int) -> Replayed:
        """Send all of it; `start_us` is where the live days begin."""
        done, now_us = Replayed(), start_us
        calendar = Calendar(self.settings.timezone)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        for one in happens:
            for day in nights_between(now_us, one.at_us, calendar):
                connection.close()  # the service ends a connection that is idle for so long
                self.night(day)
            now_us = one.at_us
            if isinstance(one, LiveOrder):
                self._send(connection, one, done)
            else:
                self._charge_back(one)
                done.chargebacks += 1
            self.tell(len(done.seconds))
        connection.close()
        return done

    def _send(
        self, connection: http.client.HTTPConnection, order: LiveOrder, done: Replayed
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
        done.seconds.append(time.perf_counter() - start)
        if answer.status != http.HTTPStatus.OK:
            raise OrderNotTaken(order.body["order_id"], answer.status, content)
        told: dict[str, Any] = json.loads(content)
        done.decisions[told["decision"]] = done.decisions.get(told["decision"], 0) + 1
        done.degraded += bool(told["degraded"])

    def _charge_back(self, one: LiveChargeback) -> None:
        with connect(self.settings.postgres_url, application_name="ontem demo") as session:
            set_clock(session, from_us(one.at_us))
            record_chargeback(session, self.merchant_id, one.order_id, from_us(one.at_us))
            session.commit()


def clock_of_night(day: int, calendar: Calendar) -> datetime:
    """When the night that publishes `day` runs."""
    return from_us(calendar.cutoff_us(day) + AFTER_CUTOFF_US)
