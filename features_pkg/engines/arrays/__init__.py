"""The engine for many questions at once: arrays, without a loop over rows.

`answer` finds each window's edges in sorted events and asks the measure (`features_pkg/measures`).
"""

from features_pkg.engines.arrays.answers import answer
from features_pkg.engines.arrays.questions import Questions, Visibility

__all__ = ["Questions", "Visibility", "answer"]
