"""Why two sides can't be compared."""

from __future__ import annotations

from collections.abc import Sequence

from features_pkg.errors import OntemError


class SideUnknown(OntemError):
    """A name that is neither the code, a model nor the version of a feature set."""

    def __init__(self, name: str, *, known: Sequence[str], not_looked_at: str = "") -> None:
        others = f"; the offline store was not looked at: {not_looked_at}" if not_looked_at else ""
        models = f"`current` or one of {', '.join(known)}" if known else "or the name of a model"
        super().__init__(
            f"{name!r} is neither a model nor the version of a feature set: name `code`, "
            f"{models}{others}"
        )
        self.name, self.known, self.not_looked_at = name, tuple(known), not_looked_at
