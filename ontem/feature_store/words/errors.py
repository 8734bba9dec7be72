"""What can't be said in words."""

from features_pkg.errors import DefinitionError, OntemError


class LanguageUnknown(OntemError, ValueError):
    """A language in which no definition is written."""

    def __init__(self, language: object, known: tuple[str, ...]) -> None:
        super().__init__(
            f"language {language!r}: definitions are written in {' and '.join(known)} only"
        )
        self.language = language


LONGEST_SHOWN = 80


class NothingFound(OntemError, LookupError):
    """A search by words that are about no feature."""

    def __init__(self, query: str, nearest: tuple[str, ...]) -> None:
        shown = query if len(query) <= LONGEST_SHOWN else f"{query[:LONGEST_SHOWN]}…"
        super().__init__(
            f"no feature is about {shown!r}: name an identifier (card, CPF, device, …), what is "
            f"measured or a window; the nearest names are {', '.join(nearest) or 'none'}"
        )
        self.query, self.nearest = query, nearest


class NameUnknown(DefinitionError, LookupError):
    """A name that no feature can have."""

    def __init__(self, name: str, *, reason: str, nearest: tuple[str, ...]) -> None:
        short = reason.partition(";")[0]
        super().__init__(
            f"there is no feature {name!r} ({short})", f"the nearest names are {', '.join(nearest)}"
        )
        self.name, self.reason, self.nearest = name, reason, nearest
