"""The OpenAPI document as one page of HTML, which loads nothing else and runs no script."""

import json
import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, Final

CONTENT_SECURITY: Final = "default-src 'none'; style-src 'unsafe-inline'"
"""The page may not load anything, whatever is in it."""

_STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em }
h2 { margin-top: 2.5em; border-top: 1px solid #ccc; padding-top: 1em }
table { border-collapse: collapse; width: 100% }
td, th { border-bottom: 1px solid #ddd; padding: .3em .6em; text-align: left; vertical-align: top }
code { background: #f4f4f4; padding: 0 .2em }
"""
_LIMITS: Final = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minItems": "at least {}",
    "maxItems": "at most {}",
    "pattern": "matches {}",
    "format": "{}",
    "const": "{}",
}
"""How the page says each keyword of JSON Schema that is a limit."""


def page(document: Mapping[str, Any]) -> bytes:
    """The page of a document, in UTF-8."""
    info, components = document["info"], document["components"]
    title = f"{info['title']} {info['version']}"
    parts = [
        "<!DOCTYPE html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>',
        '<meta name="viewport" content="width=device-width">',
        f"<style>{_STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>{_prose(info['description'])}",
        '<p>For programs: <a href="/openapi.json">/openapi.json</a>.</p>',
        _contents(document["paths"]),
    ]
    for path, methods in document["paths"].items():
        parts += [
            _operation(path, method, operation, components) for method, operation in methods.items()
        ]
    for name, schema in components["schemas"].items():
        parts.append(f'<h2 id="{escape(name)}">{escape(name)}</h2>{_fields(schema)}')
    return "\n".join([*parts, "</body></html>\n"]).encode()


def _contents(paths: Mapping[str, Any]) -> str:
    links = (
        f'<li><a href="#{escape(operation["operationId"])}">{escape(method.upper())} '
        f"{escape(path)}</a>: {escape(operation['summary'])}</li>"
        for path, methods in paths.items()
        for method, operation in methods.items()
    )
    return f"<ul>{''.join(links)}</ul>"


def _operation(
    path: str, method: str, operation: Mapping[str, Any], components: Mapping[str, Any]
) -> str:
    shared = components["parameters"]
    parameters = (
        shared[parameter["$ref"].rpartition("/")[2]] if "$ref" in parameter else parameter
        for parameter in operation["parameters"]
    )
    parts = [
        f'<h2 id="{escape(operation["operationId"])}">{escape(method.upper())} {escape(path)}</h2>',
        f"<p>{escape(operation['summary'])}.</p>",
        _prose(operation.get("description", "")),
        "<p>Needs an API key.</p>" if "security" in operation else "",
        "<h3>Parameters</h3>",
        _table(
            (p["name"], p["in"], _words(p["schema"]), _marked(p.get("description", "")))
            for p in parameters
        ),
    ]
    body = operation.get("requestBody")
    if body is not None:
        parts.append(f"<h3>Body</h3>{_prose(body['description'])}<p>{_bodies(body)}</p>")
    rows = (
        (status, _bodies(answer), _marked(answer["description"]))
        for status, answer in operation["responses"].items()
    )
    return "".join([*parts, "<h3>Answers</h3>", _table(rows)])


def _fields(schema: Mapping[str, Any]) -> str:
    required = schema.get("required", ())
    rows = (
        (
            f"<code>{escape(name)}</code>",
            "always" if name in required else "",
            _words(field),
            _marked(field.get("description", "")),
        )
        for name, field in schema.get("properties", {}).items()
    )
    return _prose(schema.get("description", "")) + _table(rows)


def _bodies(content: Mapping[str, Any]) -> str:
    """The media types of a request or an answer, each with its schema."""
    return ", ".join(
        f"<code>{escape(media_type)}</code> {_words(body['schema'])}"
        for media_type, body in content["content"].items()
    )


def _words(schema: Mapping[str, Any]) -> str:
    """What a value may be, in a few words of HTML."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    types = schema.get("type", ())
    words = [types] if isinstance(types, str) else [*types]
    words += [json.dumps(value) for value in schema.get("enum", ())]
    said = [escape(" or ".join(words))]
    for keyword, sentence in _LIMITS.items():
        if keyword in schema:
            said.append(f"<code>{escape(sentence.format(schema[keyword]))}</code>")
    if "items" in schema:
        said.append(f"of {_words(schema['items'])}")
    said += [_words(option) for option in schema.get("anyOf", ())]
    return ", ".join(part for part in said if part)


def _prose(text: str) -> str:
    return f"<p>{_marked(text)}</p>" if text else ""


def _marked(text: str) -> str:
    """A text as HTML, with what stands between backticks as code."""
    return re.sub("`([^`]*)`", r"<code>\1</code>", escape(text))


def _table(rows: Iterable[Iterable[str]]) -> str:
    """A table of cells that are HTML already."""
    lines = (f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table>{''.join(lines)}</table>"
