"""Keeps what a process holds of entities, and has it made by a thread beside the requests."""

import itertools
import threading
import time
from dataclasses import dataclass
from typing import Final, Protocol

from features_pkg.orders.order import Order
from service import log
from service.hot.building import Wish
from service.hot.entity import DropCause, EntityName, HeldEntity, names_of
from service.metrics import metering

MEGABYTE: Final = 1_000_000
PAUSE_SECONDS: Final = 1.0
"""How long an entity that could not be read is left alone."""
CROWDED_SECONDS: Final = 10.0
"""How long one is left alone for which there was no room."""
_MOST_WISHES: Final = 100


class EntityBuilder(Protocol):
    """Reads what entities did."""

    def build(self, name: EntityName, wish: Wish, held: HeldEntity | None) -> HeldEntity | None:
        """What an entity did until now, None if that can't be told."""

    def close(self) -> None:
        """End the session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HotLimits:
    """From when on an entity is held, and how much memory that may take."""

    most_rows: int = 4_000
    """How many rows of orders, or of chargebacks, of one entity a request reads."""
    most_bytes: int = 64 * MEGABYTE
    """How much memory the arrays of one process take; those least used go."""

    @property
    def hot_rows(self) -> int:
        """With how many rows an entity begins to be held: long before it must be.

        To read so many takes as long as to ask for what came since, so it is sooner cheaper.
        """
        return max(self.most_rows // 8, 1)

    @property
    def grown_rows(self) -> int:
        """With how many rows that came since an entity is read anew."""
        return max(self.most_rows // 40, 1)


class HotEntities:
    """The entities that a process holds, for all its threads. Its own thread starts when needed."""

    def __init__(self, builder: EntityBuilder, limits: HotLimits) -> None:
        self._builder, self.limits = builder, limits
        self._changed = threading.Condition()
        self._held: dict[EntityName, HeldEntity] = {}
        self._uses: dict[EntityName, int] = {}
        """For each entity that is held the number of its last use."""
        self._numbers = itertools.count()
        self._wishes: dict[EntityName, Wish] = {}
        self._left_alone: dict[EntityName, float] = {}
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def of(
        self, merchant_id: int, order: Order, from_us: int, to_us: int
    ) -> dict[EntityName, HeldEntity]:
        """What is held of the order's entities, if a question about [from_us, to_us) can use it."""
        if not self._held:
            return {}
        found = {}
        for name in names_of(merchant_id, order):
            entity = self._held.get(name)
            if entity is not None and entity.answers(from_us, to_us):
                found[name] = entity
                self._uses[name] = next(self._numbers)
        return found

    def wish(self, name: EntityName, wish: Wish) -> None:
        """Have an entity read anew, soon; nothing happens while it is wished for already."""
        if name in self._wishes:
            return
        with self._changed:
            is_left_alone = self._left_alone.get(name, 0.0) > time.monotonic()
            if self._is_closed or is_left_alone or len(self._wishes) >= _MOST_WISHES:
                return
            self._wishes[name] = wish
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="hot", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def drop(self, entity: HeldEntity, cause: DropCause) -> None:
        """Hold an entity no more, unless it was read anew meanwhile."""
        with self._changed:
            if self._held.get(entity.name) is entity:
                self._forget(entity.name)
                self._note_sizes()
                metering.metrics().hot_drops.labels(cause).inc()
                log.info("hot entity dropped", identifier=entity.name.identifier, cause=cause)

    def settle(self, seconds: float) -> bool:
        """Wait until all wishes are done, and return whether they are."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._wishes, seconds)

    def close(self) -> None:
        """Let the thread end after what it does now."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._builder.close()

    def _work(self) -> None:
        while (next_one := self._next()) is not None:
            name, wish = next_one
            try:
                entity = self._builder.build(name, wish, self._held.get(name))
                reason = "its rows are another server's"
            except Exception as error:  # noqa: BLE001  whatever it is, others can be read
                entity, reason = None, type(error).__name__
            if entity is None:
                log.error("hot entity not read", identifier=name.identifier, reason=reason)
            self._take_in(name, entity)

    def _next(self) -> tuple[EntityName, Wish] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._wishes or self._is_closed)
            return None if self._is_closed else next(iter(self._wishes.items()))

    def _take_in(self, name: EntityName, entity: HeldEntity | None) -> None:
        """Hold what was read in place of what was held, and let go of what there is no room for."""
        with self._changed:
            now = time.monotonic()
            self._left_alone = {each: at for each, at in self._left_alone.items() if at > now}
            if entity is None:
                self._left_alone[name] = now + PAUSE_SECONDS
            else:
                self._count_build(entity, is_new=name not in self._held)
                self._held[name], self._uses[name] = entity, next(self._numbers)
            self._make_room()
            self._note_sizes()
            self._wishes.pop(name, None)
            self._changed.notify_all()

    def _count_build(self, entity: HeldEntity, *, is_new: bool) -> None:
        metering.metrics().hot_builds.labels("new" if is_new else "grown").inc()
        if is_new:
            log.info(
                "hot entity held",
                merchant_id=entity.name.merchant_id,
                identifier=entity.name.identifier,
                orders=len(entity.orders),
                chargebacks=len(entity.chargebacks),
            )

    def _make_room(self) -> None:
        while self._nbytes() > self.limits.most_bytes:
            least_used = min(self._held, key=lambda name: self._uses.get(name, -1))
            self._forget(least_used)
            self._left_alone[least_used] = time.monotonic() + CROWDED_SECONDS
            metering.metrics().hot_drops.labels("room").inc()

    def _forget(self, name: EntityName) -> None:
        del self._held[name]
        self._uses.pop(name, None)

    def _note_sizes(self) -> None:
        metering.metrics().hot_entities.set(len(self._held))
        metering.metrics().hot_bytes.set(self._nbytes())

    def _nbytes(self) -> int:
        return sum(entity.nbytes for entity in self._held.values())
