"""What keeps a load from becoming visible, or the newest from being withdrawn."""

from datetime import date

from features_pkg.errors import OntemError
from stores.redis.load_list import Load


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
    """A load whose id or day is not above the newest published one; without an id, one to come."""

    def __init__(self, *, load_id: int | None, as_of: int, newest: Load) -> None:
        day = _day(as_of)
        load, remedy = f"load {load_id}", "`ontem unpublish` withdraws the newest one"
        if load_id is None:
            load = "a load"
            alone = f"`ontem night --backfill {day} {day}`"
            remedy = f"{alone} builds that day for the offline store alone; {remedy}"
        super().__init__(
            f"{load} as of {day} can't follow load {newest.load_id} as of "
            f"{_day(newest.as_of)}, which is published: {remedy}"
        )
        self.load_id, self.as_of, self.newest = load_id, as_of, newest


class RedisMayEvict(PublishRefused):
    """Redis may drop keys on its own, and then customers would look new."""

    def __init__(self, *, address: str, policy: str) -> None:
        super().__init__(
            f"Redis at {address} has maxmemory-policy {policy} and may drop keys: "
            "set it to noeviction"
        )
        self.address, self.policy = address, policy


class RedisIsReplica(PublishRefused):
    """Redis copies another server, and takes no write of ours."""

    def __init__(self, *, address: str, primary: str) -> None:
        super().__init__(
            f"Redis at {address} is a replica of {primary} and takes no load: set ONTEM_REDIS_URL "
            "to the primary"
        )
        self.address, self.primary = address, primary


class RedisFull(PublishRefused):
    """The load does not fit below `maxmemory`; before it is known, `needed` is 0."""

    def __init__(self, *, address: str, needed: int, free: int) -> None:
        needs = f" and the load needs about {needed:,}" if needed else ""
        super().__init__(f"Redis at {address} has {free:,} bytes left{needs}: raise maxmemory")
        self.address, self.needed, self.free = address, needed, free


class RedisLost(PublishRefused):
    """Redis stopped answering, became a replica or ran out of memory while a load was written."""

    def __init__(self, *, reason: str) -> None:
        remedy = "run the same command again when Redis is well"
        if "maxmemory" in reason:
            remedy = "raise maxmemory, then run the same command again"
        elif "READONLY" in reason:
            remedy = "set ONTEM_REDIS_URL to the primary, then run the same command again"
        super().__init__(
            f"Redis did not confirm a write ({reason}), and what is published stays as it was: "
            f"{remedy}"
        )
        self.reason = reason


class ReadBackDiffers(PublishRefused):
    """Redis does not have what was written for a load, as a request would read it."""

    def __init__(self, *, load_id: int, group: int, reason: str) -> None:
        super().__init__(
            f"load {load_id} is not published, because group {group} was read back and differs "
            f"from the snapshot ({reason}): run the same command again; if that does not help, "
            "withdraw what is published with `ontem unpublish` first"
        )
        self.load_id, self.group, self.reason = load_id, group, reason


class LoadIdTooGreat(PublishRefused):
    """A load whose id does not fit into a value."""

    def __init__(self, *, load_id: int, most: int) -> None:
        super().__init__(
            f"load {load_id} can't be published: the greatest id that fits into a value in Redis "
            f"is {most}; a layout with longer ids is needed (stores/redis/buckets.py)"
        )
        self.load_id, self.most = load_id, most


class ListDamaged(PublishRefused):
    """No copy of the list of published loads is as this store wrote it."""

    def __init__(self, *, key: bytes) -> None:
        super().__init__(
            f"the list of published loads, {key.decode()}, is damaged in every copy: run "
            "`ontem publish`, which publishes anew what requests may ask for"
        )
        self.key = key


class NothingPublished(PublishRefused):
    """There is no load to withdraw."""

    def __init__(self, *, timelines: str) -> None:
        super().__init__(
            f"no load of timelines {timelines} is published: look at `ontem snapshots`"
        )
        self.timelines = timelines


def _day(as_of: int) -> str:
    return date.fromordinal(as_of).isoformat()
