"""Puts the version and the commit into the wheel, where `ontem --version` reads them."""

import json
import runpy
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class VersionHook(BuildHookInterface):
    """Adds `ontem/built.json` to a wheel; an editable install asks git itself."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the file aside and name it to the builder."""
        if version == "editable":
            return
        here = runpy.run_path(str(Path(self.root, "ontem", "version.py")))["version_of_checkout"]
        self._folder = tempfile.TemporaryDirectory()
        file = Path(self._folder.name, "built.json")
        file.write_text(json.dumps(here()._asdict()) + "\n", encoding="utf-8")
        build_data["force_include"][str(file)] = "ontem/built.json"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was written aside."""
        if version != "editable":
            self._folder.cleanup()
