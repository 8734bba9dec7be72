"""A past, a job to run its nights, and what a request reads afterwards."""

from datetime import UTC, date, datetime, timedelta

import redis

from features_pkg.entity_keys import EntityKeys
from features_pkg.identifiers import Event
from features_pkg.timelines.read import EventTimeline, decode
from jobs.job import Job
from jobs.snapshot.night import SnapshotResult, snapshot
from stores.redis.published import read_published
from tests.integration.history import History
from tests.online import timeline_at

JUNE = date(2018, 6, 1)
CUTOFF = datetime(2018, 6, 1, 3, tzinfo=UTC)
HOUR = timedelta(hours=1)


class NightShop:
    """A past, a job to run its nights, and what a request reads afterwards."""

    def __init__(self, history: History, job: Job, client: "redis.Redis") -> None:
        self.history, self.job, self.client = history, job, client
        self.timelines = job.feature_set.timelines_id

    def night(self, as_of: date = JUNE) -> SnapshotResult:
        return snapshot(self.job, as_of)

    def timeline(
        self, identifier: str, value: str, event: Event = Event.ORDER
    ) -> EventTimeline | None:
        """What the newest load says of an entity."""
        (*_, newest) = read_published(self.client, self.job.namespace).load_list.loads
        keys = EntityKeys(self.job.settings.entity_secret, self.timelines)
        key = keys.key(self.history.merchant_id, identifier, value)
        content = timeline_at(self.client, self.job.namespace, key, newest.load_id)
        return None if content is None else decode(content).of(event)

    def orders(self, card: str, days: int | None = None) -> int:
        timeline = self.timeline("card", card)
        return 0 if timeline is None else timeline.count(JUNE.toordinal(), days)
