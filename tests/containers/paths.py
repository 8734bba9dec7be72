"""The folders, users and programs that stand in for those of containers."""

import os
import pwd
import shutil
import stat
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ontem.stack.account import Account, account_for, binaries
from ontem.stack.redis import _program as redis_server
from tests.containers.compose_file import PROJECT
from tests.image_files import last

USER = 10001
READS_EVERYTHING = (
    f"--reuid={USER}", f"--regid={USER}", "--clear-groups",
    "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search", "--no-new-privs", "--",
)  # fmt: skip
WGET = f"""#!{sys.executable}
import sys, urllib.request
urllib.request.urlopen(sys.argv[-1], timeout=10).read()
"""
"""For busybox's, which is in the image of the proxy: `wget -q -O /dev/null URL`."""


@dataclass(frozen=True)
class Identity:
    """The account of a service, and the words before its command that make it so."""

    account: Account
    words: tuple[str, ...] = ()


@cache
def identity_of(user: str) -> Identity:
    """Who runs a service that the file gives this user; empty for that of another's image.

    Only root can choose. Where this checkout or its Python is closed to all but root, as below a
    closed home, the user may read everything; what it may write stays the same.
    """
    if os.geteuid() != 0:
        return Identity(Account())
    if not user:
        return Identity(account_for(Path("/none/yet")))
    assert user == f"{USER}:{USER}"
    if not _is_known():
        return Identity(Account())
    account = Account(USER, USER)
    if not _is_refused(Identity(account)):
        return Identity(account)
    reading = Identity(account, ("setpriv", *READS_EVERYTHING))
    return Identity(Account()) if _is_refused(reading) else reading


def _is_known() -> bool:
    """Whether the machine knows the user, as the images do: Hadoop asks for its name."""
    words = ["useradd", "--system", f"--uid={USER}", "--user-group", "--no-create-home"]
    with suppress(OSError):  # who has it already stays who he is
        subprocess.run([*words, "--home-dir=/", "ontem-10001"], capture_output=True, check=False)
    return any(each.pw_uid == USER for each in pwd.getpwall())


def _is_refused(identity: Identity) -> bool:
    program = f"import click; open({str(PROJECT / 'pyproject.toml')!r})"
    words = [*identity.words, sys.executable, "-c", program]
    try:
        done = subprocess.run(words, capture_output=True, check=False, **options_of(identity))
    except OSError:
        return True
    return done.returncode != 0


def options_of(identity: Identity) -> dict[str, Any]:
    """How `subprocess` starts a process of that user."""
    if identity.words or identity.account.uid is None:
        return {}
    return {"user": identity.account.uid, "group": identity.account.gid, "extra_groups": []}


def programs(folder: Path) -> str:
    """A PATH on which every program of the file is; `folder` gets those that no wheel has."""
    folder.mkdir()
    (folder / "wget").write_text(WGET, encoding="utf-8")
    (folder / "wget").chmod(0o755)
    redis = Path(redis_server())
    for name in ("redis-server", "redis-cli"):
        found = redis.with_name(name.replace("redis", redis.name.partition("-")[0]))
        shutil.copy(found, folder / name)
    own = [str(folder), str(Path(sys.executable).parent), str(binaries())]
    java = [f"{os.environ['JAVA_HOME']}/bin"] if os.environ.get("JAVA_HOME") else []
    return ":".join([*own, *java, os.environ["PATH"]])


def lay_out_image(target: str, folder: Path) -> None:
    """Put below `folder` what an image has at its working folder, as far as it is files of data."""
    home = folder / last(target, "WORKDIR").lstrip("/")
    home.mkdir(parents=True)
    if target == "s3":
        _copy(PROJECT / ".ontem" / "test-jars", home)
        shutil.copy(PROJECT / "deploy" / "s3proxy.xml", home)
    else:
        _copy(PROJECT / ".ontem" / "jars", home / ".ontem" / "jars")
    for each in (*home.parents, home, *home.rglob("*")):
        if folder in (each, *each.parents):
            each.chmod(each.stat().st_mode & ~0o222 | 0o444 | (0o111 if each.is_dir() else 0))


def _copy(source: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for file in source.resolve().glob("*.jar"):
        shutil.copy(file, folder)


def remove(folder: Path) -> None:
    """Remove a folder, also what in it was made read-only."""
    for parent, names, _ in os.walk(folder):
        for name in names:
            path = Path(parent) / name
            if not path.is_symlink() and path.stat().st_uid == os.geteuid():
                path.chmod(path.stat().st_mode | stat.S_IRWXU)
    shutil.rmtree(folder, ignore_errors=True)
