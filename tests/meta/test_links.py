"""Whatever a page links or names of this project is there."""

import pkgutil
import re
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"\]\(([^()\s]+)\)")
DOTTED = re.compile(r"`((?:features_pkg|stores|jobs|service|ontem)(?:\.\w+)+)(?:\([^`]*\))?`")
"""A module of this project, or a name in one."""
FILE = re.compile(r"`((?:\w[\w.-]*/)+[\w.-]+\.(?:py|sql|j2|toml|json|md))`")
NOT_WRITTEN = {"features_pkg/measures/greatest.py"}
"""Files of an example that a page tells its reader to write."""
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def pages() -> list[Path]:
    command = ["git", "-C", str(PROJECT), "ls-files", "-z", "--", "*.md"]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("this copy is no git checkout")
    names = done.stdout.decode().split("\0")
    return [PROJECT / name for name in names if name and (PROJECT / name).is_file()]


def links_of(page: Path) -> list[str]:
    found = LINK.findall(FENCED.sub("", page.read_text(encoding="utf-8")))
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def anchors_of(page: Path) -> set[str]:
    """The names that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text("utf-8")), re.MULTILINE)
    texts = [re.sub(r"[`*\\]|\]\([^)]*\)|\[", "", heading) for heading in headings]
    return {re.sub(r"[^\w -]", "", text.lower()).strip().replace(" ", "-") for text in texts}


def leads_nowhere(page: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = (page.parent / name).resolve() if name else page
    if not target.exists():
        return True
    return bool(anchor) and anchor not in anchors_of(target)


def test_every_link_of_every_page_leads_somewhere() -> None:
    lost = [
        f"{page.relative_to(PROJECT)}: {link}"
        for page in pages()
        for link in links_of(page)
        if leads_nowhere(page, link)
    ]

    assert lost == []


def test_the_pages_have_links_to_look_at() -> None:
    assert sum(len(links_of(page)) for page in pages()) > 50


def names_of(pattern: re.Pattern[str], page: Path) -> list[str]:
    return pattern.findall(FENCED.sub("", page.read_text(encoding="utf-8")))


def resolves(name: str) -> bool:
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            pkgutil.resolve_name(f"{'.'.join(parts[:end])}:{'.'.join(parts[end:])}")
        except (ImportError, AttributeError):
            continue
        return True
    return False


def test_every_name_in_our_packages_that_a_page_gives_exists() -> None:
    lost = [
        f"{page.relative_to(PROJECT)}: {name}"
        for page in pages()
        for name in names_of(DOTTED, page)
        if not resolves(name)
    ]

    assert lost == []


def test_every_file_that_a_page_names_by_its_path_exists() -> None:
    lost = [
        f"{page.relative_to(PROJECT)}: {name}"
        for page in pages()
        for name in set(names_of(FILE, page)) - NOT_WRITTEN
        if not any(PROJECT.glob(f"**/{name}")) and not (page.parent / name).exists()
    ]

    assert lost == []
