"""What `ontem serve` refuses by the head of a request, before the body is read."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import unquote

from flask import Flask
from werkzeug.exceptions import NotFound
from werkzeug.routing import RequestRedirect

from service import batch_body
from service.authentication import KeyRing, key_in
from service.errors import KeyRefused, LengthRequired
from service.health import LIVE
from service.rate_limits import RateLimits
from service.request_content import check_media_type
from service.worker.gate import STRANGERS, Lane, Pass
from service.worker.head import Head

WITHOUT_KEY: Final[Mapping[str, Pass]] = {
    "livez": Pass(answer=LIVE),
    "readyz": Pass(Lane.HEALTH),
    "statusz": Pass(Lane.HEALTH, is_paced=True),
    "metrics": Pass(Lane.HEALTH, is_paced=True),
    "openapi": Pass(is_paced=True),
    "docs": Pass(is_paced=True),
}
"""The endpoints that anybody may ask, and who answers them."""

_WITH_BODY: Final = ("POST", "PUT", "PATCH")
_OF_ORDINARY_LENGTH: Final = Pass(has_right_key=True)
WITH_KEY: Final[Mapping[str, Pass]] = {
    "store_orders": Pass(Lane.BULK, most_bytes=batch_body.MOST_BYTES, has_right_key=True),
    "report_chargeback": Pass(Lane.BULK, has_right_key=True),
    "explain": Pass(Lane.BULK, has_right_key=True),
}
"""The endpoints that need a key and are not answered as an evaluation is."""


class HeadChecks:
    """The checks of each head, for the paths that an application has."""

    def __init__(self, app: Flask, keys: KeyRing, rate_limits: RateLimits) -> None:
        """Only merchants whose keys are known by now are limited: a few requests are let through.

        So the limit asks no store, and they are the ones that wait until a key is looked up.
        """
        self._keys, self._rate_limits = keys, rate_limits
        self._paths = app.url_map.bind("localhost")
        self._endpoints = {
            (method, rule.rule): rule.endpoint
            for rule in app.url_map.iter_rules()
            if not rule.arguments
            for method in rule.methods or ()
        }
        """Those of fixed paths, which are found faster here than by their patterns."""

    def check(self, head: Head) -> Pass:
        """Where the request goes.

        Raises NotFound, MethodNotAllowed, KeyRefused, RateLimited, MediaTypeRefused or
        LengthRequired.
        """
        endpoint = self._endpoints.get((head.method, head.path)) or self._match(head)
        without_key = WITHOUT_KEY.get(endpoint)
        if without_key is not None:
            is_health = without_key.lane is Lane.HEALTH
            return replace(without_key, party=head.client_address) if is_health else without_key
        authorization = head.headers.get("AUTHORIZATION")
        merchant = self._keys.known(authorization)
        if merchant is not None:
            self._rate_limits.take(merchant, head.length or 0)
        elif key_in(authorization) is None:
            raise KeyRefused
        if head.method in _WITH_BODY:
            check_media_type(head.headers.get("CONTENT-TYPE"), head.headers.get("CONTENT-ENCODING"))
            if head.length is None:
                raise LengthRequired
        passed = WITH_KEY.get(endpoint, _OF_ORDINARY_LENGTH)
        if merchant is None:
            return replace(passed, party=STRANGERS, has_right_key=False)
        return replace(passed, party=merchant.merchant_id)

    def _match(self, head: Head) -> str:
        """The endpoint of a path with variables or percent signs."""
        try:
            endpoint, _ = self._paths.match(unquote(head.path), head.method)
        except RequestRedirect:  # `//livez` to `/livez`
            raise NotFound from None
        return str(endpoint)
