"""What can go wrong with a demo."""

from collections.abc import Sequence
from datetime import date
from http import HTTPStatus
from pathlib import Path

from features_pkg.errors import OntemError


class NoDemo(OntemError):
    """No demo was run yet, so there is none to serve."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} has no finished demo: run `make demo` first")
        self.folder = folder


class StageFailed(OntemError):
    """A command of a stage ended with an error."""

    def __init__(self, *, stage: str, command: Sequence[str], log: Path) -> None:
        super().__init__(
            f"the stage '{stage}' failed: {' '.join(command[1:])}\n"
            f"{_last_lines(log, 12)}\nAll of its output is in {log}"
        )
        self.stage, self.log = stage, log


class NightFailed(OntemError):
    """The night that the demo's service waits for did not publish its snapshot."""

    def __init__(self, as_of: date, code: int) -> None:
        super().__init__(
            f"the night of {as_of} ended with exit code {code} and said above why: mend that, then "
            "run `make serve` again"
        )
        self.as_of, self.code = as_of, code


class ServiceDidNotStart(OntemError):
    """The demo's service did not become ready."""

    def __init__(self, log: Path, reason: str) -> None:
        super().__init__(
            f"the service did not become ready ({reason}):\n"
            f"{_last_lines(log, 8)}\nAll of its output is in {log}"
        )
        self.log, self.reason = log, reason


class OrderNotTaken(OntemError):
    """The service did not answer an order of the demo with a decision."""

    def __init__(self, order_id: str, status: int, body: str) -> None:
        super().__init__(
            f"the service answered the order {order_id} with {status} instead of "
            f"{HTTPStatus.OK.value}: {body[:500]}"
        )
        self.order_id, self.status = order_id, status


class TrainingDiffers(OntemError):
    """The training set does not repeat what was served."""

    def __init__(self, *, different: int, compared: int, not_in_training: int) -> None:
        super().__init__(
            f"the training set does not repeat what was served: of {compared:,} feature values "
            f"{different:,} differ, and {not_in_training:,} evaluations are not in it"
        )
        self.different, self.compared = different, compared
        self.not_in_training = not_in_training


def _last_lines(log: Path, lines: int) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
