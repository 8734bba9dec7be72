"""Where trials work: the settings of this process, and the offline store that they name."""

from contextlib import closing
from dataclasses import dataclass
from functools import cached_property, lru_cache

from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.entity_keys import EntityKeys
from jobs.entry import environment_here, hand_on_aws_variables
from stores.offline.tables import OfflineStore, open_store
from stores.postgres.connection import Connection
from stores.postgres.sessions import open_session
from stores.redis.keys import Namespace
from stores.settings import Settings


@dataclass(frozen=True)
class Laboratory:
    """The settings of a lab, and what they name."""

    settings: Settings

    @classmethod
    def here(cls) -> "Laboratory":
        """The lab of this process, configured as the command `ontem` is. Raises SettingsError."""
        environ = environment_here()
        hand_on_aws_variables(environ)
        return _laboratory_of(Settings.from_environ(environ))

    @cached_property
    def store(self) -> OfflineStore:
        """The offline store. Raises StorageUnusable or PostgresUnavailable."""
        return open_store(self.settings)

    @property
    def feature_set(self) -> FeatureSet:
        """The shipped features under these settings."""
        return FeatureSet(self.settings.timezone, self.settings.snapshot_lag)

    @property
    def namespace(self) -> Namespace:
        """Whose entity keys the extracted events have."""
        keys = EntityKeys(self.settings.entity_secret, self.feature_set.timelines_id)
        return Namespace.of(keys)

    def connect(self) -> closing[Connection]:
        """A session in autocommit. Raises PostgresUnavailable, SchemaRefused, OtherServer."""
        url = self.settings.postgres_url
        return closing(open_session(url, application_name="ontem trial", autocommit=True))


@lru_cache(maxsize=4)
def _laboratory_of(settings: Settings) -> Laboratory:
    """One lab for all trials of a notebook: its catalogue keeps a session."""
    return Laboratory(settings)
