"""Variables from AWS' stores of secrets: a process is told the names, never the values."""

import json
from collections.abc import Mapping
from typing import Any, Final

from stores.errors import SettingsError

VARIABLE: Final = "ONTEM_SECRETS"
"""Names or ARNs, separated by commas. One that begins with / is a parameter of Systems Manager."""


def with_secrets(environ: Mapping[str, str], real: Mapping[str, str]) -> dict[str, str]:
    """`environ`, with what the secrets say that its ONTEM_SECRETS names; `real` wins over them.

    A secret is a JSON object of variables, or lines of KEY=VALUE. Of the later of two that set the
    same variable, the value is taken. Raises SettingsError, which shows no value.
    """
    found: dict[str, str] = {}
    for name in filter(None, (each.strip() for each in environ.get(VARIABLE, "").split(","))):
        found |= _variables(name, _read(name, environ))
    return {**environ, **{key: value for key, value in found.items() if not real.get(key)}}


def _read(name: str, environ: Mapping[str, str]) -> str:
    from botocore.exceptions import BotoCoreError, ClientError

    from jobs.emr.objects import aws_client

    is_parameter = name.startswith("/") or ":ssm:" in name
    action = "ssm:GetParameter" if is_parameter else "secretsmanager:GetSecretValue"
    try:
        if is_parameter:
            client: Any = aws_client("ssm", environ)
            return str(client.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])
        client = aws_client("secretsmanager", environ)
        return str(client.get_secret_value(SecretId=name).get("SecretString", ""))
    except ClientError as error:
        reason = error.response.get("Error", {}).get("Code", "an error")
    except BotoCoreError as error:
        reason = type(error).__name__
    raise SettingsError(
        variable=VARIABLE,
        value=name,
        remedy=f"AWS does not give it out ({reason}): see that it is there, and that the role of "
        f"this job may {action} it",
    )


def _variables(name: str, text: str) -> dict[str, str]:
    if text.lstrip().startswith("{"):
        try:
            found = json.loads(text)
        except ValueError:
            found = {}
    else:
        pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
        found = {key.strip(): value.strip() for key, value in pairs if not key.startswith("#")}
    if not found or not all(isinstance(value, str) for value in found.values()):
        raise SettingsError(
            variable=VARIABLE,
            value=name,
            remedy="its value has to be a JSON object of texts by variable, or lines of KEY=VALUE",
        )
    return dict(found)
