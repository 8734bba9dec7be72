"""The command line, the local stack, the demo, the generator of made-up orders, and the SDK."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ontem.feature_store.store import FeatureStore

__all__ = ["FeatureStore"]

_OF_NOTEBOOKS = {"FeatureStore": "ontem.feature_store.store"}
"""What notebooks use, imported when it is first used: no command waits for it."""


def __getattr__(name: str) -> Any:
    if name not in _OF_NOTEBOOKS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(importlib.import_module(_OF_NOTEBOOKS[name]), name)
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError(
            f"ontem.{name} needs {missing.name}, which is not installed: "
            'install the extras, as in `pip install "ontem[jobs,service]"`',
            name=missing.name,
        ) from None
