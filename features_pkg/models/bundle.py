"""A model as a folder of files, all of which one signature vouches for.

The signature is over the manifest, and the manifest has the SHA-256 of every other file. Each file
is read once: what was verified is what is used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from features_pkg.models.manifest import MANIFEST, ModelManifest, ModelRefused, decode_manifest
from features_pkg.models.signing import VerifyKeys

SIGNATURE: Final = "manifest.sig"
PICKLE: Final = "model.pickle"
GOLDEN: Final = "golden.json"
REPORT: Final = "report.json"
READABLE_REPORT: Final = "report.md"
PAGE: Final = "report.html"
CONTENTS: Final = (PICKLE, GOLDEN, REPORT, READABLE_REPORT, PAGE)
"""The files that the manifest has the SHA-256 of."""
WRITE_ORDER: Final = (*CONTENTS, SIGNATURE, MANIFEST)
"""All files of a bundle. The manifest comes last: a bundle without one is not there yet."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A manifest, and the contents of the files that it vouches for, by their names."""

    manifest: ModelManifest
    contents: Mapping[str, bytes] = field(repr=False)


def read_bundle(folder: Path, keys: VerifyKeys) -> Bundle:
    """The bundle in `folder`: its signature is verified first, then all hashes.

    Raises ModelRefused.
    """
    manifest = read_signed_manifest(folder, keys)
    contents = {name: _content(folder, name, manifest.files[name]) for name in CONTENTS}
    return Bundle(manifest, contents)


def read_signed_manifest(folder: Path, keys: VerifyKeys) -> ModelManifest:
    """The manifest in `folder`, which is decoded only if its signature is good.

    Raises ModelRefused.
    """
    content = _read(folder, MANIFEST)
    return verified_manifest(folder, content, _read(folder, SIGNATURE), keys)


def verified_manifest(
    folder: Path, content: bytes, signature: bytes, keys: VerifyKeys
) -> ModelManifest:
    """The manifest in these bytes of the model in `folder`. Raises ModelRefused."""
    if not keys.verify(content, signature):
        raise ModelRefused(
            folder,
            f"no key of ONTEM_MODEL_VERIFY_KEYS ({keys.shown}) made its signature, so it was "
            "changed, or somebody else signed it",
            remedy="add the public key of who trained it if you trust them, else remove the model",
        )
    manifest = decode_manifest(folder, content)
    if set(manifest.files) != set(CONTENTS):
        raise ModelRefused(
            folder, f"its manifest lists {sorted(manifest.files)}, not {sorted(CONTENTS)}"
        )
    return manifest


def _content(folder: Path, name: str, expected: str) -> bytes:
    content = _read(folder, name)
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != expected:
        raise ModelRefused(folder, f"{name} has sha256 {sha256}, its manifest says {expected}")
    return content


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise ModelRefused(folder, f"{folder / name} can't be read ({error.strerror})") from None
