"""The bucket of the offline store, on a server that has none yet."""

from urllib.parse import urlsplit

from pyarrow import fs

from stores.offline.errors import StorageUnusable
from stores.settings import Settings


def make_bucket(settings: Settings) -> tuple[str, bool]:
    """The name of the bucket, and whether it was made now. Raises StorageUnusable."""
    url, endpoint = settings.storage_url, urlsplit(settings.s3_endpoint)
    name = urlsplit(url).netloc
    if not name or not endpoint.netloc:
        reason = "a bucket is made on a server that AWS_ENDPOINT_URL names, below s3:// alone"
        raise StorageUnusable(url=url, reason=reason)
    try:
        server = fs.S3FileSystem(
            endpoint_override=endpoint.netloc,
            scheme=endpoint.scheme,
            region=settings.s3_region or None,
            allow_bucket_creation=True,
        )
        is_new = server.get_file_info(name).type == fs.FileType.NotFound
        if is_new:
            server.create_dir(name)
    except OSError as error:
        raise StorageUnusable(url=url, reason=str(error).splitlines()[0]) from error
    return name, is_new
