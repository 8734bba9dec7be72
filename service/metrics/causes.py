"""The words that failures are counted by: a bounded set, whatever a store or a driver says."""

from typing import Final

OTHER: Final = "other"
"""Any other word: the log has it."""

_REDIS: Final = (
    # what Redis answers
    *("LOADING", "READONLY", "MOVED", "ASK", "CLUSTERDOWN", "TRYAGAIN", "NOAUTH", "NOPERM"),
    *("WRONGPASS", "OOM", "WRONGTYPE", "MASTERDOWN", "MISCONF", "BUSY", "ERR"),
    # and what is told of it
    *("timeout", "another reply", "not asked", "no load", "no list", "list unreadable"),
    *("the list changed", "has the order itself", "ConnectionError", "ConnectionResetError"),
    *("BrokenPipeError", "InvalidResponse"),
)
_POSTGRESQL: Final = (
    *("DeadlineMet", "PostgresUnavailable", "LoginRefused", "OtherServer", "StandbyRefused"),
    *(
        "BeingImported",
        "OperationalError",
        "QueryCanceled",
        "LockNotAvailable",
        "AdminShutdown",
        "CrashShutdown",
    ),
    *("CannotConnectNow", "IdleInTransactionSessionTimeout", "ReadOnlySqlTransaction"),
    *("TooManyConnections", "DiskFull", "OutOfMemory", "UndefinedTable", "UndefinedColumn"),
    *("InsufficientPrivilege", "InvalidPassword", "DeadlockDetected", "SerializationFailure"),
)
_BOTH: Final = ("breaker open", "no connection")

REASONS: Final = frozenset((*_REDIS, *_POSTGRESQL, *_BOTH, "hot", "not finite", OTHER))
PARTS: Final = frozenset({"distant", "recent", "store", "model", OTHER})


def part_and_reason(failure: str) -> tuple[str, str]:
    """The labels of a failure such as `distant: no connection: TimeoutError`, as the log has it."""
    part, _, rest = failure.partition(": ")
    if part == "model" and rest.endswith("not finite"):
        rest = "not finite"
    return (part if part in PARTS else OTHER), reason(rest)


def reason(text: str) -> str:
    """The word of a cause; what follows a colon is left out."""
    word = text.partition(":")[0]
    return word if word in REASONS else OTHER
