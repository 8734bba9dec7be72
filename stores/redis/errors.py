"""What keeps a load from becoming visible, or the newest from being withdrawn."""

from datetime import date

from features_pkg.errors import OntemError
from stores.redis.values import Load


class PublishRefused(OntemError):
    """Base of these errors; the list of published loads stays as it was."""


class LoadFenced(PublishRefused):
    """Another run has taken the fence, of this load or of a newer one."""

    def __init__(self, *, load_id: int) -> None:
        super().__init__(
            f"load {load_id} was overtaken by another run and is not written any further: "
            "look at `ontem snapshots`"
        )
        self.load_id = load_id


class LoadTooOld(PublishRefused):
    """A load whose id or day is not above the newest published one."""

    def __init__(self, *, load: Load, newest: Load) -> None:
        super().__init__(
            f"load {load.load_id} as of {_day(load)} can't follow load {newest.load_id} as of "
            f"{_day(newest)}, which is published: `ontem unpublish` withdraws the newest one"
        )
        self.load, self.newest = load, newest


class RedisMayEvict(PublishRefused):
    """Redis may drop keys on its own, and then customers would look new."""

    def __init__(self, *, address: str, policy: str) -> None:
        super().__init__(
            f"Redis at {address} has maxmemory-policy {policy} and may drop keys: "
            "set it to noeviction"
        )
        self.address, self.policy = address, policy


class RedisFull(PublishRefused):
    """The load does not fit below `maxmemory`."""

    def __init__(self, *, address: str, needed: int, free: int) -> None:
        super().__init__(
            f"Redis at {address} has {free:,} bytes left and the load needs about {needed:,}: "
            "raise maxmemory"
        )
        self.address, self.needed, self.free = address, needed, free


class RedisLost(PublishRefused):
    """Redis stopped answering, or ran out of memory, while a load was written."""

    def __init__(self, *, reason: str) -> None:
        super().__init__(
            f"Redis did not confirm a write ({reason}), and what is published stays as it was: "
            "run the same command again when Redis is well"
        )
        self.reason = reason


class ValueDamaged(PublishRefused):
    """A value in Redis that was not written by this store."""

    def __init__(self, *, key: bytes, reason: str) -> None:
        super().__init__(f"the value of {key.decode()} is damaged ({reason}): delete that key")
        self.key, self.reason = key, reason


class ListDamaged(PublishRefused):
    """The list of published loads is not one that this store wrote."""

    def __init__(self, *, key: bytes, reason: str) -> None:
        super().__init__(
            f"the list of published loads, {key.decode()}, is damaged ({reason}): delete that key, "
            "then run `ontem publish`"
        )
        self.key, self.reason = key, reason


class NothingPublished(PublishRefused):
    """There is no load to withdraw."""

    def __init__(self, *, timelines: str) -> None:
        super().__init__(
            f"no load of timelines {timelines} is published: look at `ontem snapshots`"
        )
        self.timelines = timelines


def _day(load: Load) -> str:
    return date.fromordinal(load.as_of).isoformat()
