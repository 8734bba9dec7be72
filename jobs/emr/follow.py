"""One job on EMR from its start to its end; what began here is not left at work by an interrupt."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from jobs.emr.clusters import ActiveCluster, Clusters, View
from jobs.emr.errors import (
    EmrRefused,
    EmrUnavailable,
    LeftRunning,
    NotFollowed,
    SameJobRunning,
    StillRunning,
)
from jobs.emr.objects import S3Url
from jobs.emr.submission import Account, Step, Submission
from jobs.errors import Interrupted
from jobs.interrupts import interrupts_held, terminated_like_interrupted
from jobs.job import Say

POLL_SECONDS: Final = 15.0
QUIET_POLLS: Final = 20
"""After so many equal answers one is said again: runners end what is silent for ten minutes."""
UNANSWERED_POLLS: Final = 20
"""So many times in a row EMR may not answer."""


@dataclass(slots=True, kw_only=True)
class Follower:
    """Starts a job, or takes up one that runs; looks at it, and ends it when it is interrupted."""

    clusters: Clusters
    say: Say
    pause: Callable[[float], None] = time.sleep
    started_at: float = field(default_factory=time.monotonic)

    def run(self, submission: Submission, account: Account) -> tuple[View, S3Url]:
        """How the job of a submission ended, and where it wrote that.

        A cluster that does this very job already is followed: a command that began it may have lost
        the connection. Raises SameJobRunning, EmrRefused, EmrUnavailable, NotFollowed,
        StillRunning, LeftRunning, and Interrupted once all has ended.
        """
        for other in self.clusters.active(submission.name):
            return self._take_up(submission, other)
        return self._start(submission, account), submission.outcome

    def _take_up(self, submission: Submission, other: ActiveCluster) -> tuple[View, S3Url]:
        """How the job of a cluster that runs ended; it is this one's, too."""
        step = Step.of(self.clusters.step_words(other.id))
        if step is None or not submission.is_job_of(step):
            raise SameJobRunning(name=submission.name, cluster=other.id, state=other.state)
        self.say(f"  cluster {other.id} does {submission.name} already, and is followed")
        command = f"emr submit {submission.words[0]}"
        with terminated_like_interrupted():
            try:
                return self._follow(other.id), step.outcome
            except KeyboardInterrupt:
                if not submission.is_of_the_machine_of(step):
                    raise LeftRunning(command=command, cluster=other.id) from None
                self._end(other.id)
                raise Interrupted(command=command) from None

    def _start(self, submission: Submission, account: Account) -> View:
        """How the job on a new cluster ended."""
        cluster = None
        with terminated_like_interrupted():
            try:
                with interrupts_held():  # else it could be at work, and nobody knew its id
                    cluster = self.clusters.start(submission.request(account))
                self.say(f"  cluster {cluster} does {submission.name}")
                self._give_way(submission.name, cluster)
                return self._follow(cluster)
            except KeyboardInterrupt:
                if cluster is not None:
                    self._end(cluster)
                raise Interrupted(command=f"emr submit {submission.words[0]}") from None
            except EmrRefused as error:
                if cluster is None:
                    raise
                raise self._not_followed(cluster, error) from None

    def _not_followed(self, cluster: str, error: EmrRefused) -> NotFollowed:
        """The error of a cluster that nobody looks after, which is ended if that is allowed."""
        try:
            self.clusters.end(cluster)
        except (EmrRefused, EmrUnavailable):
            return NotFollowed(cluster=cluster, reason=str(error), is_ended=False)
        return NotFollowed(cluster=cluster, reason=str(error), is_ended=True)

    def _give_way(self, name: str, cluster: str) -> None:
        """End this cluster if another command has begun the same job a moment before."""
        first = min(self.clusters.active(name, cluster), default=None)
        if first is not None and first.id != cluster:
            self._end(cluster)
            raise SameJobRunning(name=name, cluster=first.id, state=first.state)

    def _follow(self, cluster: str) -> View:
        said, polls, unanswered = "", 0, 0
        while True:
            try:
                view = self.clusters.look(cluster)
                unanswered = 0
            except EmrUnavailable:
                unanswered += 1
                if unanswered > UNANSWERED_POLLS:
                    raise
                self.pause(POLL_SECONDS)
                continue
            state = f"cluster {view.state.lower()}, job {view.step.lower()}"
            if state != said or polls >= QUIET_POLLS:
                minutes = (time.monotonic() - self.started_at) / 60
                self.say(f"  {state}, after {minutes:.0f} min")
                said, polls = state, 0
            if view.is_done or view.has_ended:
                return view
            polls += 1
            self.pause(POLL_SECONDS)

    def _end(self, cluster: str) -> None:
        """End the cluster, and wait until it has ended. Raises StillRunning."""
        self.say(f"  ending cluster {cluster}")
        try:
            self.clusters.end(cluster)
            while not self.clusters.look(cluster).has_ended:
                self.pause(POLL_SECONDS)
        except (EmrRefused, EmrUnavailable) as error:
            raise StillRunning(cluster=cluster, reason=str(error)) from None
        self.say(f"  cluster {cluster} has ended")
