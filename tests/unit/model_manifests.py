"""Models of which there is the signed manifest alone, for what looks at nothing else of them."""

from dataclasses import replace

from features_pkg.models.bundle import CONTENTS, SIGNATURE
from features_pkg.models.manifest import MANIFEST, encode_manifest
from tests.e2e.a_model import a_manifest
from tests.model_keys import SIGNING_KEY


def a_signed_manifest(folder, features):
    """The manifest of a model of these features, which is written to `folder` and signed."""
    folder.mkdir(parents=True)
    files = dict.fromkeys(CONTENTS, "")
    manifest = replace(a_manifest(features), name=folder.name, files=files)
    content = encode_manifest(manifest)
    (folder / MANIFEST).write_bytes(content)
    (folder / SIGNATURE).write_bytes(SIGNING_KEY.sign(content))
    return manifest
