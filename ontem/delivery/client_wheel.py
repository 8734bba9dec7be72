"""The wheel of `ontem-client`, which is built and published beside each wheel of Ontem."""

import hashlib
import zipfile
from pathlib import Path
from typing import Final, NamedTuple

from ontem.delivery.errors import WheelRefused
from ontem.delivery.wheel import Wheel

ROOM: Final = "ontem_client"


class ClientWheel(NamedTuple):
    """A wheel that has the client and nothing else of ours."""

    path: Path
    sha256: str
    files: tuple[str, ...]

    @property
    def summary(self) -> str:
        """What is in it, in a line for a person."""
        return f"{self.path.name}: {len(self.files)} files, sha256 {self.sha256}"


def client_wheel_of(wheel: Wheel) -> ClientWheel:
    """The client's wheel of the same version in the same folder. Raises WheelRefused."""
    path = wheel.path.with_name(f"{ROOM}-{wheel.version.number}-py3-none-any.whl")
    try:
        content = path.read_bytes()
        with zipfile.ZipFile(path) as archive:
            files = tuple(archive.namelist())
    except (OSError, zipfile.BadZipFile) as error:
        raise WheelRefused(path.name, f"it can't be read ({error}): run `make package`") from None
    own = (f"{ROOM}/", f"{ROOM}-{wheel.version.number}.dist-info/")
    for name in files:
        if not name.startswith(own):
            raise WheelRefused(path.name, f"it has {name}, which merchants must not get")
    if f"{ROOM}/client.py" not in files:
        raise WheelRefused(path.name, f"it has no {ROOM}/client.py")
    return ClientWheel(path, hashlib.sha256(content).hexdigest(), files)
