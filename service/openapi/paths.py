"""`GET /openapi.json` and `GET /docs`."""

from typing import Final

import msgspec
from flask import Flask, Response

from service.openapi.document import document
from service.openapi.page import CONTENT_SECURITY, page
from service.request_content import JSON

HTML: Final = "text/html; charset=utf-8"


def register(app: Flask) -> None:
    """Answer with the document and its page, which are made now."""
    made = document()
    specification, readable_page = msgspec.json.encode(made), page(made)

    @app.get("/openapi.json")
    def openapi() -> Response:
        return Response(specification, content_type=JSON)

    @app.get("/docs")
    def docs() -> Response:
        headers = {"Content-Security-Policy": CONTENT_SECURITY}
        return Response(readable_page, content_type=HTML, headers=headers)
