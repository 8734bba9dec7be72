"""What decides about a request by its head alone, and where it goes if it may pass."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Protocol, TypeAlias

from service.request_content import MAX_BYTES
from service.worker.head import Head

BULK_THREADS: Final = 1
"""How many threads a worker has for what no buyer waits for."""


class Lane(Enum):
    """The threads that a request waits for."""

    REQUESTS = auto()
    HEALTH = auto()
    BULK = auto()
    """For what no buyer waits for, so that it takes no thread from those that do."""


Party: TypeAlias = int | str | None
"""Who sends a request: a merchant's id, the address of who watches the service, or nobody known."""

STRANGERS: Final = 0
"""The party of requests whose key must be looked up: they may be anybody's. No merchant has it."""


@dataclass(frozen=True, slots=True)
class Pass:
    """A head that may pass."""

    lane: Lane = Lane.REQUESTS
    answer: bytes | None = None
    """The JSON to answer with at once, without a thread."""
    most_bytes: int = MAX_BYTES
    """How long the body may be."""
    party: Party = None
    """The parties of a lane take turns, and whose requests fill it makes room for the others."""
    is_paced: bool = False
    """Whether it waits for its turn when many ask: anybody may, and it costs something."""
    has_right_key: bool = False
    """Whether its key is known to be a merchant's."""


class Gate(Protocol):
    """Looks at each head before the body is read."""

    def check(self, head: Head) -> Pass:
        """Where the request goes. Raises ServiceError or werkzeug's HTTPException."""


class OpenGate:
    """Lets everything pass."""

    def check(self, head: Head) -> Pass:
        """The lane of requests."""
        return _PASSED


_PASSED: Final = Pass(has_right_key=True)
