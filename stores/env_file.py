"""The file of variables that ONTEM_ENV_FILE names, as containers mount one."""

import re
from pathlib import Path
from typing import Final

from stores.errors import SettingsError

ENV_FILE: Final = "ONTEM_ENV_FILE"
NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def read_env_file(path: Path) -> dict[str, str]:
    """The KEY=VALUE lines of a file; empty lines and those that begin with `#` say nothing.

    A value is what follows the first `=`, without the blanks around it; quotes are a part of it.
    Raises SettingsError, which never shows what is in the file.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()  # some editors mark UTF-8
    except FileNotFoundError:
        raise _refusal(path, "there is no such file: name another one") from None
    except UnicodeDecodeError:
        raise _refusal(path, "it is not UTF-8: write its lines as KEY=VALUE in UTF-8") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise _refusal(path, f"it can't be read ({reason}): let this user read it") from None
    variables: dict[str, str] = {}
    for number, line in enumerate(map(str.strip, lines), 1):
        if not line or line.startswith("#"):
            continue
        name, equals, value = (part.strip() for part in line.partition("="))
        if not equals or not NAME.fullmatch(name):
            raise _refusal(path, f"line {number} is not KEY=VALUE: correct it or put a # before")
        if "\0" in value:
            raise _refusal(path, f"line {number} has a zero byte: write it as text")
        if name in variables:
            raise _refusal(path, f"line {number} sets {name} once more: keep one of its lines")
        variables[name] = value
    return variables


def _refusal(path: Path, remedy: str) -> SettingsError:
    return SettingsError(variable=ENV_FILE, value=str(path), remedy=remedy)
