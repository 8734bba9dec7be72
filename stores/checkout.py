"""What to do next depends on whether this is a checkout: only one of those has a local stack."""

from pathlib import Path
from typing import Final

IS_CHECKOUT: Final = (Path(__file__).resolve().parents[1] / "pyproject.toml").is_file()
"""Whether this code runs in a checkout and not in an installed package, which has no `ontem up`."""


def server_remedy(variable: str) -> str:
    """What to do about a server that is away, whose address is in the variable."""
    first = "start it with `ontem up`" if IS_CHECKOUT else "look whether it runs"
    return f"{first}, or set {variable} to the one you mean"


def variable_remedy() -> str:
    """What to do about a variable that is not set."""
    return f"{'run `ontem up` for a local stack, or ' if IS_CHECKOUT else ''}set it"


def empty_database_remedy() -> str:
    """What to do with a database that no migration brings up to date."""
    anew = (
        "`ontem down --erase` and `make demo` make one" if IS_CHECKOUT
        else "of containers, `docker compose down --volumes` makes one"
    )  # fmt: skip
    return f"migrate an empty one ({anew})"


def log_remedy() -> str:
    """Where to look for why a server did not do its part."""
    return f"look at {'`ontem status` and at ' if IS_CHECKOUT else ''}the server's log"


def model_keys_remedy() -> str:
    """What makes the keys of models."""
    if IS_CHECKOUT:
        return "`ontem up` makes a pair for a local stack, `ontem models key` one for production"
    return "`ontem models key` makes a pair"


def connector_remedy() -> str:
    """What brings Spark's connectors."""
    return "run `make setup`" if IS_CHECKOUT else "take the image `jobs`, which has it"
