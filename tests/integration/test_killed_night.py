"""`kill -9` of a night or of a worker at any stage: nobody sees a part, and the next run mends it.

Two databases have the same past. The twin's night runs undisturbed, and its work is counted. The
other's are processes that are killed at a share of that work, one after the other.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from jobs.snapshot import nights
from tests.integration.kill_shop import EVENTS, NEXT, REQUESTS, SNAPSHOT, Shop, a_shop
from tests.integration.killer import LOST_SPARK, LOST_WORKER, Clean, Killer, a_killer, run_clean

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

NIGHT = ("night", "--as-of", NEXT.isoformat())
SHARES = (0.1, 0.5, 0.9)


@pytest.fixture
def clean(
    module_database_url: str, module_redis_url: str, tmp_path: "Path", spark: "SparkSession"
) -> Clean:
    shop = a_shop(module_database_url, module_redis_url, tmp_path / "clean", spark)
    new = (EVENTS, SNAPSHOT, REQUESTS)
    return run_clean(shop, tmp_path, lambda: nights.night(shop.job, NEXT), new)


@pytest.fixture
def shop(database_url: str, redis_url: str, storage_folder: "Path", spark: "SparkSession") -> Shop:
    return a_shop(database_url, redis_url, storage_folder / "shop", spark)


@pytest.fixture
def night(shop: Shop, clean: Clean) -> Iterator[Killer]:
    with a_killer(shop, clean, NIGHT) as killer:
        yield killer


@pytest.mark.slow
def test_a_night_that_is_killed_at_any_stage_shows_nothing_and_is_finished_by_the_next(
    night: Killer, clean: Clean, shop: Shop
) -> None:
    for share in SHARES:
        night.kill("extract", share, "driver", new=())
    assert LOST_WORKER in night.kill("extract", 0.5, "worker", new=())
    night.kill("commit events", 0.5, "driver", new=())
    night.kill("catalogue of events", 1, "driver", new=())
    night.kill("commit events", 0.9, "driver", new=(EVENTS,))
    night.kill("add", 0.9, "driver", new=(EVENTS,))
    assert LOST_SPARK in night.kill("add", 0.5, "worker", new=(EVENTS,))
    night.kill("commit snapshot", 0.75, "driver", new=(EVENTS,))
    night.kill("catalogue of snapshot", 1, "driver", new=(EVENTS,))
    night.kill("commit snapshot", 1, "driver", new=(EVENTS, SNAPSHOT))
    for stage in ("check", "publish"):
        for share in SHARES:
            night.kill(stage, share, "driver", new=(EVENTS, SNAPSHOT))
    night.kill("list", 0.5, "driver", new=(EVENTS, SNAPSHOT))
    night.kill("list", 1, "driver", new=(EVENTS, SNAPSHOT, REQUESTS))

    assert night.finish() == "unchanged"
    assert shop.state() == clean.state((EVENTS, SNAPSHOT, REQUESTS))
