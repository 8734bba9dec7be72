"""The part of kustomize that deploy/kubernetes uses; anything else of a kustomization is refused.

Compared by hand with kustomize itself, as docs/delivery.md says: it is not to be had from PyPI.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

Manifest = dict[str, Any]
KNOWN = {
    "apiVersion", "kind", "namespace", "resources", "components", "patches", "images",
}  # fmt: skip


def render(folder: Path, before: Sequence[Manifest] = ()) -> list[Manifest]:
    """What `kubectl kustomize FOLDER` prints, in no particular order.

    A component goes on with the manifests `before` it, and may change them.
    """
    (file,) = folder.glob("kustomization.yaml")
    wanted = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert set(wanted) <= KNOWN, f"{file}: this renderer does not know {set(wanted) - KNOWN}"
    found = copy.deepcopy([*before])
    for name in wanted.get("resources", []):
        found += _resource(folder / name)
    for name in wanted.get("components", []):
        found = render(folder / name, found)
    for patch in wanted.get("patches", []):
        _patch(found, patch, folder)
    for image in wanted.get("images", []):
        for container in containers(found):
            if container["image"] == image["name"]:
                container["image"] = f"{image['newName']}:{image['newTag']}"
    if "namespace" in wanted:
        for manifest in found:
            manifest["metadata"]["namespace"] = wanted["namespace"]
    return found


def the(found: list[Manifest], kind: str, name: str) -> Manifest:
    """The one manifest of that kind and name."""
    (manifest,) = (
        each for each in found if (each["kind"], each["metadata"]["name"]) == (kind, name)
    )
    return manifest


def pod_of(manifest: Manifest) -> Manifest:
    """The pod that a Deployment, a Job or a CronJob starts; of another kind nothing."""
    spec = manifest.get("spec", {})
    spec = spec.get("jobTemplate", {}).get("spec", spec)
    return dict(spec.get("template", {}).get("spec", {}))


def containers(found: list[Manifest]) -> Iterator[Manifest]:
    """All containers of all manifests."""
    for manifest in found:
        yield from pod_of(manifest).get("containers", [])


def _resource(path: Path) -> list[Manifest]:
    if path.is_dir():
        return render(path)
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def _patch(found: list[Manifest], patch: Mapping[str, Any], folder: Path) -> None:
    if "path" in patch:
        assert set(patch) == {"path"}
        (change,) = _resource(folder / patch["path"])
        _merge(the(found, change["kind"], change["metadata"]["name"]), change)
        return
    assert set(patch) == {"target", "patch"}
    assert set(patch["target"]) <= {"kind", "name"}
    for manifest in found:
        if patch["target"].items() <= {"kind": manifest["kind"], **manifest["metadata"]}.items():
            for step in yaml.safe_load(patch["patch"]):
                _change(manifest, **step)


def _change(target: Manifest, op: str, path: str, value: Any) -> None:
    """One step of a JSON patch: another value, or a new one."""
    *parents, last = path.strip("/").split("/")
    place = target
    for name in parents:
        place = place[name]
    assert (op, last in place) in (("replace", True), ("add", False)), f"{op} {path}"
    place[last] = value


def _merge(target: Manifest, change: Manifest) -> None:
    """A strategic merge of mappings; how lists merge depends on the field, so none is known."""
    for name, value in change.items():
        assert not isinstance(value, list), f"this renderer can't merge the list {name}"
        if isinstance(value, dict):
            _merge(target.setdefault(name, {}), value)
        else:
            target[name] = copy.deepcopy(value)
