"""The metadata files of tables by their names, and the hint beside them that names the newest."""

import re
from typing import Final

from stores.offline.errors import FileMissing
from stores.offline.files import Files

TABLES: Final = "tables"
HINT: Final = "version-hint.text"
METADATA: Final = ".metadata.json"


def metadata_folder(table: str) -> str:
    """The key of the folder with the metadata of a table."""
    return f"{TABLES}/{table}/metadata"


def metadata_key(table: str, name: str) -> str:
    """The key of a metadata file by its name, which is what the hint says of it."""
    return f"{metadata_folder(table)}/{name}{METADATA}"


def name_of(location: str) -> str:
    """The name of a metadata file by its key or location: no two files of all have the same."""
    return location.rpartition("/")[2].removesuffix(METADATA)


def number_of(name: str) -> int:
    """The number in the name of a metadata file: each commit's is one more; -1 without one."""
    found = re.match(r"\d+", name)
    return int(found[0]) if found else -1


def metadata_keys(files: Files, table: str) -> list[str]:
    """The keys of all metadata files of a table."""
    return [key for key in files.list(metadata_folder(table)) if key.endswith(METADATA)]


def hint_key(table: str) -> str:
    """The key of the file that names the newest metadata of a table."""
    return f"{metadata_folder(table)}/{HINT}"


def hinted_name(files: Files, table: str) -> str:
    """The name of the metadata file that the hint of a table names; empty without a hint."""
    try:
        return files.read(hint_key(table)).decode(errors="replace").strip()  # an editor adds a line
    except FileMissing:
        return ""
