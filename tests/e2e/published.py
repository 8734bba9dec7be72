"""Small snapshots in Redis, published as a test needs them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.entity_keys import EntityKeys
from features_pkg.fold.counts import counts_of
from features_pkg.fold.states import SingleEvents, fold, states_of
from features_pkg.history.events import TargetValues
from features_pkg.identifiers import Event, Identifier
from features_pkg.timelines.build import encode_all
from stores.redis.connection import redis_client
from stores.redis.keys import Namespace
from stores.redis.load_list import Load
from tests.online import publish_load

Entity = tuple[int, str, str]
"""Merchant, identifier, value."""


@dataclass
class OnlineStore:
    """The Redis of a test; the loads published to it get the ids 1, 2, 3, …"""

    url: str
    features: FeatureSet
    secret: bytes
    loads: list[Load] = field(default_factory=list)
    _published: dict[int, dict[bytes, bytes]] = field(default_factory=dict)
    """By the number of buckets, the newest timeline of each entity in them."""

    def publish(
        self, as_of: date, timelines: Mapping[Entity, bytes] | None = None, *, buckets: int = 1
    ) -> Load:
        """A load as of that day with these timelines.

        An entity that has none has that of the load before into as many buckets, or was never seen.
        """
        calendar, keys = Calendar(self.features.timezone), self.keys
        entities = self._published.setdefault(buckets, {})
        entities |= {keys.key(*entity): content for entity, content in (timelines or {}).items()}
        load = Load(
            load_id=len(self.loads) + 1,
            as_of=as_of.toordinal(),
            cutoff_us=calendar.cutoff_us(as_of.toordinal()),
            entities=len(entities),
            checksum="",
            buckets=buckets,
        )
        with redis_client(self.url) as client:
            publish_load(client, self.namespace, load, entities)
        self.loads.append(load)
        return load

    @property
    def namespace(self) -> Namespace:
        return Namespace.of(self.keys)

    @property
    def keys(self) -> EntityKeys:
        return EntityKeys(self.secret, self.features.timelines_id)


def a_timeline(features: FeatureSet, identifier: Identifier, *at_us: int) -> bytes:
    """The timeline of an entity that was in one order of 10 reais at each of these instants."""
    no_rows, rows = np.empty(0, dtype=np.int64), np.arange(len(at_us))
    targets = features.timeline_targets.get((identifier, Event.ORDER), ())
    orders = SingleEvents(
        entity=rows,
        at_us=np.array(at_us, dtype=np.int64),
        amount_cents=np.full(len(at_us), 1000, dtype=np.int64),
        targets={target: TargetValues(no_rows, no_rows) for target in targets},
    )
    single = states_of({Event.ORDER: orders}, len(rows), Calendar(features.timezone))
    states = fold(single, np.zeros_like(rows), 1)
    (content,) = encode_all(counts_of(states)).to_pylist()
    return bytes(content)
