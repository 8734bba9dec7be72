"""The files of a stack's offline store, for those who read them without Ontem."""

from collections.abc import Sequence

from benchmarks.warm_stack import ImportedStack, WarmStack
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.entity_keys import EntityKeys
from jobs.extract.facts import committed_extractions, events_slot
from jobs.snapshot.facts import SnapshotFacts
from jobs.training_set.facts import TrainingSetFacts
from stores.offline.files import Files
from stores.offline.revisions import read_revision
from stores.offline.runs import DataFile
from stores.offline.tables import open_store
from stores.redis.keys import Namespace
from stores.settings import Settings


def event_files(stack: ImportedStack) -> list[str]:
    """The paths of all files of `events`."""
    settings = Settings.from_environ(stack.environ)
    features = FeatureSet(settings.timezone, settings.snapshot_lag)
    namespace = Namespace.of(EntityKeys(settings.entity_secret, features.timelines_id))
    store = open_store(settings)
    extracted = committed_extractions(store, events_slot(namespace))
    return _paths(store.files, extracted.files)


def training_files(stack: ImportedStack | WarmStack, revision: str) -> list[str]:
    """The paths of all files of a training set."""
    store = open_store(Settings.from_environ(stack.environ))
    return _paths(store.files, read_revision(store, revision, TrainingSetFacts).files)


def snapshot_files(stack: ImportedStack, revision: str) -> list[str]:
    """The paths of the files of a snapshot's own rows."""
    store = open_store(Settings.from_environ(stack.environ))
    return _paths(store.files, read_revision(store, revision, SnapshotFacts).files)


def _paths(files: Files, described: Sequence[DataFile]) -> list[str]:
    return [files.location(file.key) for file in described]
