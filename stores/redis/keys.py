"""The names of the keys in Redis."""

from features_pkg.entity_keys import NAME_BYTES


def list_key(timelines_id: str) -> bytes:
    """The key of the list of published loads."""
    return f"o:{timelines_id}:loads".encode()


def value_key(timelines_id: str, entity_key: bytes) -> bytes:
    """The key of one entity's versions.

    It is a keyed hash, so a buyer cannot choose values that all fall on one node of a cluster.
    """
    return f"o:{timelines_id}:e:{entity_key[:NAME_BYTES].hex()}".encode()


def fence_key(timelines_id: str) -> bytes:
    """The key of the fence."""
    return f"o:{timelines_id}:fence".encode()
