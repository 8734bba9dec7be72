"""Trained models in the offline store: each a folder of files below `models/`, written once."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from features_pkg.models.bundle import PAGE, SIGNATURE, WRITE_ORDER
from features_pkg.models.manifest import MANIFEST
from stores.offline.files import Files

MODELS: Final = "models"


@dataclass(frozen=True, slots=True)
class StoredModels:
    """The models below the root of a store.

    A folder without a manifest is none: whoever wrote it was killed, or is writing it.
    """

    files: Files

    @property
    def place(self) -> str:
        """Where all of them are, for people."""
        return self.files.location(MODELS)

    def names(self) -> list[str]:
        """The names of all models, sorted."""
        ends = f"/{MANIFEST}"
        keys = [key for key in self.files.list(MODELS) if key.endswith(ends)]
        parts = [key.removesuffix(ends).split("/") for key in keys]
        return sorted(name for _, *names in parts for name in names if len(names) == 1)

    def location(self, name: str) -> str:
        """Where a model is, for people."""
        return self.files.location(f"{MODELS}/{name}")

    def page(self, name: str) -> str:
        """Where a model's page with charts is, for people."""
        return self.files.location(_key(name, PAGE))

    def has(self, name: str) -> bool:
        """Whether there is a whole model of that name."""
        return self.files.exists(_key(name, MANIFEST))

    def manifest(self, name: str) -> bytes:
        """The bytes of a model's manifest, unverified. Raises FileMissing."""
        return self.files.read(_key(name, MANIFEST))

    def signature(self, name: str) -> bytes:
        """The bytes of a model's signature. Raises FileMissing."""
        return self.files.read(_key(name, SIGNATURE))

    def put(self, name: str, contents: Mapping[str, bytes]) -> bool:
        """Write a model unless there is one of that name; whether it was written.

        The manifest is written last, so that no reader takes what a killed run left for a model.
        """
        if self.has(name):
            return False
        for file in WRITE_ORDER:
            self.files.write(_key(name, file), contents[file])
        return True

    def fetch(self, name: str, folder: Path) -> None:
        """Copy a model's files into a folder, unverified. Raises FileMissing."""
        folder.mkdir(parents=True, exist_ok=True)
        for file in WRITE_ORDER:
            (folder / file).write_bytes(self.files.read(_key(name, file)))


def _key(name: str, file: str) -> str:
    return f"{MODELS}/{name}/{file}"
