"""How a command ends after an error: in one sentence and an exit code, or as a bug."""

from jobs.exit_codes import exit_code
from jobs.library_errors import Ending, ending


def ending_of(error: Exception) -> Ending | None:
    """The end after an error of Ontem or of a library it stands on; None for a bug."""
    code = exit_code(error)
    return ending(error) if code is None else Ending(str(error), code)
