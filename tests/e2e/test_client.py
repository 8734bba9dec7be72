"""A merchant's program with the client, against the running service."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

import pytest

from ontem_client import (
    BatchRefused,
    Client,
    Conflict,
    Item,
    KeyRefused,
    NotFound,
    Order,
    Refused,
)
from tests.e2e.conftest import Shop
from tests.e2e.running import PROJECT, RunningService

ODD_ID = "pedido 1/á?b=c&d#e%2F;☃"
FULL = Order(
    order_id="full", amount_cents=1990, currency="BRL", user="u-1", document="529.982.247-25",
    placed_at=datetime(2018, 6, 1, 11, tzinfo=timezone(timedelta(hours=-3))),
    email="ana@example.com", phone="+55 11 91234-5678", zip_code="01310-100", device="d-1",
    ip="10.0.0.1", card="tok_1", seller="s-1",
    items=[Item(product="p-1", quantity=2, amount_cents=995)],
)  # fmt: skip


def order(order_id: str, amount_cents: int = 100) -> Order:
    return Order(order_id=order_id, amount_cents=amount_cents)


@pytest.fixture
def client(shop: Shop, service: RunningService) -> Iterator[Client]:
    url, key = f"http://127.0.0.1:{service.port}", shop.client.key
    with Client(url, key, deadline=60, bulk_deadline=60) as made:
        yield made


def test_an_order_is_evaluated_once_and_its_answer_can_be_had_again(client: Client, shop: Shop):
    first = client.evaluate(FULL)

    assert (first.order_id, first.recorded, first.degraded) == ("full", True, first.score is None)
    assert client.evaluate(FULL) == first
    assert client.evaluation(first.evaluation_id) == first
    assert client.evaluation_of_order("full") == first
    assert len(shop.stored("evaluation_id", "full")) == 1
    with pytest.raises(Conflict) as conflict:
        client.evaluate(order("full"))
    assert (conflict.value.status, conflict.value.code) == (409, "order_conflict")


def test_an_evaluation_is_explained_with_all_its_values(client: Client, shop: Shop):
    client.store_orders([Order(order_id="before", amount_cents=1, document=FULL.document)])
    answer = client.evaluate(FULL)
    explanation = client.explain(answer.evaluation_id)

    assert explanation.evaluation == answer
    assert explanation.features is not None
    assert [each.name for each in explanation.features] == list(shop.features.names)
    behind = [each.behind for each in explanation.features if each.behind]
    assert any("before" in (each.order_ids or ()) for each in behind)
    with pytest.raises(NotFound):
        client.explain(uuid4())


def test_an_id_of_any_characters_comes_back_as_it_was_sent(client: Client):
    answer = client.evaluate(order(ODD_ID))

    assert answer.order_id == ODD_ID
    assert client.evaluation_of_order(ODD_ID) == answer


def test_what_is_not_there_is_not_found(client: Client):
    for ask in (lambda: client.evaluation(uuid4()), lambda: client.evaluation_of_order("none")):
        with pytest.raises(NotFound) as error:
            ask()
        assert error.value.code == "evaluation_not_found"


def test_a_refusal_names_the_field_and_the_request_of_the_service_s_log(
    client: Client, service: RunningService
):
    with pytest.raises(Refused) as refused:
        client.evaluate(order("o", -1), request_id="checkout-0042")

    found = refused.value
    assert (found.status, found.code, found.param) == (422, "field_refused", "amount_cents")
    assert found.request_id == "checkout-0042"
    assert "request checkout-0042" in str(found)


def test_a_batch_is_stored_or_says_why_not(client: Client):
    orders = [order("b-1"), order("b-2", -1)]
    with pytest.raises(BatchRefused) as refused:
        client.store_orders(orders)
    assert [(each.position, each.code) for each in refused.value.orders] == [(1, "field_refused")]

    key = str(uuid4())
    rest = client.store_orders(orders, if_refused="store_rest", idempotency_key=key)
    assert [each.state for each in rest.orders] == ["stored", "refused"]
    assert client.store_orders(orders, if_refused="store_rest", idempotency_key=key) == rest
    assert client.store_orders([orders[0]]).known == 1
    with pytest.raises(Refused) as reused:
        client.store_orders([orders[0]], idempotency_key=key)
    assert reused.value.code == "idempotency_key_reused"


def test_a_thousand_full_orders_fit_into_one_batch(client: Client):
    names = [f"batch-{n:04}" for n in range(1_000)]
    orders = [Order(order_id=each, amount_cents=1, document="529.982.247-25") for each in names]

    assert client.store_orders(orders).stored == 1_000


def test_chargebacks_and_reversals_are_reported(client: Client):
    client.evaluate(order("c-1"))
    now = datetime.now(UTC)

    report = client.report_chargeback("c-1", reported_at=now)
    assert (report.state, report.kind, report.waits_for_order) == ("stored", "chargeback", False)
    assert client.report_chargeback("c-1", reported_at=now).state == "known"
    assert client.report_chargeback("c-1", kind="reversal").kind == "reversal"
    assert client.report_chargeback("not yet").waits_for_order
    with pytest.raises(Refused, match="no time zone") as refused:
        client.report_chargeback("c-1", reported_at=datetime(2026, 1, 1))  # noqa: DTZ001
    assert refused.value.param == "reported_at"


def test_a_wrong_key_is_refused(service: RunningService):
    client = Client(f"http://127.0.0.1:{service.port}", "ontem_0_0", deadline=60)
    with pytest.raises(KeyRefused) as refused:
        client.evaluate(order("o"))
    assert refused.value.code == "key_refused"


def examples() -> str:
    page = (PROJECT / "docs" / "client.md").read_text(encoding="utf-8")
    return "\n".join(re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL))


def test_the_examples_of_the_page_do_what_it_says(
    shop: Shop, service: RunningService, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ONTEM_URL", f"http://127.0.0.1:{service.port}")
    monkeypatch.setenv("ONTEM_KEY", shop.client.key)
    patient = examples().replace("deadline=1.0", "deadline=60, bulk_deadline=60")
    assert patient != examples()
    names: dict[str, object] = {}
    exec(patient, names)  # noqa: S102  our own page

    assert names["decision"] in ("allow", "review", "block")
    assert names["waiting"] == []
    assert names["report"].waits_for_order is False  # type: ignore[attr-defined]
    assert names["again"] == names["stored"]


def test_the_examples_decide_by_their_own_rule_when_nobody_answers(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("ONTEM_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("ONTEM_KEY", "ontem_0_0")
    names: dict[str, object] = {}
    exec(examples().partition("\nif waiting:")[0], names)  # noqa: S102  our own page

    assert names["decision"] == "allow"
    assert [each.order_id for each in names["waiting"]] == ["1001"]  # type: ignore[attr-defined]
