"""What is wrong with the settings."""

from features_pkg.errors import OntemError


class SettingsError(OntemError):
    """A variable of the environment is missing or malformed."""

    def __init__(self, *, variable: str, value: str | None, remedy: str) -> None:
        shown = "is not set" if value is None else f"is {value!r}"
        super().__init__(f"{variable} {shown}: {remedy}")
        self.variable, self.value, self.remedy = variable, value, remedy
