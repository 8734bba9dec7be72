"""The recent read of an order, some of whose entities may be hot."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

from features_pkg.identifiers import Identifier
from features_pkg.orders.order import Order
from service import recent
from service.deadline import Deadline
from service.hot.building import MARGIN_US, Wish
from service.hot.entity import LATE_AFTER_US, EntityName, HeldEntity, Seen, held_events
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

    def ask(
        self,
        session: Session,
        merchant_id: int,
        order: Order,
        *,
        from_us: int,
        to_us: int,
        deadline: Deadline,
    ) -> Callable[[], RecentRead]:
        """Ask for the events in [from_us, to_us) that name an identifier of the order.

        The answer is not whole if an entity has more than may be read and is not held yet, or if
        the order is stored already and its own event may be held. Taking it raises PastUnavailable.
        """
        most_rows, wish = self._limits.most_rows, Wish(from_us, to_us)

        def ask_all() -> Callable[[], list[Row]]:
            values = recent.values_of(merchant_id, order, from_us, to_us, most_rows)
            return recent.ask_rows(session, RECENT, values, deadline)

        def found(rows: Sequence[Row], held: Held) -> RecentRead:
            read = recent.recent_read(rows, session.generation)
            is_cut = self._is_cut(merchant_id, rows, held, wish)
            if not held:
                return replace(read, is_whole=False) if is_cut else read
            is_whole = not is_cut and read.own_at_us is None
            return replace(read, is_whole=is_whole, held=held_events(held.values()))

        held = self._hot.of(merchant_id, order, from_us, to_us)
        if not held:
            all_rows = ask_all()
            return lambda: found(all_rows(), {})
        values = since_values(
            merchant_id, order, held, from_us=from_us, to_us=to_us, most_rows=most_rows
        )
        new_rows = recent.ask_rows(session, SINCE, values, deadline)

        def answer() -> RecentRead:
            rows = new_rows()
            if self._drop_contradicted(held, rows, session.generation, wish):
                return found(ask_all()(), {})
            return found(rows, held)

        return answer

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
        for (identifier, value, _), found in _by_entity(rows).items():
            most = max(most, len(found))
            name = EntityName(merchant_id, identifier, value)
            is_held = name in held
            enough = self._limits.grown_rows if is_held else self._limits.hot_rows
            if len(found) < enough:
                continue
            if not is_held or sum(_is_settled(row, wish.at_us) for row in found) >= enough:
                self._hot.wish(name, wish)
        return most >= self._limits.most_rows


def _by_entity(rows: Sequence[Row]) -> dict[tuple[str, str, bool], list[Row]]:
    """The orders, and apart from them the chargebacks, by identifier and value."""
    by_entity = defaultdict(list)
    for row in rows:
        if row[0]:
            by_entity[row[0], row[1], row[2] == "order"].append(row)
    return by_entity


def _is_settled(row: Row, at_us: int) -> bool:
    """Whether an entity that is read anew now would hold an event, so that it need not come again.

    Of the last seconds chargebacks are not held, nor orders of a product. They come each time.
    """
    identifier, event, event_us = row[0], row[2], int(row[3])
    is_late = event != "order" or identifier == Identifier.PRODUCT
    return event_us < at_us - MARGIN_US - (LATE_AFTER_US if is_late else 0)


def _seen(rows: Sequence[Row], generation: int | None) -> Seen:
    visible, newest_import = "", (0, 0)
    for row in rows:
        if row[2] == "visible":
            visible = row[1]
        elif row[2] == "import":
            newest_import = (row[3], row[4])
    return Seen(visible, generation, newest_import)
