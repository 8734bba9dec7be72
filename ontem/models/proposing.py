"""From the newest model in the store to a pull request that lets it serve."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.models.bundle import PAGE, READABLE_REPORT, read_bundle
from features_pkg.models.loading import load_model
from features_pkg.models.manifest import ModelManifest, ModelRefused, OtherLayout, decode_manifest
from features_pkg.models.signing import VerifyKeys
from ontem.models.branch import ModelBranch
from ontem.models.errors import ModelUnknown
from ontem.models.pull_requests import Proposal, PullRequests

if TYPE_CHECKING:
    from stores.offline.models import StoredModels


@dataclass(frozen=True, slots=True)
class Proposing:
    """Where models come from, whom they are trusted from, and where they are proposed."""

    stored: StoredModels
    keys: VerifyKeys
    feature_set: FeatureSet
    branch: ModelBranch
    pull_requests: PullRequests
    say: Callable[[str], None]

    def propose(self, name: str | None) -> None:
        """Open a pull request with the named model, or the newest, unless that is done.

        It is tried as the service would, before anything is pushed. Raises ModelUnknown,
        ModelRefused, BranchTaken, and the errors of git and of GitHub.
        """
        chosen = self._named(name) if name else self._newest()
        if chosen is None:
            self.say(f"there is no model of all features in {self.stored.place}: nothing to do")
            return
        base = self.branch.fetch_base()
        if reason := self._is_there(chosen, base, is_named=name is not None):
            self.say(f"{reason}: nothing to do")
            return
        with tempfile.TemporaryDirectory(prefix="ontem-") as scratch:
            folder = Path(scratch) / chosen.name
            self.stored.fetch(chosen.name, folder)
            load_model(folder, self.feature_set, self.keys)
            self._propose(chosen.name, base, folder)

    def _propose(self, name: str, base: str, folder: Path) -> None:
        branch = f"model/{name}"
        report = read_bundle(folder, self.keys).contents[READABLE_REPORT].decode()
        is_pushed = self.branch.has(branch, name, folder)
        found = self.pull_requests.find(branch)  # before the push: it shows that the token is good
        if found is not None and found.state != "open":
            self.say(f"the pull request of {name} was closed: {found.html_url}; nothing to do")
            return
        if not is_pushed:
            self.branch.push(branch, base, name, folder)
            self.say(f"pushed the branch {branch}")
        if found is not None:
            self.say(f"the pull request of {name} is open: {found.html_url}")
            return
        opened = self.pull_requests.open(
            Proposal(branch, self.branch.base, f"Serve the model {name}", _body(name, report))
        )
        self.say(f"opened a pull request for {name}: {opened.html_url}")

    def _newest(self) -> ModelManifest | None:
        """The model of the newest training set, but for those of order features alone.

        Of several of one set it is the one with the greatest average precision: they are measured
        on the same orders. Those that another version of Ontem trained can't serve, and are told
        of.
        """
        manifests = []
        for name in self.stored.names():
            try:
                manifests.append(self._manifest(name))
            except OtherLayout as other:
                self.say(f"the model {name} is left out: {other.reason}")
        plain = self.feature_set.order_features
        return max(
            (each for each in manifests if each.features != plain),
            key=lambda each: (
                each.training_set_built_at,
                each.metrics.average_precision or 0.0,
                each.name,
            ),
            default=None,
        )

    def _named(self, name: str) -> ModelManifest:
        present = self.stored.names()
        if name not in present:
            remedy = "name one of these, or none for the newest"
            raise ModelUnknown(name=name, place=self.stored.place, present=present, remedy=remedy)
        return self._manifest(name)

    def _manifest(self, name: str) -> ModelManifest:
        """The manifest by which a model is chosen; its signature is verified before it is used.

        Raises ModelRefused.
        """
        manifest = decode_manifest(Path(name), self.stored.manifest(name))
        if manifest.name != name:
            raise ModelRefused(Path(name), f"its manifest is that of {manifest.name}")
        return manifest

    def _is_there(self, chosen: ModelManifest, base: str, *, is_named: bool) -> str:
        """Why the model need not be proposed; empty when it should be."""
        if self.branch.ships(base, chosen.name):
            return f"{chosen.name} ships on {self.branch.base}"
        current = self.branch.current_model(base)
        if current is None or is_named:
            return ""
        if current.training_set_built_at >= chosen.training_set_built_at:
            return f"{current.name} is current on {self.branch.base}, and none is newer"
        return ""


def _body(name: str, report: str) -> str:
    return (
        f"Merging this lets the model `{name}` serve: it ships with the package, and `current` "
        "names it. Close it to decide against it; it is not proposed again.\n\n"
        f"Its folder has `{PAGE}`, a page with curves, costs, the most telling features and a "
        f"model card: download it, and open it in a browser.\n\n{report}"
    )
