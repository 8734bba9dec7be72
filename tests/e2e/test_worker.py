"""What the worker does with any application."""

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e import slow_app
from tests.e2e.conftest import PROJECT
from tests.e2e.raw_http import head_of, raw_client
from tests.e2e.running import RunningService, running_service
from tests.e2e.shop_requests import the_problem


@pytest.fixture(scope="module")
def slow_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    program = [sys.executable, "-m", "tests.e2e.slow_app"]
    log = tmp_path_factory.mktemp("slow") / "log"
    with running_service({"PYTHONPATH": str(PROJECT)}, log, program=program) as started:
        yield started


def test_the_wait_for_a_thread_counts_from_when_the_request_was_whole(slow_service: RunningService):
    clients = [slow_service.client() for _ in range(2)]
    with ThreadPoolExecutor(len(clients)) as senders:
        answers = senders.map(lambda client: client.send("POST", "/", b""), clients)
        waits = sorted(float(answer.content) for answer in answers)

    assert waits[1] > slow_app.SECONDS / 4


def test_the_wait_does_not_count_from_the_first_byte(slow_service: RunningService):
    whole = head_of("POST /", Content_Length="2") + b"{}"
    with raw_client(slow_service) as early:
        started = time.monotonic()
        early.send(whole[:-1])
        first = slow_service.client().send("POST", "/", b"")
        early.send(whole[-1:])
        second = early.answer()

    seconds = time.monotonic() - started

    assert first.status == 200
    assert float(second.content) < seconds - 2 * slow_app.SECONDS


def test_an_answer_that_http_does_not_allow_is_a_500_that_shows_nothing(
    slow_service: RunningService,
):
    with raw_client(slow_service) as client:
        client.send(head_of("GET /"))
        answer = client.answer()
        assert client.is_closed()

    the_problem(answer, 500)
    assert b"529.982" not in answer.content
    assert "529.982" not in slow_service.log.read_text()
    assert slow_service.client().send("POST", "/", b"").status == 200


def test_what_no_answer_can_be_made_to_costs_its_client_and_no_thread(
    slow_service: RunningService,
):
    """The service has one thread, so nothing else would be answered."""
    with raw_client(slow_service) as client:
        client.send(head_of("DELETE /"))
        assert client.is_closed()

    assert slow_service.client().send("POST", "/", b"").status == 200
    assert '"error":"SystemExit","code_line":"slow_app.py:' in slow_service.log.read_text()


def test_a_body_is_bounded_whatever_the_application(slow_service: RunningService):
    with raw_client(slow_service) as client:
        client.send(head_of("POST /", Content_Length="65537"))

        the_problem(client.answer(), 413)
