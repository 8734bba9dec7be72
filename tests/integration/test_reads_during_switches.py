"""Requests go on while loads are published and withdrawn: each is answered by one load.

`make test-publish` reads a million times (`ONTEM_READS`).
"""

import os
from collections.abc import Mapping

from jobs.snapshot.withdraw import unpublish
from tests.integration.publishing_shop import PublishingShop, days
from tests.integration.readers import Readers

READS = int(os.environ.get("ONTEM_READS") or 20_000)
CARDS = 500


def timelines(day: int) -> dict[str, bytes]:
    """What is said of all cards on a day: each says another thing on every one."""
    return {f"c{n}": b"day %d of %d" % (day, n) for n in range(CARDS)}


def test_no_read_mixes_two_loads(shop: PublishingShop) -> None:
    url = shop.job.settings.redis_url
    with Readers(url, shop.namespace, threads=2) as readers:
        day, switches = 0, 0
        while readers.reads < READS or switches < 4:
            row = shop.register(shop.committed(days(day), timelines(day)))
            readers.expected = {**readers.expected, row.load_id: by_key(shop, day)}
            shop.publish(row)
            if day and switches % 3 == 2:
                unpublish(shop.job)
            day, switches = day + 1, switches + 1

    assert readers.mixed == 0
    assert len(readers.seen) > 1


def by_key(shop: PublishingShop, day: int) -> Mapping[bytes, bytes]:
    """What is said of all cards on a day, by entity key."""
    return {shop.key(name): timeline for name, timeline in timelines(day).items()}
