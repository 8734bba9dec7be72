"""What is refused or goes wrong with a job on EMR."""

from jobs.errors import Interrupted, JobError


class PackingFailed(JobError):
    """The archive of the jobs could not be made."""

    def __init__(self, *, reason: str) -> None:
        super().__init__(
            f"the jobs could not be packed ({reason}): put that right and submit again; nothing "
            "was sent"
        )
        self.reason = reason


class EmrRefused(JobError):
    """AWS refuses a call: a right is missing, or an argument is not what it takes."""

    def __init__(self, *, call: str, reason: str, remedy: str) -> None:
        super().__init__(f"AWS refuses {call} ({reason}): {remedy}")
        self.call, self.reason = call, reason


class EmrUnavailable(JobError):
    """AWS can't be reached, or has no time for a call."""

    def __init__(self, *, call: str, reason: str, cluster: str | None = None) -> None:
        left = f"; cluster {cluster} may still be at work" if cluster else ""
        super().__init__(
            f"AWS did not answer {call} ({reason}){left}: run the same command again later"
        )
        self.call, self.reason = call, reason


class SameJobRunning(JobError):
    """A job of that name with other words, or on another store, has not ended yet."""

    def __init__(self, *, name: str, cluster: str, state: str) -> None:
        super().__init__(
            f"{name} is at work already: cluster {cluster} is {state}; wait until it has ended, "
            "then run the same command again"
        )
        self.name, self.cluster, self.state = name, cluster, state


class ClusterEnded(JobError):
    """AWS had no machines for the job, or lost one before the job had ended."""

    def __init__(self, *, cluster: str, reason: str) -> None:
        super().__init__(
            f"cluster {cluster} ended before the job did ({reason}), which can pass: run the same "
            "command again later"
        )
        self.cluster, self.reason = cluster, reason


class ClusterNotUsable(JobError):
    """EMR can't start such a cluster: another try ends in the same way."""

    def __init__(self, *, cluster: str, reason: str) -> None:
        super().__init__(
            f"cluster {cluster} ended before the job began ({reason}): put that right, then run "
            "the same command again"
        )
        self.cluster, self.reason = cluster, reason


class JobCancelled(JobError):
    """Somebody else ended the cluster while the job ran."""

    def __init__(self, *, cluster: str, reason: str) -> None:
        super().__init__(
            f"somebody ended cluster {cluster} while the job ran ({reason}): requests see what "
            "they saw before; run the same command again"
        )
        self.cluster, self.reason = cluster, reason


class JobLost(JobError):
    """The job ended and could not say how."""

    def __init__(self, *, cluster: str, state: str) -> None:
        super().__init__(
            f"the job on cluster {cluster} ended as {state} and did not say how: look at its log, "
            "then run the same command again"
        )
        self.cluster, self.state = cluster, state


class StillRunning(JobError):
    """An interrupted command could not end its cluster."""

    def __init__(self, *, cluster: str, reason: str) -> None:
        super().__init__(
            f"interrupted, and cluster {cluster} could not be ended ({reason}): end it in the "
            "console of EMR"
        )
        self.cluster, self.reason = cluster, reason


class LeftRunning(Interrupted):
    """An interrupted command has followed a cluster that another machine asked for."""

    def __init__(self, *, command: str, cluster: str) -> None:
        JobError.__init__(
            self,
            f"interrupted: cluster {cluster}, which another machine began, goes on: run `ontem "
            f"{command}` again to follow it, or end it in the console of EMR",
        )
        self.command, self.cluster = command, cluster


class NotFollowed(JobError):
    """AWS does not let the command look at the cluster that it has started."""

    def __init__(self, *, cluster: str, reason: str, is_ended: bool) -> None:
        state = "was told to end" if is_ended else "may be at work: end it in the console of EMR"
        super().__init__(f"{reason}; cluster {cluster} {state}")
        self.cluster, self.is_ended = cluster, is_ended


class WheelNotNamed(JobError):
    """There is not just one wheel to submit."""

    def __init__(self, *, folder: str, count: int) -> None:
        super().__init__(
            f"{folder} has {count} wheels of Ontem: build one with `make package`, or name one "
            "with --wheel"
        )
        self.folder, self.count = folder, count


class StoreNotOnS3(JobError):
    """A cluster can't reach the offline store, or a Java there would not understand its name."""

    def __init__(self, *, url: str) -> None:
        found = f"is {url!r}" if url else "is not set"
        super().__init__(
            f"ONTEM_STORAGE_URL {found}: EMR needs a bucket such as s3://bucket/folder, with ASCII "
            "letters, digits, dots, dashes, underlines and slashes alone"
        )
        self.url = url
