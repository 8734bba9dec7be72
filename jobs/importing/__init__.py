"""Orders and chargebacks of the past from files: the only way to change what was."""

from jobs.importing.errors import ImportRefused
from jobs.importing.load import How, Imported, Listener, import_chargebacks, import_orders
from jobs.importing.mapping import Mapping, read_mapping
from jobs.importing.refusals import Refusal

__all__ = [
    "How",
    "ImportRefused",
    "Imported",
    "Listener",
    "Mapping",
    "Refusal",
    "import_chargebacks",
    "import_orders",
    "read_mapping",
]
