"""What is published: the list of loads, as all its copies in Redis agree on it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import redis

from stores.redis.cluster import read_each
from stores.redis.errors import ListDamaged
from stores.redis.keys import GROUPS, Namespace
from stores.redis.load_list import ListUnreadable, Load, LoadList, agreed_list, decode_list


@dataclass(frozen=True, slots=True)
class Published:
    """The list of published loads, and the bytes of each group's copy (empty: there is none)."""

    copies: tuple[bytes, ...]
    load_list: LoadList

    @property
    def newest(self) -> Load | None:
        """The newest load, None when there is none."""
        return self.load_list.newest

    @property
    def ids(self) -> frozenset[int]:
        """The ids of the listed loads."""
        return self.load_list.ids


def read_published(client: "redis.Redis", namespace: Namespace) -> Published:
    """The loads that requests can see now.

    Damaged or absent copies are ignored if one copy is sound; entities of their groups are missing
    to requests. Raises ListDamaged when there are copies and none is sound.
    """
    copies = read_copies(client, namespace)
    present = [copy for copy in copies if copy]
    lists = _sound_lists(present, namespace)
    if present and not lists:
        raise ListDamaged(key=namespace.list_key(0))
    return Published(copies, agreed_list(lists) if lists else LoadList())


def newest_shown(published: Published, namespace: Namespace) -> Load | None:
    """The newest load of any copy: more than `newest` where not all copies were replaced.

    On a cluster they are replaced one after the other, and a run may be killed in between.
    """
    shown = [load for each in _sound_lists(published.copies, namespace) for load in each.loads]
    return max(shown, key=lambda load: load.load_id, default=None)


def copies_differ(published: Published, namespace: Namespace) -> bool:
    """Whether sound copies differ, so that groups show different loads."""
    return len(_sound_lists(published.copies, namespace)) > 1


def shows_all(published: Published, holders: Collection[int | None]) -> bool:
    """Whether each version in Redis is of a load that the list shows, listed or below the floor.

    `holders` has the loads that have the group's fences. A load takes the fence before its first
    write, and the newest one went through whatever had been left, so nothing invisible has been
    written since if the newest still has all fences, and no copy of the list is another one.
    """
    newest = published.newest
    return (
        newest is not None and set(holders) == {newest.load_id} and len(set(published.copies)) == 1
    )


def read_copies(client: "redis.Redis", namespace: Namespace) -> tuple[bytes, ...]:
    """The bytes of each group's copy of the list, empty where there is none."""
    keys = [namespace.list_key(group) for group in range(GROUPS)]
    return tuple(copy or b"" for copy in read_each(client, keys))


def _sound_lists(copies: Iterable[bytes | None], namespace: Namespace) -> list[LoadList]:
    lists = []
    for content in {copy for copy in copies if copy}:
        try:
            lists.append(decode_list(content, namespace.prefix))
        except ListUnreadable:
            continue
    return lists
