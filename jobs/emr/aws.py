"""Calls to AWS, whose errors become sentences."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from jobs.emr.errors import EmrRefused, EmrUnavailable

BUSY: Final = (
    "500",
    "502",
    "503",
    "504",
    "InternalFailure",
    "InternalServerError",
    "InternalServerException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
)
"""The codes of errors that go by themselves; S3 answers a HEAD with a number."""
DENIED: Final = ("403", "AccessDenied", "AccessDeniedException", "UnauthorizedOperation")


@contextmanager
def aws_errors(call: str, cluster: str | None = None) -> Iterator[None]:
    """Inside, an error of AWS becomes EmrRefused or EmrUnavailable, which name the call."""
    try:
        yield
    except ClientError as error:
        found = error.response.get("Error", {})
        code, message = str(found.get("Code", "")), str(found.get("Message", ""))
        reason = f"{code}: {message.splitlines()[0].rstrip('.')}" if message else code
        if code in BUSY:
            raise EmrUnavailable(call=call, reason=reason, cluster=cluster) from None
        raise EmrRefused(call=call, reason=reason, remedy=_remedy(code)) from None
    except ParamValidationError as error:
        reason = str(error).partition("\n")[2].replace("\n", "; ") or str(error)
        raise EmrRefused(call=call, reason=reason, remedy=_remedy("")) from None
    except BotoCoreError as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise EmrUnavailable(call=call, reason=reason, cluster=cluster) from None


def _remedy(code: str) -> str:
    if code in DENIED:
        return "grant this right to whoever submits, then run the same command again"
    return "give the options that it takes (`ontem emr submit --help`), then run it again"
