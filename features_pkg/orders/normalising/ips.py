"""Internet addresses (IPv4 and IPv6)."""

from ipaddress import IPv4Address, IPv6Address, ip_address


def canonical_ip(text: str) -> str:
    """The shortest form of the address; any other clean text in lower case.

    An IPv4 address inside IPv6 (`::ffff:192.0.2.1`) is the IPv4 address.
    """
    address = _parse(text)
    return text.lower() if address is None else str(address)


def is_valid_ip(canonical: str) -> bool:
    """Whether it is an IPv4 or IPv6 address."""
    return _parse(canonical) is not None


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
