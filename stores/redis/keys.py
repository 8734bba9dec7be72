"""Where things are in Redis."""

from features_pkg.entity_keys import NAME_BYTES


def list_key(timelines_id: str) -> bytes:
    """Where the list of published loads is."""
    return f"o:{timelines_id}:loads".encode()


def value_key(timelines_id: str, entity_key: bytes) -> bytes:
    """Where the versions of one entity are; no slot of a cluster can be chosen by a buyer."""
    return f"o:{timelines_id}:e:{entity_key[:NAME_BYTES].hex()}".encode()


def fence_key(timelines: str) -> bytes:
    """Where the fence of these timelines is."""
    return f"o:{timelines}:fence".encode()
