"""What the feature store reads of PostgreSQL, Redis and the offline store."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import cast

from features_pkg.calendar import Calendar, to_us
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.entity_keys import EntityKeys
from features_pkg.models.shipped_models import SHIPPED
from features_pkg.orders.fields.instant import is_within
from jobs.snapshot.withdraw import loads_of_namespace, row_of
from jobs.watermark import newest_readable_day
from ontem.feature_store.comparing.lookup import Lookup
from ontem.feature_store.comparing.offline_sides import OfflineSides
from ontem.feature_store.costs import Sample
from ontem.feature_store.day_snapshot import DaySnapshot, find_day, newest_day, sample_of
from ontem.feature_store.errors import ClockRefused, MerchantNotNamed
from ontem.feature_store.groups import Loads
from ontem.feature_store.usage import Usage, known_models, usage_of
from stores.errors import SettingsError
from stores.model_keys import verify_keys
from stores.offline.models import StoredModels
from stores.offline.tables import OfflineStore, open_store
from stores.postgres.clock import database_clock, set_clock
from stores.postgres.connection import Connection
from stores.postgres.merchants import all_merchants, find_merchant
from stores.postgres.runs import run_of_load
from stores.postgres.served_models import served_since
from stores.postgres.sessions import open_session
from stores.redis.connection import connect_redis
from stores.redis.keys import Namespace
from stores.redis.load_list import load_for_day
from stores.redis.published import read_published
from stores.settings import Settings

_FIRST_ORDER = "SELECT min(event_at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' FROM orders"
"""By the index `orders_newest`."""


@dataclass(slots=True)
class Stores:
    """The stores of the settings, each opened when it is first read.

    `clock` is what the database takes for now, None for its own clock.
    """

    settings: Settings
    feature_set: FeatureSet
    clock: datetime | None
    _offline: OfflineStore | None = field(default=None, init=False)
    _sample: Sample | None = field(default=None, init=False)
    _merchants: dict[str, int] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Raises ClockRefused."""
        clock: object = self.clock
        if clock is not None and not (
            isinstance(clock, datetime)
            and clock.utcoffset() is not None
            and is_within(to_us(clock))
        ):
            raise ClockRefused(clock)

    @property
    def offline(self) -> OfflineStore:
        """The offline store. Raises StorageUnusable, PostgresUnavailable."""
        if self._offline is None:
            self._offline = open_store(self.settings, writes=False)
        return self._offline

    @property
    def keys(self) -> EntityKeys:
        """The keys of entities in the timelines of the feature set."""
        return EntityKeys(self.settings.entity_secret, self.feature_set.timelines_id)

    def connect(self) -> Connection:
        """A session in autocommit with the clock.

        Raises PostgresUnavailable, SchemaRefused, OtherServer, ClockNotSettable.
        """
        connection = open_session(
            self.settings.postgres_url, application_name="ontem feature store", autocommit=True
        )
        if self.clock is not None:
            set_clock(connection, self.clock)
        return connection

    def loads(self) -> Loads:
        """What is on record of loads, and which one requests read now.

        Raises RedisUnavailable and what `connect` raises.
        """
        namespace = Namespace.of(self.keys)
        with connect_redis(self.settings.redis_url) as client, self.connect() as connection:
            listed = read_published(client, namespace).load_list.loads
            rows = loads_of_namespace(connection, namespace)
            now_us = to_us(database_clock(connection))
            calendar = Calendar(self.feature_set.timezone)
            due_day = calendar.due_day(now_us, self.feature_set.snapshot_lag)
            read = load_for_day(listed, due_day, self.settings.max_stale_days)
            run = None if read is None else run_of_load(connection, read.load_id)
        return Loads(
            published=[row for row in rows if row.published_at and not row.withdrawn_at],
            read=read,
            row=None if read is None else row_of(read, rows),
            run=run,
            due=date.fromordinal(due_day),
        )

    def merchant_id(self, name: str | None) -> int:
        """The key of the merchant of that name, or of the only one; it is looked up once.

        Raises MerchantUnknown, MerchantNotNamed and what `connect` raises.
        """
        if name not in self._merchants:
            with self.connect() as connection:
                if name is None:
                    return _only_merchant(connection)  # there may be another one the next time
                self._merchants[name] = find_merchant(connection, name).merchant_id
        return self._merchants[name]

    def sample(self) -> Sample | None:
        """Some entities of the newest snapshot, None without one; it is read once."""
        day = newest_day(self.offline, self.feature_set)
        if day is None:
            return None
        if self._sample is None or self._sample.day != day:
            self._sample = sample_of(self.snapshot(day))
        return self._sample

    def snapshot(self, day: date) -> DaySnapshot:
        """The newest snapshot of a day. Raises DayMissing."""
        return find_day(self.offline, self.feature_set, day, self._buildable_days)

    def _buildable_days(self) -> tuple[date, date] | None:
        """The first and the last day that have begun and that orders are from before."""
        calendar = Calendar(self.feature_set.timezone)
        with self.connect() as connection:
            ((first_at,),) = connection.execute(_FIRST_ORDER).fetchall()
            last = newest_readable_day(database_clock(connection), calendar)
        if first_at is None:
            return None
        first = date.fromordinal(calendar.day_of(to_us(cast(datetime, first_at))) + 1)
        return (first, last) if first <= last else None

    def lookup(self) -> Lookup:
        """What finds models, training sets and this feature set by their names."""
        return Lookup(
            features=self.feature_set,
            trust=self.settings,
            shipped=SHIPPED,
            configured=self.settings.model_path,
            offline=OfflineSides(lambda: StoredModels(self.offline.files), lambda: self.offline),
        )

    def usage(self, name: str) -> Usage:
        """Which models use the feature of that name; not known without keys to trust them by."""
        try:
            keys = verify_keys(self.settings)
        except SettingsError as missing:
            return Usage((), None, f"not known: {missing}")
        with self.connect() as connection:
            served = served_since(connection)
        stored = StoredModels(self.offline.files)
        return usage_of(name, known_models(stored, keys, self.settings.model_path, served))

    def close(self) -> None:
        """End the sessions of the offline store's catalogue; the next read opens new ones."""
        if self._offline is not None:
            self._offline.catalogue.close()
            self._offline = None


def _only_merchant(connection: Connection) -> int:
    merchants = all_merchants(connection)
    if len(merchants) != 1:
        raise MerchantNotNamed(names=[each.name for each in merchants])
    return merchants[0].merchant_id
