"""What `ontem store restore` prints."""

from stores.offline.metadata_files import name_of
from stores.offline.restoring import Restoration


def describe_restoration(restoration: Restoration) -> str:
    """What becomes of a table, in words."""
    table, before, after = restoration.table, restoration.before, restoration.after
    if after is None:
        return f"{table}: forgotten, its metadata are gone"
    if before is None or not restoration.is_readable:
        return f"{table}: restored from {after}"
    if before == after:
        return f"{table}: stays as of {name_of(after)}, and version-hint.text names that"
    turned = f"{table}: from {name_of(before)} to {name_of(after)}, which adds {restoration.gained}"
    return f"{turned}; given up: {restoration.lost}" if restoration.lost else turned
