"""The feature store: discover features, and read them for training and for inference."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from features_pkg import normalise
from features_pkg import point_in_time as compute
from features_pkg.calendar import to_us
from features_pkg.definitions.derived import Feature
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.orders.limits import YEARS
from jobs.entry import environment_here, hand_on_aws_variables
from ontem.feature_store.comparing.comparison import Comparison, compare
from ontem.feature_store.comparing.lookup import CODE
from ontem.feature_store.costs import costs_of
from ontem.feature_store.day_snapshot import DaySnapshot
from ontem.feature_store.descriptions import FeatureDescription, rates_of
from ontem.feature_store.errors import DayRefused, TrainingSetMissing
from ontem.feature_store.features import (
    computable,
    definition_of,
    extended,
    feature_set_of,
    group_of,
    window_text,
)
from ontem.feature_store.groups import FeatureGroups, groups_of
from ontem.feature_store.online import OnlineFeatureReader, OnlineFeatures, table_of
from ontem.feature_store.sent_orders import canonical_value, read_orders
from ontem.feature_store.sheet import sheet_of
from ontem.feature_store.stores import Stores
from ontem.feature_store.tables import (
    ARROW,
    as_kind,
    check_count,
    check_kind,
    chosen,
    known_identifiers,
)
from ontem.feature_store.training_sets import TrainingSet, find_training_set
from ontem.feature_store.words import Hit, search
from stores.settings import Settings


class FeatureStore:
    """The features of one feature set, on a laptop's stack or on S3: the settings say which.

    Nothing is connected before something is asked. All of it only reads: no order, no run and no
    model is ever stored. A store belongs to one thread.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        features: Iterable[Feature] | None = None,
        clock: datetime | None = None,
    ) -> None:
        """The settings are those of this process by default, as for the command `ontem`.

        Args:
            settings: other ones than those of the environment (`ONTEM_…`).
            features: definitions or names; None is the catalogue. Features that read the same
                timelines read the loads that are there.
            clock: what the database takes for now, on a development stack only.

        Raises SettingsError, ClockRefused, and DefinitionError for a feature that is not one.
        """
        if settings is None:
            environ = environment_here()
            settings = Settings.from_environ(environ)
            hand_on_aws_variables(environ)
        self._settings = settings
        self.feature_set: FeatureSet = feature_set_of(settings, features)
        self._stores = Stores(settings, self.feature_set, clock)
        self._reader: OnlineFeatureReader | None = None

    def with_features(self, features: Iterable[Feature]) -> "FeatureStore":
        """A store whose feature set has these features, too, with the same settings and clock.

        Raises DefinitionError for one that is none, or that reads what the set lacks.
        """
        return FeatureStore(
            self._settings,
            features=extended(self.feature_set, features),
            clock=self._stores.clock,
        )

    @property
    def version(self) -> str:
        """The version of the feature set: a model is served only where it is the same."""
        return self.feature_set.version

    @property
    def timelines(self) -> str:
        """The id of the timelines: feature sets of the same id read the same loads."""
        return self.feature_set.timelines_id

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all features, in the order of the stored vector."""
        return self.feature_set.names

    def groups(self) -> FeatureGroups:
        """The features by identifier and past: who makes them, how often, and how fresh they are.

        Raises RedisUnavailable, PostgresUnavailable.
        """
        return groups_of(self.feature_set, self._stores.loads())

    def search(self, query: str, limit: int = 10) -> list[Hit]:
        """The features that a query means, in English or Portuguese, the best first.

        Raises NothingFound, with the nearest names, and CountRefused.
        """
        check_count("limit", limit)
        return search(str(query), self.names, limit)

    def describe(self, name: str, language: str = "en") -> FeatureDescription:
        """What a feature means, costs and holds, and which models use it; `language` en or pt.

        Raises FeatureUnknown, LanguageUnknown, and what the stores raise that can't be read.
        """
        feature = definition_of(self.feature_set, name)
        identifier, past = group_of(feature)
        try:
            newest = self.training_set()
        except TrainingSetMissing:
            newest = None
        return FeatureDescription(
            sheet=sheet_of(name, language),
            identifier=identifier,
            past=past,
            window=window_text(feature),
            feature_set=self.version,
            costs=costs_of(self.feature_set, feature, self._stores.sample()),
            rates=rates_of(name, newest),
            usage=self._stores.usage(name),
        )

    def diff(self, before: str, after: str = CODE) -> Comparison:
        """Which features `after` has and `before` has not, and what a switch needs.

        Each is `code` (the features of this store), `current` (the shipped model that serves), the
        name of a model, or the version of a feature set. Raises SideUnknown and what `Lookup.side`
        raises.
        """
        lookup = self._stores.lookup()
        return compare(lookup.side(str(before)), lookup.side(str(after)))

    def online(
        self, orders: Any, merchant: str | None = None, features: Iterable[str] | None = None
    ) -> OnlineFeatures:
        """The features of orders or entities as a request would read them now; nothing is stored.

        Args:
            orders: one order as the body of `POST /evaluate`, a list of such, or a table of pandas,
                Polars or Arrow with such columns (`product` is a list). One without `order_id`
                and `amount_cents` is an entity: what depends on its amount is null.
            merchant: whose orders they are, which is looked up once; None is the only merchant.
            features: which of the features; None is all.

        Raises OrderRefused, MerchantUnknown, ColumnUnknown, LoadMissing, RedisUnavailable,
        PostgresUnavailable, OnlineUnreadable.
        """
        names = chosen(features, self.names, f"feature set {self.version}")
        sent = read_orders(orders, self._settings.card_key)
        merchant_id = self._stores.merchant_id(merchant)
        if self._reader is None:
            self._reader = OnlineFeatureReader(self._settings, self.feature_set)
        clock, reader = self._stores.clock, self._reader
        at_us = reader.now_us() if clock is None else to_us(clock)
        answers = [reader.answer(merchant_id, order, at_us) for _, order in sent]
        order_ids = [order_id for order_id, _ in sent]
        return table_of(self.feature_set, names, order_ids, answers, at_us)

    def training_set(self, version: int | str | None = None) -> TrainingSet:
        """A training set by the number or the name of its revision; None is the newest.

        Nothing is read of its rows before they are asked for. Raises TrainingSetMissing and
        OtherTrainingSet.
        """
        return find_training_set(self._stores.offline, self.feature_set, version)

    def point_in_time(
        self, orders: Any, features: Iterable[Feature] | None = None, kind: str = ARROW
    ) -> Any:
        """What each feature was for each order of a table at the order's own instant.

        As `features_pkg.point_in_time`, with the zone and the lag of the settings, and of orders
        that are made canonical first. None is all features of the past that the set has.

        Raises FeatureUnknown, OrdersRefused, KindUnknown and LibraryMissing.
        """
        check_kind(kind)
        wanted = computable(self.feature_set, features)
        canonical: pa.Table = normalise(orders, card_key=self._settings.card_key)
        table = compute(
            canonical,
            wanted,
            timezone=self.feature_set.timezone,
            snapshot_lag=self.feature_set.snapshot_lag,
        )
        return as_kind(table, kind)

    def snapshot(self, day: date | str) -> DaySnapshot:
        """The timelines of a past day. Raises DayMissing, DayRefused."""
        try:
            named = date.fromisoformat(day) if isinstance(day, str) else day
            of_day = date.fromordinal(named.toordinal())  # also of a datetime
        except (ValueError, AttributeError):
            raise DayRefused(day) from None
        if of_day.year not in YEARS:
            raise DayRefused(of_day)
        return self._stores.snapshot(of_day)

    def key(self, identifier: str, value: str, merchant: str | None = None) -> bytes:
        """The key of an entity in snapshots: of a value of an identifier at a merchant.

        Raises IdentifierUnknown, MerchantUnknown, EntityRefused.
        """
        (name,) = known_identifiers([identifier])
        canonical = canonical_value(name, value, self._settings.card_key)
        return self._stores.keys.key(self._stores.merchant_id(merchant), name, canonical)

    def close(self) -> None:
        """End all sessions; the next question opens new ones. What was found stays readable."""
        self._stores.close()
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def __enter__(self) -> "FeatureStore":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return (
            f"FeatureStore: feature set {self.version}, {len(self.names)} features, timelines "
            f"{self.timelines}, in {self._settings.storage_url}"
        )
