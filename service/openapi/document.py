"""The OpenAPI 3.1 document of the service, made from the table of paths and the typed bodies."""

from collections.abc import Sequence
from http import HTTPStatus
from inspect import cleandoc
from itertools import groupby
from typing import Any, Final

import msgspec

from features_pkg.orders.fields.products import SentItem
from service.batch_body import WHOLE_SCHEMA, BatchBody
from service.errors import ServiceError
from service.openapi.operations import OPERATIONS, Content, Operation
from service.problems import PROBLEM_JSON, PROBLEMS, Problem
from service.request_headers import IDEMPOTENCY_KEY_FORM, VERSION

_REF: Final = "#/components/schemas/{name}"

_HEADERS: Final[dict[str, dict[str, Any]]] = {
    "X-Request-Id": {
        "description": "The id that was sent, or a new one.",
        "schema": {"type": "string"},
    },
    "Ontem-Version": {
        "description": "The day of this interface.",
        "schema": {"type": "string", "const": VERSION},
    },
    "Idempotent-Replayed": {
        "description": "`true` when the answer is a stored one.",
        "schema": {"const": "true"},
    },
    "Retry-After": {
        "description": "In how many seconds to send the same request again.",
        "schema": {"type": "string"},
    },
    "WWW-Authenticate": {"schema": {"const": "Bearer"}},
}
_EVERYWHERE: Final = ("X-Request-Id", "Ontem-Version")
_OF_STATUS: Final = {
    HTTPStatus.UNAUTHORIZED: ("WWW-Authenticate",),
    HTTPStatus.TOO_MANY_REQUESTS: ("Retry-After",),
    HTTPStatus.SERVICE_UNAVAILABLE: ("Retry-After",),
}

_PARAMETERS: Final[dict[str, dict[str, Any]]] = {
    "RequestId": {
        "name": "X-Request-Id",
        "in": "header",
        "description": "An id of the request: 8 to 64 of letters, digits, `.`, `_` and `-`, among "
        "them a letter. Anything else is ignored. It is logged and stored.",
        "schema": {"type": "string"},
    },
    "Version": {
        "name": "Ontem-Version",
        "in": "header",
        "description": "The interface that the client was written for.",
        "schema": {"enum": [VERSION]},
    },
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "1 to 255 visible ASCII characters but the comma.",
        "schema": {"type": "string", "pattern": IDEMPOTENCY_KEY_FORM},
    },
}


def document() -> dict[str, Any]:
    """The document as JSON has it."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Ontem",
            "version": VERSION,
            "description": "Fraud scores for orders. Every answer that is not 2xx is a problem "
            "(RFC 9457); decide by its `code`.",
        },
        "paths": paths,
        "components": {
            "securitySchemes": {
                "apiKey": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "ontem_<id>_<secret>",
                }
            },
            "parameters": _PARAMETERS,
            "headers": _HEADERS,
            "schemas": schemas(),
        },
    }


def schemas() -> dict[str, Any]:
    """The JSON Schemas of all typed bodies, by the names of their classes."""
    structs: list[type[msgspec.Struct]] = [Problem, SentItem]
    for operation in OPERATIONS:
        bodies = [operation.body, *(content.body for content in operation.answers.values())]
        structs += [struct for struct in bodies if struct is not None]
    _, components = msgspec.json.schema_components(structs, ref_template=_REF)
    components[BatchBody.__name__] |= WHOLE_SCHEMA
    return {name: _plain(components[name]) for name in sorted(components)}


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {"operationId": operation.name, "summary": operation.summary}
    if operation.description:
        described["description"] = operation.description
    if operation.needs_key:
        described["security"] = [{"apiKey": []}]
    described["parameters"] = _parameters(operation)
    if operation.body is not None:
        described["requestBody"] = {
            "required": True,
            "description": f"At most {operation.most_bytes:,} bytes of JSON in UTF-8, with "
            "`Content-Length`; no name twice.",
            "content": _content("application/json", operation.body),
        }
    answers = {str(int(status)): _answer(status, c) for status, c in operation.answers.items()}
    refusals = _refusals(operation.refuses)
    both = {each: _joined(answers[each], refusals[each]) for each in answers.keys() & refusals}
    described["responses"] = answers | refusals | both | {"default": _DEFAULT}
    return described


def _parameters(operation: Operation) -> list[Any]:
    names = ["RequestId"]
    if operation.needs_key:
        names.append("Version")
    if operation.body is not None:
        names.append("IdempotencyKey")
    shared = [{"$ref": f"#/components/parameters/{name}"} for name in names]
    return [*operation.parameters, *shared]


def _answer(status: HTTPStatus, content: Content) -> dict[str, Any]:
    return {
        "description": content.description,
        "headers": _headers(status, content.headers),
        "content": _content(content.media_type, content.body),
    }


def _refusals(errors: Sequence[type[ServiceError]]) -> dict[str, Any]:
    """The answers to refused requests: one for each status, which names all its codes."""
    table = sorted(PROBLEMS[error] for error in errors)
    refusals = {}
    for status, entries in groupby(table, key=lambda entry: entry[0]):
        codes = ", ".join(f"`{code}`" for _, code in entries)
        refusals[str(int(status))] = {
            "description": f"{status.phrase}: {codes}.",
            "headers": _headers(status),
            "content": _content(PROBLEM_JSON, Problem),
        }
    return refusals


def _joined(answer: dict[str, Any], refusal: dict[str, Any]) -> dict[str, Any]:
    """What is said of a status that both an answer and a refusal have."""
    return {
        "description": f"{answer['description']} {refusal['description']}",
        "headers": answer["headers"] | refusal["headers"],
        "content": answer["content"] | refusal["content"],
    }


def _headers(status: HTTPStatus | None, others: Sequence[str] = ()) -> dict[str, Any]:
    of_status = _OF_STATUS.get(status, ()) if status else ()
    names = (*_EVERYWHERE, *others, *of_status)
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _content(media_type: str, struct: type[msgspec.Struct] | None) -> dict[str, Any]:
    if struct is None:
        schema: dict[str, Any] = {"type": "object" if media_type.endswith("json") else "string"}
    else:
        schema = {"$ref": _REF.format(name=struct.__name__)}
    return {media_type: {"schema": schema}}


_DEFAULT: Final = {
    "description": "An unknown path or method, a request that is not HTTP, or a bug in Ontem.",
    "headers": _headers(None),
    "content": _content(PROBLEM_JSON, Problem),
}


def _plain(node: Any) -> Any:
    """A schema with `type: [string, null]` in the place of `anyOf` where that says the same."""
    if isinstance(node, list):
        return [_plain(each) for each in node]
    if not isinstance(node, dict):
        return node
    plain = {name: _plain(value) for name, value in node.items()}
    if isinstance(plain.get("description"), str):
        plain["description"] = cleandoc(plain["description"])
    options = plain.get("anyOf", ())
    if [option for option in options if option == {"type": "null"}] and len(options) == 2:
        only = options[0]
        if "type" in plain:
            del plain["anyOf"]
        elif "type" in only:
            del plain["anyOf"]
            plain |= {**only, "type": [only["type"], "null"]}
        elif "enum" in only:
            del plain["anyOf"]
            plain["enum"] = [*only["enum"], None]
    return plain
