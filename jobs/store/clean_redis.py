"""The part of `ontem store clean` that is in Redis: timelines that nobody can reach go."""

from datetime import timedelta
from typing import Final

from jobs.store.clean import Cleaning
from jobs.store.online import count_keys, remove_keys, unreachable
from jobs.store.pins import known_models
from jobs.store.plan import Cutoffs
from stores.offline.models import StoredModels
from stores.postgres.loads import LoaderRunning, all_loads
from stores.redis.connection import connect_redis

UNTIL_DUE: Final = timedelta(days=2)
"""A load is made on the day that it is of, and read until the lag of the day after is over."""


def clean_redis(cleaning: Cleaning, cutoffs: Cutoffs, *, dry_run: bool = False) -> int:
    """Remove the timelines that nobody can reach; how many keys, or with `dry_run` would be.

    Timelines whose last load requests may still read stay, whatever the cutoffs are.

    Redis is asked only if PostgreSQL knows of such. Raises RedisUnavailable, ModelUnreadable,
    ModelMissing.
    """
    job, connection = cleaning.job, cleaning.connection
    if cutoffs.expire_before is None:
        return 0
    models = known_models(StoredModels(cleaning.store.files), job.settings.model_path)
    timelines = {model.timelines for model in models}
    read_for = timedelta(days=job.settings.max_stale_days) + UNTIL_DUE
    before = min(cutoffs.expire_before, cleaning.now() - read_for)
    names = unreachable(all_loads(connection), job.namespace, timelines, before)
    if not names:
        return 0
    keys = 0
    with connect_redis(job.settings.redis_url) as client:
        for name in names:
            try:
                count = count_keys(client, name)
                if count and not dry_run:
                    count = remove_keys(connection, client, name)
            except LoaderRunning as running:
                job.say(f"  timelines {name.timelines} stay in Redis: {running}")
                continue
            if count:
                key = f"timelines {name.timelines} under entity key {name.key_id}"
                job.say(f"  Redis: {key}: {count:,} keys")
            keys += count
    return keys
