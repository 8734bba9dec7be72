"""The URL of PostgreSQL for Spark's reader: the same server, user and certificates."""

from typing import Final
from urllib.parse import quote

from psycopg.conninfo import conninfo_to_dict

DRIVER: Final = "org.postgresql.Driver"


def jdbc_options(url: str) -> dict[str, str]:
    """The options of a reader that connects as libpq does with `url`.

    The password and the names of certificates are options of their own, which Spark hides in plans
    and logs, and which need no quoting.
    """
    parts = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    host = parts.get("host", "localhost")
    server = f"[{host}]" if ":" in host else host
    database = quote(parts.get("dbname") or parts.get("user", ""), safe="")
    options = {
        "driver": DRIVER,
        "url": f"jdbc:postgresql://{server}:{parts.get('port', 5432)}/{database}",
        "ApplicationName": "ontem",
        "user": parts.get("user", ""),
        "password": parts.get("password", ""),
    }
    return options | _tls_options(parts)


def _tls_options(parts: dict[str, str]) -> dict[str, str]:
    same = {name: parts[name] for name in ("sslrootcert", "sslcert", "sslkey") if name in parts}
    mode = parts.get("sslmode", "prefer")
    if mode == "require" and "sslrootcert" in same:
        mode = (
            "verify-ca"  # libpq verifies by a certificate that it was given; the driver would not
        )
    options = {"sslmode": mode} | same
    if "channel_binding" in parts:
        options["channelBinding"] = parts["channel_binding"]
    return options
