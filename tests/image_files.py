"""Which files the images of deploy/Dockerfile have, found without an engine.

It follows the instructions as far as they make, copy or remove files. A `RUN` that it does not
know fails: whoever adds one teaches it here.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable
from fnmatch import fnmatch
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple

from ontem.connectors import FOLDERS, read_connectors
from tests.package_files import ROOMS, SITE, locked, package_files, wheel_files

PROJECT: Final = Path(__file__).resolve().parents[1]
SYSTEM: Final = ("/bin/sh", "/bin/bash", "/usr/bin/env", "/usr/sbin/nologin")
MAKE_USERS: Final = ("/usr/sbin/groupadd", "/usr/sbin/useradd", "/usr/bin/install")
STDLIB: Final = "/usr/local/lib/python3.13"
MADE_BY_BASES: Final[dict[str, frozenset[str]]] = {
    "scratch": frozenset(),
    "${JAVA_IMAGE}": frozenset({*SYSTEM, "/opt/java/openjdk/bin/java", *MAKE_USERS}),
    "${PYTHON_IMAGE}": frozenset(
        {
            *SYSTEM,
            *(f"/usr/local/bin/{name}" for name in ("python", "python3", "python3.13", "pip")),
            *MAKE_USERS,
            f"{STDLIB}/os.py",
            f"{STDLIB}/ensurepip/__init__.py",
            f"{STDLIB}/site-packages/pip/__init__.py",
        }
    ),
}
"""What is known of the images of others, by the variable that names them."""


class Stage(NamedTuple):
    """A stage of the Dockerfile: its name, what it begins with, and its instructions."""

    name: str
    base: str
    instructions: tuple[tuple[str, str], ...]


@cache
def stages() -> dict[str, Stage]:
    """All stages by name."""
    text = (PROJECT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    lines = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)).splitlines()
    found: dict[str, Stage] = {}
    name = ""
    for line in filter(None, map(str.strip, lines)):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            base, name = re.fullmatch(r"(\S+) AS (\S+)", rest).groups()  # type: ignore[union-attr]
            found[name] = Stage(name, base.replace("${WHEEL}", "checkout"), ())
        elif name:
            stage = found[name]
            found[name] = stage._replace(
                instructions=(*stage.instructions, (word, " ".join(rest.split())))
            )
    return found


def all_instructions(target: str) -> list[tuple[str, str]]:
    """The instructions of a stage, after those of the stages that it begins with."""
    stage = stages()[target]
    before = all_instructions(stage.base) if stage.base in stages() else []
    return [*before, *stage.instructions]


def closed_files(target: str) -> list[str]:
    """What a stage copies of the checkout as it is there: with the umask 077, closed to users."""
    return [text for text in _said(target, "COPY") if not {"--from", "--chmod"} & set(_flags(text))]


def last(target: str, instruction: str) -> str:
    """What a stage says last with an instruction; empty when it never does."""
    return ["", *_said(target, instruction)][-1]


def _said(target: str, instruction: str) -> list[str]:
    return [text for word, text in all_instructions(target) if word == instruction]


@cache
def image_files(target: str) -> frozenset[str]:
    """The absolute paths of the files of a stage; a folder that was made empty ends with `/`."""
    stage = stages()[target]
    files = set(image_files(stage.base) if stage.base in stages() else MADE_BY_BASES[stage.base])
    folder = "/"
    for word, text in all_instructions(target)[: -len(stage.instructions) or None]:
        folder = text if word == "WORKDIR" else folder
    variables = dict(re.findall(r"(\w+)=(\S+)", " ".join(_said(target, "ENV"))))
    for word, text in stage.instructions:
        if word == "WORKDIR":
            folder = text
            files.add(f"{folder}/")
        elif word == "COPY":
            files |= _copied(text, folder)
        elif word == "RUN":
            for command in text.split(" && "):
                _run(shlex.split(command), files, folder, variables)
    return frozenset(files)


def _copied(text: str, folder: str) -> set[str]:
    stage = _flags(text).get("--from")
    *sources, target = (word for word in text.split() if not word.startswith("--"))
    there = PurePosixPath(folder, target)
    copied: set[str] = set()
    for source in sources:
        found = _of_context(source) if stage is None else _of_stage(stage, source)
        assert found, f"COPY {text}: there is no {source}"
        into = there / PurePosixPath(source).name if target.endswith("/") else there
        copied |= {str(into / name) if name else str(into) for name in found}
    return copied


def _flags(text: str) -> dict[str, str]:
    """The flags of a COPY, such as `--from=wheel`."""
    return dict(re.findall(r"(?:^|(?<= ))(--from|--chmod)=(\S+)", text))


def _of_stage(stage: str, source: str) -> set[str]:
    """Paths below `source`, relative to it; the empty one for a file."""
    files = image_files(stage)
    below = {name.removeprefix(f"{source}/") for name in files if name.startswith(f"{source}/")}
    return {""} if source in files else below


def _of_context(source: str) -> set[str]:
    ignored = (PROJECT / ".dockerignore").read_text(encoding="utf-8").split()
    path = PROJECT / source
    if path.is_file():
        return {""}
    if source.startswith("dist/"):  # what `make package` makes
        return {"ontem-0-py3-none-any.whl"}
    return {
        str(file.relative_to(path))
        for top in path.iterdir()
        if top.name not in ignored
        for file in ([top] if top.is_file() else top.rglob("*"))
        if file.is_file() and "__pycache__" not in file.parts
    }


def _run(words: list[str], files: set[str], folder: str, variables: dict[str, str]) -> None:
    while "=" in words[0] and not words[0].startswith("-"):
        name, _, value = words.pop(0).partition("=")
        variables = {**variables, name: value}
    program = words[0]
    assert _exists(program, files), f"RUN {' '.join(words)}: the stage has no {program}"
    line = " ".join(words)
    for pattern, effect in EFFECTS.items():
        if match := re.fullmatch(pattern, line):
            effect(files, variables.get("VIRTUAL_ENV", ""), folder, match)
            return
    raise AssertionError(f"{Path(__file__).name} does not know `RUN {line}`")


def _exists(program: str, files: Iterable[str]) -> bool:
    if program.startswith("/"):
        return program in files
    places = ("/app/.venv/bin", "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin")
    return any(f"{place}/{program}" in files for place in places)


def _venv(files: set[str], _: str, __: str, match: re.Match[str]) -> None:
    files |= {f"{match['folder']}/bin/{name}" for name in ("python", "python3")}
    if match["with_pip"]:
        files.add(f"{match['folder']}/bin/pip")


def _uv(files: set[str], _: str, folder: str, match: re.Match[str]) -> None:
    assert f"{folder}/{match['list']}" in files
    files.add(match["folder"] + "/bin/uv")


def _sync(files: set[str], venv: str, folder: str, match: re.Match[str]) -> None:
    assert f"{folder}/{match['lock']}" in files
    for name in locked(PROJECT / "deploy" / "locks" / match["lock"]):
        files |= {f"{venv}/{path}" for path in package_files(name)}


def _wheel(files: set[str], venv: str, _: str, match: re.Match[str]) -> None:
    assert any(fnmatch(file, match["wheel"]) for file in files)
    files |= {f"{venv}/{SITE}/{path}" for path in wheel_files()}
    files.add(f"{venv}/bin/ontem")


def _jars(files: set[str], _: str, __: str, match: re.Match[str]) -> None:
    project, name = match["project"], match["list"] or "connectors.txt"
    assert f"{project}/deploy/{name}" in files
    listed = read_connectors(PROJECT / "deploy" / name).connectors
    files |= {f"{project}/.ontem/{FOLDERS[name]}/{each.name}" for each in listed}


def _build(files: set[str], _: str, folder: str, __: re.Match[str]) -> None:
    assert {f"{folder}/pyproject.toml", f"{folder}/deploy/build_hook.py"} <= files
    assert {f"{folder}/{room}/__init__.py" for room in ROOMS} <= files
    files.add("/dist/ontem-0-py3-none-any.whl")


def _folders(files: set[str], _: str, folder: str, match: re.Match[str]) -> None:
    files |= {f"{PurePosixPath(folder, name)}/" for name in match["folders"].split()}


def _remove_module(files: set[str], _: str, __: str, match: re.Match[str]) -> None:
    assert f"{STDLIB}/{match['module']}/__init__.py" in files
    files -= {name for name in files if name.startswith(f"{STDLIB}/{match['module']}/")}


def _compile(files: set[str], *_: object) -> None:
    sources = [PurePosixPath(name) for name in files if name.startswith(STDLIB)]
    files |= {str(each.parent / "__pycache__" / f"{each.stem}.pyc") for each in sources}


def _remove_pip(files: set[str], _: str, __: str, ___: re.Match[str]) -> None:
    files -= {n for n in files if n == "/usr/local/bin/pip" or "/local/lib/python3.13/site-" in n}


def _nothing(*_: object) -> None:
    pass


Effect = Callable[[set[str], str, str, re.Match[str]], None]
PYTHON: Final = r"(?:\S+/)?python"
EFFECTS: Final[dict[str, Effect]] = {
    rf"{PYTHON} -m (?P<with_pip>venv) (?P<folder>\S+)": _venv,
    r"\S+/uv venv (?:-q )?(?P<folder>\S+)(?P<with_pip>)": _venv,
    r"(?P<folder>\S+)/bin/pip install .*--require-hashes -r (?P<list>\S+)": _uv,
    r"\S+/uv pip sync --require-hashes (?:--compile-bytecode )?(?P<lock>\S+)": _sync,
    r"\S+/uv pip install --no-deps --no-index --compile-bytecode (?P<wheel>\S+)": _wheel,
    rf"{PYTHON} -m ontem.connectors (?P<project>\S+)(?: (?P<list>\S+))?": _jars,
    rf"{PYTHON} -m hatchling build -t wheel -d /dist": _build,
    r"install -d (?:-o ontem -g ontem )?(?P<folders>[^-].*)": _folders,
    rf"{PYTHON} -c import (?P<module>\w+), shutil; shutil.rmtree\(\*(?P=module).__path__\)": (
        _remove_module
    ),
    rf"{PYTHON} -c import compileall, sysconfig; "
    r"compileall\.compile_dir\(sysconfig\.get_path\('stdlib'\), quiet=1\)": _compile,
    rf"{PYTHON} -m pip uninstall .* pip": _remove_pip,
    r"(?:groupadd|useradd) .*": _nothing,
}
