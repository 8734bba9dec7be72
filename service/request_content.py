"""The bytes of a request's body, if they are declared as JSON and not too many."""

from typing import Any, Final

from werkzeug.http import parse_options_header
from werkzeug.wsgi import get_input_stream

from service.errors import BodyTooLarge, MediaTypeRefused

JSON: Final = "application/json"
MAX_BYTES: Final = 65_536


def read(environ: dict[str, Any], most_bytes: int = MAX_BYTES) -> bytes:
    """The body of a request that declares plain UTF-8 JSON, by its WSGI environment.

    Raises MediaTypeRefused, and BodyTooLarge for a body of more than `most_bytes`.
    """
    check_media_type(environ.get("CONTENT_TYPE"), environ.get("HTTP_CONTENT_ENCODING"))
    content = get_input_stream(environ).read(most_bytes + 1)
    if len(content) > most_bytes:
        raise BodyTooLarge(most_bytes)
    return content


def check_media_type(content_type: str | None, content_encoding: str | None) -> None:
    """Raise MediaTypeRefused if another media type or charset is declared, or a compression."""
    if content_type != JSON:
        media_type, parameters = parse_options_header(content_type)
        charset = parameters.get("charset", "utf-8").lower()
        if media_type.lower() != JSON or charset not in ("utf-8", "utf8"):
            raise MediaTypeRefused
    if content_encoding is not None and content_encoding.lower() != "identity":
        raise MediaTypeRefused
