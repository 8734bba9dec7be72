"""Makes the part of a process that holds hot entities."""

from features_pkg.definitions.feature_set import FeatureSet
from service.database import Database
from service.hot.building import BUILD_TIMEOUT, Builder, recent_targets
from service.hot.keeper import HotEntities, HotLimits
from stores.settings import Settings


def hot_entities(
    settings: Settings, limits: HotLimits, feature_set: FeatureSet
) -> HotEntities | None:
    """Holds hot entities, by a session of its own that is made when it is needed.

    None for a development stack: its clock can be set, so what is stored there may count from any
    instant, also before what is held ends.
    """
    if settings.environment == "development":
        return None
    database = Database(
        settings.service_postgres_url,
        statement_timeout=BUILD_TIMEOUT,
        connections=1,
    )
    return HotEntities(Builder(database, recent_targets(feature_set.velocities)), limits)
