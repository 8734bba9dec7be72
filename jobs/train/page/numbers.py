"""Numbers for people."""

from datetime import date

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def percent(share: float) -> str:
    """A share with three digits, such as 41.2 % and 0.52 %."""
    if 0.9995 <= share < 1:
        return "above 99.9 %"
    return f"{100 * share:.3g} %"


def money(cents: int) -> str:
    """An amount without its cents."""
    return f"R$ {cents / 100:,.0f}"


def days(first: date, last: date) -> str:
    """A day, or the first and the last one of several."""
    return f"{first}" if first == last else f"{first} to {last}"


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listed(texts: list[str]) -> str:
    """An enumeration in words."""
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def compact(value: float, feature: str = "") -> str:
    """A bound of a feature's bins in few letters; seconds as days, hours or minutes."""
    if feature.endswith("_seconds"):
        return _duration(value)
    for letter, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= size:
            return f"{value / size:.4g}{letter}"
    return f"{value:.2g}" if abs(value) < 1 else f"{value:.4g}"


def _duration(seconds: float) -> str:
    unit, size = next(((unit, size) for unit, size in _UNITS if abs(seconds) >= size), ("s", 1))
    return (
        f"{seconds / size:.2g} {unit}" if seconds < 100 * size else f"{seconds / size:.0f} {unit}"
    )
