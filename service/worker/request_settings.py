"""gunicorn's settings as the code reads them that parses requests and writes answers."""

from typing import Any


class RequestSettings:
    """The values of gunicorn's settings as plain attributes; they no longer change.

    gunicorn's own object looks each of them up in a table of objects. Its parser reads seventeen
    for one head, which is two fifths of the time that a head takes.
    """

    is_ssl: bool

    def __init__(self, configured: Any) -> None:
        self._configured = configured
        for name, setting in configured.settings.items():
            if not hasattr(type(configured), name):  # what is computed is left to the object
                setattr(self, name, setting.get())
        self.is_ssl = configured.is_ssl
        self.forwarded_allow_networks = configured.forwarded_allow_networks

    def __getattr__(self, name: str) -> Any:
        return getattr(self._configured, name)
