"""How Spark reaches the offline store: nothing for a folder, S3A for object storage."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

S3_SCHEMES: Final = ("s3", "s3a")
CREDENTIALS: Final = "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider"


def storage_options(url: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Spark's options for an offline store below `url`; none for `file://`.

    `environ` has the variables that every AWS SDK knows; an empty one counts as not set. The SDK's
    own chain finds the credentials: environment, web identity, profile, container, machine. Without
    a region S3A asks AWS for the bucket's.
    """
    if urlsplit(url).scheme not in S3_SCHEMES:
        return {}
    options = {"spark.hadoop.fs.s3a.aws.credentials.provider": CREDENTIALS}
    endpoint = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        options |= {
            "spark.hadoop.fs.s3a.endpoint": endpoint,
            # Other servers than AWS rarely have a host name for each bucket.
            "spark.hadoop.fs.s3a.path.style.access": "true",
        }
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    if region:
        options["spark.hadoop.fs.s3a.endpoint.region"] = region
    return options
