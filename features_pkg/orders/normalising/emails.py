"""E-mail addresses, by RFC 5321 and 6531, without asking DNS."""

import re
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

from features_pkg.orders.normalising.texts import lowered

LONGEST = 254
LONGEST_LOCAL_PART = 64
_PLAIN_LOCAL_PART = re.compile(r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*")


def canonical_email(text: str) -> str:
    """A clean address in lower case, its domain as IDNA's ASCII; what is none only in lower case.

    The local part is lowered too: no mailbox provider of note tells `Ana@` from `ana@`, and
    changing case is the cheapest way to look like a new customer. Dots and +tags stay: on many
    providers they are other mailboxes.
    """
    small = lowered(text)
    return _address(small) or small


def is_valid_email(canonical: str) -> bool:
    """Whether it has the form of an address that can receive mail from anywhere."""
    return _address(canonical) is not None


def _address(text: str) -> str | None:
    """The canonical address, or None when `text` is none."""
    local, _, domain = text.rpartition("@")
    if _PLAIN_LOCAL_PART.fullmatch(local) and len(local) <= LONGEST_LOCAL_PART:
        ascii_domain = _domain(domain)
        whole = f"{local}@{ascii_domain}"
        return whole if ascii_domain and len(whole) <= LONGEST else None
    return _any_address(text)


@lru_cache(maxsize=1 << 14)
def _domain(domain: str) -> str | None:
    """IDNA's ASCII of a domain; cached, as most addresses share a few."""
    address = _any_address(f"a@{domain}")
    return None if address is None else address[2:]


def _any_address(text: str) -> str | None:
    try:
        found = validate_email(text, check_deliverability=False)
    except EmailNotValidError:
        return None
    return f"{lowered(found.local_part)}@{found.ascii_domain}"
