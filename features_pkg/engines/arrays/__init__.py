"""Velocity features over arrays: many questions at once, without a loop over rows."""

from features_pkg.engines.arrays.answers import answer
from features_pkg.engines.arrays.questions import Asking, Seen
from features_pkg.history.events import Events, Values
from features_pkg.history.sorted_events import History

__all__ = ["Asking", "Events", "History", "Seen", "Values", "answer"]
