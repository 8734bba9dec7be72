"""Every link of a page to something in this project leads there."""

import re
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"\]\(([^()\s]+)\)")
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
