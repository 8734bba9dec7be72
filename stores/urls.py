"""The URLs of PostgreSQL and Redis: which options they may have, and what a message may show."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

OPTIONS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "postgresql": ("sslmode", "sslrootcert", "sslcert", "sslkey", "channel_binding"),
        "postgres": ("sslmode", "sslrootcert", "sslcert", "sslkey", "channel_binding"),
        "redis": ("cluster",),
        "rediss": ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "cluster"),
    }
)
"""The options that a URL may have, by its scheme: those that all readers of the URL honour.

Ontem sets all others itself, or one reader would honour them and another would not.
"""


def url_problem(url: str, schemes: tuple[str, ...]) -> str | None:
    """What is wrong with the URL of a server, and what to write instead; None for a valid one."""
    example = f"use a URL such as {schemes[0]}://user:password@host:port/name"
    try:
        parts = urlsplit(url)
        if parts.scheme not in schemes or not parts.hostname or parts.port == 0 or parts.fragment:
            return example
        options = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        return example
    if re.search(r"%(?![0-9A-Fa-f]{2})|%00", url):
        return "write a % in it as %25"
    if parts.scheme.startswith("redis") and not re.fullmatch("/?|/[0-9]{1,5}", parts.path):
        return "after the host write the number of a database, such as /0"
    problem = _option_problem(parts.scheme, [name for name, _ in options])
    return problem or _cluster_problem(parts.path, dict(options))


def _option_problem(scheme: str, names: list[str]) -> str | None:
    known = OPTIONS[scheme]
    for name in names:
        if name not in known:
            choices = ", ".join(known)
            return f"its option {name!r} is not one that Ontem honours: it may have {choices}"
        if names.count(name) > 1:
            return f"its option {name!r} appears more than once: keep one"
    return None


def _cluster_problem(path: str, options: Mapping[str, str]) -> str | None:
    if options.get("cluster", "yes") != "yes":
        return "write cluster=yes for a Redis cluster, and leave it out for a single server"
    if "cluster" in options and path.strip("/0"):
        return "a Redis cluster has one database: write /0 after the host"
    return None


def storage_problem(url: str) -> str | None:
    """What is wrong with the URL of the offline store, and what to write; None for a valid one.

    Nothing in the name of a folder of a bucket is encoded.
    """
    example = "use a URL such as file:///an/absolute/folder or s3://bucket/folder"
    try:
        parts = urlsplit(url)
    except ValueError:  # such as an open bracket
        return example
    if {"?", "#"} & set(url):
        return f"{example}, with no ? and no #"
    if parts[:2] == ("file", "") and parts.path.startswith("/"):
        return None
    if parts.scheme != "s3" or "@" in parts.netloc:
        return example
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", parts.netloc):
        return f"{example}; a bucket has 3 to 63 lower-case letters, digits, dots and hyphens"
    folders = parts.path.removeprefix("/").removesuffix("/").split("/")
    if parts.path.strip("/") and {"", ".", ".."} & set(folders):
        return f"{example}, with one / between folders and no folder called . or .."
    return None


def endpoint_problem(url: str) -> str | None:
    """What is wrong with the URL of an S3 server, and what to write; None for a valid one."""
    example = "use a URL such as https://host:port"
    try:
        parts = urlsplit(url)
        is_server = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        return example
    return None if is_server and not parts.path.strip("/") else example


def shown_url(url: str) -> str:
    """The scheme and the host of a URL, which is all that a message may show of it.

    In a malformed URL any part may be the password, so the text ends where the host may end.
    """
    scheme, found, rest = url.partition("://")
    if not found:
        return "…"
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    host = re.match(r"\[[0-9A-Fa-f:.]*\]|[^:@]*", authority.rpartition("@")[2])
    return f"{scheme}://{host[0] if host else ''}…"


def with_login(url: str, login: str) -> str:
    """The URL of a server with another `role:password`; an empty login leaves it as it is."""
    if not login:
        return url
    role, _, password = login.partition(":")
    parts = urlsplit(url)
    entered = f"{quote(role, safe='')}:{quote(password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{entered}@{parts.netloc.rpartition('@')[2]}"))
