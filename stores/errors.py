"""The error of a process whose settings are wrong."""

from features_pkg.errors import OntemError


class SettingsError(OntemError):
    """A variable of the environment is missing or malformed."""

    def __init__(self, *, variable: str, value: str | None, remedy: str) -> None:
        state = "is not set" if value is None else f"is {value!r}"
        super().__init__(f"{variable} {state}: {remedy}")
        self.variable, self.value, self.remedy = variable, value, remedy
