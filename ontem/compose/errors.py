"""Why a step of the stack of containers can't be done."""

from pathlib import Path

from features_pkg.errors import OntemError


class SecretsUnusable(OntemError):
    """The folder of the secrets can't be read or written."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(
            f"the secrets can't be kept in {folder} ({reason}): mount a volume there that this "
            "user may write"
        )
        self.folder, self.reason = folder, reason


class SecretsLost(OntemError):
    """The file of variables lost a secret that servers were started with."""

    def __init__(self, path: Path, variable: str) -> None:
        super().__init__(
            f"{path} does not have {variable} with its secret any more, and servers may keep data "
            "under it: put the line back, or remove all by `docker compose down --volumes`"
        )
        self.path, self.variable = path, variable


class NoOrdersToLearnFrom(OntemError):
    """There is no order to train a model on."""

    def __init__(self) -> None:
        super().__init__(
            "there is no order to train a model on: run `ontem compose history`, "
            "or import orders with `ontem import`"
        )


class ModelElsewhere(OntemError):
    """No place for the model is named."""

    def __init__(self) -> None:
        super().__init__(
            "ONTEM_MODEL is not set: set it to the folder that the service reads its model from"
        )
