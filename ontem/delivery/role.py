"""The AWS variables of a role that a CircleCI job may be, by its OIDC token."""

from collections.abc import Mapping
from typing import Final

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from ontem.delivery.errors import RoleRefused, RoleUnavailable
from stores.errors import SettingsError

ROLE: Final = "ONTEM_AWS_ROLE"
TOKEN: Final = "CIRCLE_OIDC_TOKEN_V2"  # noqa: S105  the name of a variable
SECONDS: Final = "ONTEM_AWS_ROLE_SECONDS"
LEAST_SECONDS, MOST_SECONDS = 900, 43_200  # of AWS


def role_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` with the credentials of the role, which end after ONTEM_AWS_ROLE_SECONDS.

    Every AWS SDK takes them from there, that of the JVM as well, and they outlive the token.
    Raises SettingsError, RoleRefused, RoleUnavailable.
    """
    role = _text(environ, ROLE, "set it to the ARN of a role that trusts CircleCI's tokens")
    token = _text(environ, TOKEN, "CircleCI sets it for jobs that have a context")
    client = boto3.client(
        "sts",
        region_name=environ.get("AWS_REGION") or "us-east-1",
        config=Config(signature_version=UNSIGNED, retries={"total_max_attempts": 3}),
    )
    try:
        answer = client.assume_role_with_web_identity(
            RoleArn=role,
            RoleSessionName="circleci",
            WebIdentityToken=token,
            DurationSeconds=_seconds(environ),
        )
    except (ClientError, ParamValidationError) as error:
        raise RoleRefused(role=role, reason=_reason(error)) from None
    except BotoCoreError as error:
        raise RoleUnavailable(role=role, reason=_reason(error)) from None
    given = answer["Credentials"]
    return {
        **environ,
        "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
        "AWS_SESSION_TOKEN": given["SessionToken"],
    }


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")


def _text(environ: Mapping[str, str], variable: str, remedy: str) -> str:
    value = environ.get(variable, "").strip()
    if not value:
        raise SettingsError(variable=variable, value=None, remedy=remedy)
    return value


def _seconds(environ: Mapping[str, str]) -> int:
    value = environ.get(SECONDS, "").strip() or "3600"
    seconds = int(value) if value.isascii() and value.isdigit() and len(value) <= 6 else 0
    if not LEAST_SECONDS <= seconds <= MOST_SECONDS:
        remedy = f"use a whole number from {LEAST_SECONDS} to {MOST_SECONDS}"
        raise SettingsError(variable=SECONDS, value=value, remedy=remedy)
    return seconds
