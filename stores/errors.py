"""The base of every error that Ontem raises on purpose, and those of the settings."""


class OntemError(Exception):
    """Something a person can put right; the text is one sentence that says how.

    Commands print it without a traceback. Anything else that is raised is a bug and keeps its own.
    """


class SettingsError(OntemError):
    """A variable of the environment is missing or malformed."""

    def __init__(self, *, variable: str, value: str | None, remedy: str) -> None:
        shown = "is not set" if value is None else f"is {value!r}"
        super().__init__(f"{variable} {shown}: {remedy}")
        self.variable, self.value, self.remedy = variable, value, remedy
