"""Digests of the images of others, asked of their registries and written where they are named."""

import hashlib
import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlencode

from ontem.delivery.errors import RegistryRefused

LIST: Final = "deploy/images.txt"
FILES: Final = (LIST, "deploy/Dockerfile", "docker-compose.yml")
"""Where images are named."""
TIMEOUT_SECONDS: Final = 30
MANIFESTS: Final = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


class Image(NamedTuple):
    """An image by tag, as `registry/name:tag`."""

    tagged: str

    @property
    def address(self) -> str:
        """The address of its manifest by the registry's HTTP API."""
        name, _, tag = self.tagged.rpartition(":")
        host, slash, rest = name.partition("/")
        if not slash or not (set(".:") & set(host) or host == "localhost"):
            host, rest = "registry-1.docker.io", name if slash else f"library/{name}"
        local = host.partition(":")[0] in ("localhost", "127.0.0.1")  # as engines treat these
        return f"{'http' if local else 'https'}://{host}/v2/{rest}/manifests/{tag}"


def pin(project: Path) -> list[str]:
    """Write the digest of each listed image into all files that name it; a line about each.

    Raises RegistryRefused for those whose registry did not answer, after the others are written.
    """
    lines, refusals = [], []
    for image in listed_images(project):
        try:
            digest = digest_of(image)
        except (OSError, ValueError) as error:
            refusals.append(f"{image.tagged} ({error})")
            continue
        for name in FILES:
            _write_digest(project / name, image, digest)
        lines.append(f"{image.tagged}@{digest}")
    if refusals:
        raise RegistryRefused(refusals)
    return lines


def listed_images(project: Path) -> list[Image]:
    """The images of the list, by tag alone."""
    lines = (project / LIST).read_text(encoding="utf-8").splitlines()
    return [Image(line.partition("@")[0]) for line in lines if line and not line.startswith("#")]


def digest_of(image: Image) -> str:
    """The digest of what the tag names now, checked against the bytes of the manifest.

    Raises OSError when the registry does not answer, ValueError when it answers something else.
    """
    accept = {"Accept": MANIFESTS}
    try:
        content, said = _get(image.address, accept)
    except urllib.error.HTTPError as refused:
        if refused.code != 401:
            raise
        token = _token(refused.headers.get("WWW-Authenticate", ""))
        content, said = _get(image.address, {**accept, "Authorization": f"Bearer {token}"})
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if said != digest:
        raise ValueError(f"the registry says {said or 'no digest'} of a manifest with {digest}")
    return digest


def _get(url: str, headers: Mapping[str, str]) -> tuple[bytes, str]:
    """The content at an address, and the digest that its header says."""
    request = urllib.request.Request(url, headers=dict(headers))  # noqa: S310  http(s) by `address`
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
        return answer.read(), answer.headers.get("Docker-Content-Digest", "")


def _token(challenge: str) -> str:
    """An anonymous token of the service that a registry names in its challenge."""
    scheme, _, rest = challenge.partition(" ")
    asked = dict(re.findall(r'(\w+)="([^"]*)"', rest))
    realm = asked.pop("realm", "")
    if scheme.lower() != "bearer" or not realm.startswith(("https://", "http://")):
        raise ValueError(f"the registry asks for {scheme or 'nothing'}, not for a bearer token")
    content, _ = _get(f"{realm}?{urlencode(asked)}", {})
    answer = json.loads(content)
    return str(answer.get("token") or answer.get("access_token") or "")


def _write_digest(path: Path, image: Image, digest: str) -> None:
    tagged = re.escape(image.tagged)
    pattern = rf"(?<![\w./:-]){tagged}(?:@{DIGEST.pattern})?(?![\w.@-])"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(pattern, f"{image.tagged}@{digest}", text), encoding="utf-8")
