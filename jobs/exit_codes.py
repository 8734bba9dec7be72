"""What a command of Ontem exits with after an error: the one table."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

EXIT_CODES: Final[Mapping[str, int]] = MappingProxyType(
    {
        "features_pkg.errors.OntemError": 1,  # any error without a code of its own
        # 2 is click's: the command line itself is wrong
        "jobs.errors.ExtraMissing": 3,
        "stores.errors.SettingsError": 3,
        "stores.postgres.card_key.CardKeyChanged": 3,
        "ontem.delivery.errors.IndexUnknown": 3,
        "ontem.models.errors.GitHubRefused": 3,
        "ontem.models.errors.RemoteUnknown": 3,
        "ontem.models.errors.RepositoryUnknown": 3,
        "ontem.models.errors.TokenRefused": 3,
        "stores.postgres.all_rows.RowsHidden": 3,
        "stores.postgres.connection.LoginRefused": 3,
        "stores.postgres.connection.PostgresUnavailable": 4,
        "stores.postgres.generations.OtherServer": 4,
        "stores.postgres.migrate.SchemaInUse": 4,
        "stores.postgres.schema.SchemaRefused": 4,
        "stores.redis.connection.RedisUnavailable": 4,
        "stores.offline.errors.StorageUnavailable": 4,
        "ontem.delivery.errors.IndexRefused": 4,
        "ontem.delivery.errors.RegistryRefused": 4,
        "ontem.delivery.errors.RoleUnavailable": 4,
        "ontem.stack.errors.StackError": 4,
        "service.address.AddressUnusable": 4,
        "jobs.spark.failure.SparkLostStorage": 4,
        "jobs.emr.errors.ClusterEnded": 4,
        "jobs.emr.errors.EmrUnavailable": 4,
        "jobs.emr.errors.SameJobRunning": 5,
        "ontem.models.errors.GitFailed": 4,
        "ontem.models.errors.GitHubUnavailable": 4,
        "jobs.errors.DayNotOver": 5,
        "jobs.errors.StillWriting": 5,
        "jobs.extract.errors.ExtractOvertaken": 5,
        "stores.postgres.loads.LoaderRunning": 5,
        "stores.postgres.cleaning.CleanRunning": 5,
        "stores.postgres.retraining.RetrainRunning": 5,
        "stores.redis.errors.PublishRefused": 6,
        "ontem.demo.errors.TrainingDiffers": 7,
        "jobs.importing.errors.TooManyRefused": 8,
        "features_pkg.models.manifest.ModelRefused": 9,
        "ontem.models.errors.BranchTaken": 9,
        "service.model_in_use.ModelNotLoaded": 9,
        "jobs.emr.errors.JobCancelled": 130,
        "jobs.errors.Interrupted": 130,  # as a shell says of a command that Ctrl-C ended
    }
)
"""By the error's full name, so that no room is imported for the table."""

REPEATED: Final = frozenset({4, 5, 130})
"""After these a schedule may start the same command again by itself: what was wrong can pass."""


def exit_code(error: Exception) -> int | None:
    """The code of the error's class or else of its nearest base; None for an error not of Ontem."""
    names = (f"{base.__module__}.{base.__qualname__}" for base in type(error).__mro__)
    return next((EXIT_CODES[name] for name in names if name in EXIT_CODES), None)
