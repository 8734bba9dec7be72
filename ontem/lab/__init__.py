"""From an idea for a feature to what it is worth: trials of candidates, each on record."""

from ontem.lab.journal import journal
from ontem.lab.trials import Trial, trial

__all__ = ["Trial", "journal", "trial"]
