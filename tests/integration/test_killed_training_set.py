"""`kill -9` of a training set or of a worker at any stage: it is there whole, or not at all."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from jobs.training_set.run import TrainingPeriod, training_set
from tests.integration.kill_shop import EVENTS, NEXT, TRAINING, Shop, a_shop
from tests.integration.killer import LOST_SPARK, Clean, Killer, a_killer, run_clean
from tests.integration.night_shop import CUTOFF, HOUR, JUNE

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

PERIOD = TrainingPeriod(
    first_day=JUNE - timedelta(days=1), end_day=NEXT, labels_as_of=CUTOFF + 200 * HOUR
)
TRAINING_SET = (
    "training-set", "--from", str(PERIOD.first_day), "--to", str(PERIOD.end_day),
    "--labels-as-of", str(PERIOD.labels_as_of),
)  # fmt: skip


@pytest.fixture
def clean(
    module_database_url: str, module_redis_url: str, tmp_path: "Path", spark: "SparkSession"
) -> Clean:
    shop = a_shop(module_database_url, module_redis_url, tmp_path / "clean", spark)
    new = (EVENTS, TRAINING)
    return run_clean(shop, tmp_path, lambda: training_set(shop.job, PERIOD), new)


@pytest.fixture
def shop(database_url: str, redis_url: str, storage_folder: "Path", spark: "SparkSession") -> Shop:
    return a_shop(database_url, redis_url, storage_folder / "shop", spark)


@pytest.fixture
def training(shop: Shop, clean: Clean) -> Iterator[Killer]:
    with a_killer(shop, clean, TRAINING_SET) as killer:
        yield killer


@pytest.mark.slow
def test_a_training_set_that_is_killed_at_any_stage_is_not_there_until_it_is_committed(
    training: Killer, clean: Clean, shop: Shop
) -> None:
    training.kill("extract", 0.5, "driver", new=())
    training.kill("build a training set", 0.1, "driver", new=(EVENTS,))
    assert LOST_SPARK in training.kill("build a training set", 0.9, "worker", new=(EVENTS,))
    # Its table is new: the catalogue takes it first when it is made, then when it is committed to.
    training.kill("catalogue of training set", 0.5, "driver", new=(EVENTS,))
    training.kill("catalogue of training set", 1, "driver", new=(EVENTS,))
    training.kill("commit training set", 0.75, "driver", new=(EVENTS,))
    training.kill("commit training set", 1, "driver", new=(EVENTS, TRAINING))

    assert training.finish() == "done"
    assert shop.state() == clean.state((EVENTS, TRAINING))
