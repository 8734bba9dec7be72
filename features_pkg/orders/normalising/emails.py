"""E-mail addresses, by RFC 5321 and 6531, without asking DNS."""

import re
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

from features_pkg.orders.normalising.texts import lowered

LONGEST = 254
LONGEST_LOCAL_PART = 64
PLAIN_LOCAL_PART = re.compile(r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*")


def canonical_email(text: str) -> str:
    """The address in lower case, its domain in IDNA's ASCII; any other text in lower case.

    The local part is lowered too: no mailbox provider of note tells `Ana@` from `ana@`, and
    changing case is the cheapest way to look like a new customer. Dots and +tags stay, because at
    many providers another dot or tag is another mailbox.
    """
    lower_case = lowered(text)
    return _address(lower_case) or lower_case


def is_valid_email(canonical: str) -> bool:
    """Whether it has the form of an address that can receive mail from anywhere."""
    return _address(canonical) is not None


def _address(text: str) -> str | None:
    """The canonical address, or None when `text` is not an address."""
    local, _, domain = text.rpartition("@")
    # Most addresses are this simple, and need the slow library only for their domain.
    if PLAIN_LOCAL_PART.fullmatch(local) and len(local) <= LONGEST_LOCAL_PART:
        ascii_domain = _domain(domain)
        address = f"{local}@{ascii_domain}"
        return address if ascii_domain and len(address) <= LONGEST else None
    return _any_address(text)


@lru_cache(maxsize=1 << 14)
def _domain(domain: str) -> str | None:
    """A domain in IDNA's ASCII, or None; cached, because most addresses share a few domains."""
    address = _any_address(f"a@{domain}")
    return None if address is None else address[2:]


def _any_address(text: str) -> str | None:
    try:
        address = validate_email(text, check_deliverability=False)
    except EmailNotValidError:
        return None
    return f"{lowered(address.local_part)}@{address.ascii_domain}"
