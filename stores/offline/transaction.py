"""A transaction that works out its state once for each of its updates, not for each look at it."""

from pyiceberg.table import Table, Transaction
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.update import TableUpdate


class CachingTransaction(Transaction):
    """PyIceberg's own applies all updates and copies all metadata whenever it looks at its state.

    A commit looks some 27 times, and the metadata grow with each commit: that was most of its work.
    """

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self._known: tuple[TableMetadata, tuple[TableUpdate, ...], TableMetadata] | None = None

    @property
    def table_metadata(self) -> TableMetadata:
        """The table with the updates so far, as of PyIceberg; whoever reads it changes nothing."""
        known, base, updates = self._known, self._table.metadata, self._updates
        # Both are replaced, never changed; kept here, no other object gets the identity of one.
        if known is None or known[0] is not base or known[1] is not updates:
            known = self._known = (base, updates, super().table_metadata)
        return known[2]
