"""What tests read of a page: its tags, its texts, and whatever it would load."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "wbr"}
DRAWN = {"path", "rect", "use", "g", "circle"}


@dataclass(slots=True)
class Figure:
    """One chart: its ids, its title, and what describes it."""

    name: str
    title: str = ""
    words: str = ""
    has_svg: bool = False
    svg_title: str = ""
    labelled_by: str = ""
    described_by: str = ""
    drawn: int = 0
    columns: list[str] = field(default_factory=list)


class PageReader(HTMLParser):
    """A page; reading ends with an error where tags are not closed as they were opened."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.figures: dict[str, Figure] = {}
        self.texts: list[str] = []
        self.captions = self.tables = 0
        self._figure: Figure | None = None
        self.feed(page.decode())
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._start(tag, {name: value or "" for name, value in attrs})
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._start(tag, {name: value or "" for name, value in attrs})

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag == "figure":
            self._figure = None

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        figure = self._figure
        if figure is None:
            return
        if "svg" in self.open:
            figure.svg_title += data if self.open[-1] == "title" else ""
        elif self.open[-1] == "h3":
            figure.title += data
        elif self.open[-1] == "figcaption":
            figure.words += data
        elif "thead" in self.open and self.open[-1] == "th":
            figure.columns.append(data)

    @property
    def text(self) -> str:
        """All that can be read."""
        return " ".join(self.texts)

    @property
    def ids(self) -> list[str]:
        """The ids of all elements."""
        return [attributes["id"] for _, attributes in self.tags if "id" in attributes]

    @property
    def references(self) -> list[str]:
        """All that the page points to, or would load."""
        named = [
            attributes[name]
            for _, attributes in self.tags
            for name in ("href", "src", "srcset", "action", "poster", "data", "xlink:href")
            if name in attributes
        ]
        styles = [attributes.get("style", "") + attributes.get("clip-path", "")
                  for _, attributes in self.tags]  # fmt: skip
        in_styles = re.findall(r"url\(([^)]*)\)", " ".join([*styles, self.text]))
        return named + in_styles

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self.tags.append((tag, attributes))
        self.tables += tag == "table"
        self.captions += tag == "caption"
        if tag == "figure":
            self._figure = self.figures[attributes["id"]] = Figure(attributes["id"])
        figure = self._figure
        if figure and tag == "svg":
            figure.has_svg = attributes["role"] == "img"
            figure.labelled_by = attributes["aria-labelledby"]
            figure.described_by = attributes["aria-describedby"]
        if figure and "svg" in self.open and tag in DRAWN:
            figure.drawn += 1
