"""The recent read of an order, some of whose entities may be hot."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from features_pkg.orders.order import Order
from service import recent
from service.deadline import Deadline
from service.hot.building import Wish
from service.hot.entity import EntityName, HeldEntity, Seen, held_events
from service.hot.keeper import HotEntities
from service.hot.statements import SINCE, since_values
from service.recent import RECENT, RecentRead
from service.session import Session
from stores.postgres.pipelined import Row

Held = dict[EntityName, HeldEntity]


class HotReader:
    """Reads at most so many rows of an entity; what it holds of those that have more, it adds."""

    def __init__(self, hot: HotEntities) -> None:
        self._hot, self._limits = hot, hot.limits

    def read(
        self,
        session: Session,
        merchant_id: int,
        order: Order,
        *,
        from_us: int,
        to_us: int,
        deadline: Deadline,
    ) -> RecentRead:
        """The events in [from_us, to_us) that name an identifier of the order.

        It is not whole if an entity has more than may be read and is not held yet, or if the order
        is stored already and its own event may be held. Raises PastUnavailable.
        """
        most_rows = self._limits.most_rows
        wish = Wish(from_us, to_us)
        held = self._hot.of(merchant_id, order, from_us, to_us)
        if held:
            values = since_values(
                merchant_id, order, held, from_us=from_us, to_us=to_us, most_rows=most_rows
            )
            rows = recent.run(session, SINCE, values, deadline)
            if self._drop_contradicted(held, rows, session.generation, wish):
                held = {}
        if not held:
            values = recent.values_of(merchant_id, order, from_us, to_us, most_rows)
            rows = recent.run(session, RECENT, values, deadline)
        found = recent.recent_read(rows, session.generation)
        is_cut = self._is_cut(merchant_id, rows, held, wish)
        if not held:
            return replace(found, is_whole=False) if is_cut else found
        is_whole = not is_cut and found.own_at_us is None
        return replace(found, is_whole=is_whole, held=held_events(held.values()))

    def _drop_contradicted(
        self, held: Held, rows: Sequence[Row], generation: int | None, wish: Wish
    ) -> bool:
        """Drop and wish for what does not go with these rows; whether there is any."""
        seen = _seen(rows, generation)
        causes = {entity: entity.contradiction(seen) for entity in held.values()}
        for entity, cause in causes.items():
            if cause:
                self._hot.drop(entity, cause)
                self._hot.wish(entity.name, wish)
        return any(causes.values())

    def _is_cut(self, merchant_id: int, rows: Sequence[Row], held: Held, wish: Wish) -> bool:
        """Whether an entity has more rows than were read; wishes for those that have many."""
        fewest = self._limits.grown_rows if held else self._limits.hot_rows
        if len(rows) < fewest:
            return False
        most = 0
        for (identifier, value, _), count in Counter(
            (row[0], row[1], row[2] == "order") for row in rows if row[0]
        ).items():
            most = max(most, count)
            name = EntityName(merchant_id, identifier, value)
            if count >= (self._limits.grown_rows if name in held else self._limits.hot_rows):
                self._hot.wish(name, wish)
        return most >= self._limits.most_rows


def _seen(rows: Sequence[Row], generation: int | None) -> Seen:
    visible, newest_import = "", (0, 0)
    for row in rows:
        if row[2] == "visible":
            visible = row[1]
        elif row[2] == "import":
            newest_import = (row[3], row[4])
    return Seen(visible, generation, newest_import)
