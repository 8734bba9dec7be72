"""Reading one variable of the environment at a time, with a sentence for each that is wrong."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from stores.checkout import variable_remedy
from stores.errors import SettingsError
from stores.urls import endpoint_problem, shown_url, storage_problem, url_problem

KEY_BYTES: Final = 32
"""The length of each secret, and of a public key."""
PRINT_KEYS: Final = "such as `ontem models key` prints"


@dataclass(frozen=True, slots=True)
class VariableReader:
    """Reads one variable at a time. Raises SettingsError, which names it, when it is malformed."""

    environ: Mapping[str, str]

    def text(self, variable: str, *, default: str | None = None) -> str:
        """A variable's value; when it is not set, the default."""
        value = self.environ.get(variable, "").strip()
        if value:
            return value
        if default is None:
            raise SettingsError(variable=variable, value=None, remedy=variable_remedy())
        return default

    def first(self, *variables: str) -> str:
        """The first of several variables that is set; empty when none is."""
        return next(filter(None, (self.text(each, default="") for each in variables)), "")

    def one_of(self, variable: str, choices: tuple[str, ...], default: str) -> str:
        """One of the choices."""
        value = self.text(variable, default=default)
        if value not in choices:
            raise SettingsError(
                variable=variable, value=value, remedy="use one of " + ", ".join(choices)
            )
        return value

    def url(self, variable: str, schemes: tuple[str, ...]) -> str:
        """The URL of a server, with one of these schemes."""
        value = self.text(variable)
        problem = url_problem(value, schemes)
        if problem is not None:
            raise SettingsError(variable=variable, value=shown_url(value), remedy=problem)
        return value

    def postgres_url(self) -> str:
        """The URL of PostgreSQL."""
        return self.url("ONTEM_POSTGRES_URL", ("postgresql", "postgres"))

    def login(self, variable: str) -> str:
        """A role and its password; empty when it is not set."""
        value = self.text(variable, default="")
        role, _, password = value.partition(":")
        if value and not (role and password):
            raise SettingsError(
                variable=variable, value="…", remedy="write role:password, as they are"
            )
        return value

    def storage_url(self, variable: str) -> str:
        """The URL of the offline store's root."""
        value = self.text(variable)
        problem = storage_problem(value)
        if problem is not None:
            shown = shown_url(value) if {"@", "?"} & set(value) else value
            raise SettingsError(variable=variable, value=shown, remedy=problem)
        return value

    def endpoint(self, *variables: str) -> str:
        """The URL of an S3 server that the first variable that is set names; empty for none."""
        for variable in variables:
            if value := self.text(variable, default=""):
                problem = endpoint_problem(value)
                if problem is not None:
                    raise SettingsError(variable=variable, value=shown_url(value), remedy=problem)
                return value
        return ""

    def key(self, variable: str, *, default: str | None = None) -> bytes:
        """A secret; when it is not set, that of the variable `default`."""
        value = self.text(variable, default=None if default is None else "")
        if default is not None and not value:
            return self.key(default)
        return self._bytes(variable, value, "such as `openssl rand -hex 32` prints")

    def signing_key(self, variable: str) -> bytes:
        """The secret key that signs models; empty when it is not set."""
        value = self.text(variable, default="")
        return self._bytes(variable, value, PRINT_KEYS) if value else b""

    def verify_keys(self, variable: str) -> tuple[bytes, ...]:
        """The public keys that verify models; none when it is not set."""
        values = self.text(variable, default="").split(",")
        return tuple(
            self._bytes(variable, value.strip(), f"{PRINT_KEYS}, each, with a comma between two")
            for value in values
            if value.strip()
        )

    def _bytes(self, variable: str, value: str, remedy: str) -> bytes:
        if not re.fullmatch(rf"[0-9a-fA-F]{{{2 * KEY_BYTES}}}", value):
            raise SettingsError(
                variable=variable,
                value=f"<{len(value)} characters, not shown>",
                remedy=f"it needs {2 * KEY_BYTES} hexadecimal digits, {remedy}",
            )
        return bytes.fromhex(value)

    def zone(self, variable: str, default: str) -> str:
        """The IANA name of a time zone."""
        value = self.text(variable, default=default)
        try:
            return ZoneInfo(value).key
        except (OSError, ValueError, KeyError) as error:  # "not found" is a KeyError here
            raise SettingsError(
                variable=variable, value=value, remedy="use an IANA name such as America/Sao_Paulo"
            ) from error

    def whole(self, variable: str, *, default: int, most: int) -> int:
        """A whole number from 0 to `most`."""
        value = self.text(variable, default=str(default))
        if not (value.isascii() and value.isdigit() and len(value) <= 9 and int(value) <= most):
            raise SettingsError(
                variable=variable, value=value, remedy=f"use a whole number from 0 to {most}"
            )
        return int(value)

    def s3_endpoint(self) -> str:
        """The URL of another S3 server than AWS; empty for AWS."""
        return self.endpoint("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")

    def s3_region(self) -> str:
        """The region of the bucket; empty to ask AWS."""
        return self.first("AWS_REGION", "AWS_DEFAULT_REGION")

    def business_timezone(self) -> str:
        """The time zone whose civil days are Ontem's days."""
        return self.zone("BUSINESS_TIMEZONE", "America/Sao_Paulo")

    def snapshot_lag(self) -> timedelta:
        """How long after a day began its snapshot is used."""
        return timedelta(seconds=self.whole("SNAPSHOT_LAG_SECONDS", default=14_400, most=86_400))

    def path(self, variable: str) -> Path | None:
        """A path; None when it is not set."""
        value = self.text(variable, default="")
        return Path(value) if value else None
