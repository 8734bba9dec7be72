"""What Redis answers in the place of values: never scored, and named in the log."""

import itertools
import json
from typing import Any

import pytest

from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.identifiers import Identifier
from tests.e2e.conftest import AS_OF, Shop, wait_until_normal
from tests.e2e.fault_proxy import FaultProxy
from tests.e2e.in_process import noon_of
from tests.e2e.published import OnlineStore, a_timeline
from tests.e2e.running import HttpAnswer, RunningService

pytestmark = pytest.mark.faults
FIRST, SECOND = "52998224725", "11144477735"

_numbers = itertools.count(1)


def an_order(document: str = FIRST) -> dict[str, Any]:
    return {"order_id": f"order {next(_numbers)}", "amount_cents": 1990, "document": document}


def failures(service: RunningService, answer: HttpAnswer) -> list[str]:
    """What the log says that failed for an order."""
    for line in service.log.read_text().splitlines():
        if answer.body["evaluation_id"] in line:
            return list(json.loads(line)["failures"])
    raise AssertionError("the log has no line of that order")


@pytest.mark.parametrize(
    ("reply", "name"),
    [
        ("LOADING Redis is loading the dataset in memory", "LOADING"),
        ("READONLY You can't write against a read only replica.", "READONLY"),
        ("NOAUTH Authentication required.", "NOAUTH"),
        ("OOM command not allowed when used memory > 'maxmemory'.", "OOM"),
        ("WRONGTYPE Operation against a key holding the wrong kind of value", "WRONGTYPE"),
        ("MOVED 3999 127.0.0.1:6381", "MOVED"),
        ("MOVED somewhere else", "MOVED"),
        ("CLUSTERDOWN The cluster is down", "CLUSTERDOWN"),
        ("ERR unknown", "ERR"),
    ],
)
def test_an_error_of_redis_degrades_and_is_named_in_the_log(
    service: RunningService, shop: Shop, proxy: FaultProxy, reply: str, name: str
):
    proxy.reply = f"-{reply}\r\n".encode()
    proxy.fault = "reply"
    answer = shop.evaluate(an_order())

    assert (answer.status, answer.body["missing"]) == (200, ["distant"])
    assert failures(service, answer) == [f"distant: {name}"]


@pytest.mark.parametrize(
    "reply",
    [
        b":1\r\n",
        b"$2\r\nno\r\n",
        b"*1\r\n$-1\r\n",
        b"*2\r\n:1\r\n:2\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
    ],
    ids=["a number", "a text", "another length", "numbers", "not Redis"],
)
def test_a_reply_that_is_none_to_an_mget_degrades(
    service: RunningService, shop: Shop, proxy: FaultProxy, reply: bytes
):
    proxy.reply, proxy.fault = reply, "reply"
    answer = shop.evaluate(an_order())

    assert (answer.status, answer.body["missing"]) == (200, ["distant"])
    assert failures(service, answer)[0].startswith("distant: ")


def test_the_reply_to_another_order_is_never_scored(
    shop: Shop, online: OnlineStore, proxy: FaultProxy, features: FeatureSet
):
    """Both replies have the same shape, and a bucket for the document in each."""
    merchant_id, document = shop.merchant.merchant_id, Identifier.DOCUMENT
    timeline = a_timeline(features, document, noon_of(2018, 5, 30))
    entities = [(merchant_id, document.value, value) for value in (FIRST, SECOND)]
    online.publish(AS_OF, dict.fromkeys(entities, timeline), buckets=64)
    wait_until_normal(shop)
    proxy.fault = "crossed"
    crossed = shop.evaluate(an_order(SECOND))
    proxy.fault = "none"

    assert crossed.body["degraded"] is True
    assert crossed.body["score"] is None
