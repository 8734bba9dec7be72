"""The jobs as an archive of a virtual environment, which Spark unpacks beside each process."""

import hashlib
import re
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jobs.emr.driver import ENTRY
from jobs.emr.errors import PackingFailed

FOLDER: Final = "environment"
"""The folder that the archive becomes beside a process."""
OF_THE_CLUSTER: Final = ("pyspark", "py4j")
"""What is left out: a cluster has those that go with its Java."""
LAYOUT: Final = "1"
"""Another one for another way to pack the same files."""
HASH_DIGITS: Final = 12
FAST: Final = 1
"""The level of compression: the next ones take far longer than they save in sending."""
_WHEEL: Final = re.compile(r"ontem-([^-]+)-.*\.whl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Packing:
    """What goes into an archive, and the machine that it is for.

    `interpreter` is the Python of that machine, and `platform` the one of its wheels in uv's words;
    None is this machine, whose packages are those for this very interpreter.
    """

    wheel: Path
    lock: Path
    python: str
    interpreter: str
    platform: str | None

    @property
    def name(self) -> str:
        """Version and digest: another name for whatever makes another archive."""
        digest = hashlib.sha256()
        for part in (LAYOUT, ENTRY, self.python, self.interpreter, self.platform or ""):
            digest.update(part.encode() + b"\0")
        for file in (self.lock, self.wheel):
            digest.update(hashlib.sha256(file.read_bytes()).digest())
        found = _WHEEL.fullmatch(self.wheel.name)
        version = found[1] if found else self.wheel.stem
        return f"{version}-{digest.hexdigest()[:HASH_DIGITS]}"


def pack(packing: Packing, uv: str, target: Path, compression: int = FAST) -> None:
    """Write the archive. Raises PackingFailed.

    Its `bin/python` is a link to the interpreter of the machine that it is for, whose standard
    library `pyvenv.cfg` names, so it is at home in any folder there.
    """
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        folder = Path(name)
        (folder / "bin").mkdir()
        for link in ("python", "python3"):
            (folder / "bin" / link).symlink_to(packing.interpreter)
        (folder / "pyvenv.cfg").write_text(
            f"home = {Path(packing.interpreter).parent}\n"
            f"include-system-site-packages = false\nversion = {packing.python}\n"
        )
        packages = folder / "lib" / f"python{packing.python}" / "site-packages"
        requirements = folder / "requirements.txt"
        requirements.write_text(without(packing.lock.read_text(), OF_THE_CLUSTER))
        _install(packing, uv, packages, "--require-hashes", "-r", str(requirements))
        requirements.unlink()
        _install(packing, uv, packages, str(packing.wheel))
        with tarfile.open(target, "w:gz", compresslevel=compression) as archive:
            archive.add(folder, arcname=".", filter=_owned_by_nobody)


def without(lock: str, names: tuple[str, ...]) -> str:
    """The lines of a lock without the packages of these names."""
    kept, is_kept = [], True
    for line in lock.splitlines(keepends=True):
        if not line[0].isspace():
            is_kept = re.split(r"[=\[ ]", line, maxsplit=1)[0] not in names
        if is_kept:
            kept.append(line)
    return "".join(kept)


def _install(packing: Packing, uv: str, packages: Path, *what: str) -> None:
    words = [uv, "pip", "install", "-q", "--no-deps", "--no-config", "--only-binary", ":all:"]
    words += ["--target", str(packages)]
    if packing.platform is None:
        words += ["--python", packing.interpreter]
    else:
        words += ["--python-version", packing.python, "--python-platform", packing.platform]
    try:
        ended = subprocess.run([*words, *what], capture_output=True, text=True, check=False)
    except OSError as error:
        raise PackingFailed(reason=f"{uv} can't be run: {error.strerror}") from None
    if ended.returncode:
        raise PackingFailed(reason=ended.stderr.strip().replace("\n", "; "))


def _owned_by_nobody(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info
