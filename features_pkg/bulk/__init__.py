"""Velocity features over arrays: many questions at once, without a loop over rows."""

from features_pkg.bulk.answers import answer
from features_pkg.bulk.asking import Asking, Seen
from features_pkg.bulk.history import Events, History, Values

__all__ = ["Asking", "Events", "History", "Seen", "Values", "answer"]
