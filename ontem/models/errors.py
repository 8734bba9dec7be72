"""Why a model does not become the one that serves."""

from collections.abc import Sequence
from pathlib import Path

from features_pkg.errors import OntemError


class ModelUnknown(OntemError):
    """No model of that name is where it must be."""

    def __init__(self, *, name: str, place: str, present: Sequence[str], remedy: str) -> None:
        super().__init__(
            f"there is no model {name!r} in {place}, which has {', '.join(present) or 'none'}: "
            f"{remedy}"
        )
        self.name, self.place, self.present = name, place, tuple(present)


class ModelExists(OntemError):
    """A model of that name ships already."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"a model {name} ships already: choose it with `ontem models use {name}`, "
            "or remove its folder first"
        )
        self.name = name


class PackageInstalled(OntemError):
    """The models of an installed package are part of it and are not changed."""

    def __init__(self, shipped: Path) -> None:
        super().__init__(
            f"{shipped} belongs to an installed package, whose models and current model are fixed: "
            "set ONTEM_MODEL to the folder of another model, or run this in a checkout"
        )
        self.shipped = shipped
