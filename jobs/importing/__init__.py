"""Load orders and chargebacks of the past from files: the only way to change the past."""

from jobs.importing.errors import ImportRefused
from jobs.importing.load import ImportResult, import_chargebacks, import_orders
from jobs.importing.mapping import FileMapping, read_mapping
from jobs.importing.options import ImportOptions, Listener
from jobs.importing.refusals import Refusal

__all__ = [
    "FileMapping",
    "ImportOptions",
    "ImportRefused",
    "ImportResult",
    "Listener",
    "Refusal",
    "import_chargebacks",
    "import_orders",
    "read_mapping",
]
