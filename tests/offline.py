"""An offline store that needs no PostgreSQL."""

from pathlib import Path

from pyiceberg.catalog.sql import SqlCatalog

from stores.offline.catalogue import NAME
from stores.offline.files import open_files
from stores.offline.tables import OfflineStore


class NoS3:
    """An `S3Address` of tests that have only folders."""

    s3_endpoint = s3_region = ""


def a_store(root: Path) -> OfflineStore:
    """A store whose catalogue is a file in the same folder."""
    files = open_files(root.as_uri(), NoS3())
    return OfflineStore(files, SqlCatalog(NAME, uri=f"sqlite:///{root}/catalogue"))
