"""The catalogue: which metadata file of each Iceberg table is the current one."""

from typing import Final, Literal, Protocol

# PyIceberg would import it, and pandas with it, for the first table: while a job holds its lock.
import pyiceberg.io.pyarrow  # noqa: F401
from pyiceberg.catalog import Catalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io import PY_IO_IMPL
from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError

from stores.offline.files import Files, S3Address
from stores.postgres.connection import (
    CONNECT_TIMEOUT_SECONDS,
    PostgresUnavailable,
    postgres_address,
)

CatalogueKind = Literal["postgres", "glue"]
NAME: Final = "ontem"
"""The catalogue's name in PostgreSQL, and the namespace (in Glue: the database) of all tables."""
_FILE_IO: Final = "stores.offline.checked_io.CheckedFileIO"


class CatalogueSettings(S3Address, Protocol):
    """Which catalogue there is, and how to reach it."""

    @property
    def catalogue(self) -> CatalogueKind:
        """PostgreSQL's tables `iceberg_tables` and `iceberg_namespace_properties`, or AWS Glue."""
        ...

    @property
    def postgres_url(self) -> str:
        """The URL of PostgreSQL."""
        ...


def open_catalogue(settings: CatalogueSettings, files: Files) -> Catalog:
    """The catalogue that the settings name. Raises PostgresUnavailable."""
    properties = {"warehouse": files.location("tables"), PY_IO_IMPL: _FILE_IO}
    properties |= _s3_properties(settings)
    if settings.catalogue == "glue":
        from pyiceberg.catalog.glue import GlueCatalog

        return GlueCatalog(NAME, **properties)
    uri = _sqlalchemy_url(settings.postgres_url)
    catalogue = SqlCatalog(NAME, uri=uri, init_catalog_tables="false", **properties)
    try:
        catalogue.engine.connect().close()  # PyIceberg takes a server that is down for an empty one
    except OperationalError as error:
        reason = str(error.orig).splitlines()[0]
        address = postgres_address(settings.postgres_url)
        raise PostgresUnavailable(address=address, reason=reason) from None
    return catalogue


def _sqlalchemy_url(url: str) -> str:
    """The same database for SQLAlchemy, through the driver that Ontem has."""
    limits = {
        "connect_timeout": str(CONNECT_TIMEOUT_SECONDS),
        "application_name": "ontem catalogue",
    }
    rest = url.partition("://")[2]
    parsed = make_url(f"postgresql+psycopg://{rest}").update_query_dict(limits)
    return parsed.render_as_string(hide_password=False)


def _s3_properties(s3: S3Address) -> dict[str, str]:
    """Where PyIceberg finds S3; the SDK's own chain finds the credentials."""
    properties = {"s3.endpoint": s3.s3_endpoint, "s3.region": s3.s3_region}
    return {name: value for name, value in properties.items() if value}
