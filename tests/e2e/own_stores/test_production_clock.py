"""A production service takes no clock from a request, whatever the path."""

from dataclasses import replace
from typing import Any

import pytest

from tests.e2e.in_process import Stores, a_service

ORDER = {"order_id": "o-1", "amount_cents": 1}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/evaluate", ORDER),
        ("/orders/batch", {"orders": [ORDER]}),
        ("/chargebacks", {"order_id": "o-1"}),
    ],
)
def test_a_production_service_refuses_the_development_clock(stores: Stores, path: str, body: Any):
    with a_service(replace(stores, environment="production")) as service:
        headers = {"Authorization": f"Bearer {service.key}", "Ontem-Clock": "2018-06-01T12:00:00Z"}
        answer = service.client.post(path, json=body, headers=headers)
        stored = service.execute(
            "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM chargebacks)"
        )

    assert (answer.status_code, answer.json["code"]) == (400, "clock_refused")
    assert stored == [(0, 0)]
