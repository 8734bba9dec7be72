"""The clusters of an account: one for each job, which ends with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from jobs.emr.aws import aws_errors

ACTIVE: Final = ("STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING")
ENDED: Final = ("TERMINATED", "TERMINATED_WITH_ERRORS")
BY_A_USER: Final = "USER_REQUEST"
PASSING: Final = ("INTERNAL_ERROR", "INSTANCE_FAILURE", "INSTANCE_FLEET_TIMEOUT")
"""The codes of what is AWS's own: no machines are free, or one broke. It is a VALIDATION_ERROR that
a role, a subnet or a kind of machine can't be used, and a BOOTSTRAP_FAILURE that machines could not
be set up."""


class ActiveCluster(NamedTuple):
    """A cluster that has not ended; the one that was asked for first is the least."""

    created_at: datetime
    id: str
    state: str


@dataclass(frozen=True, slots=True)
class View:
    """How far a cluster and its one step are, in EMR's words."""

    cluster: str
    state: str
    step: str
    code: str = ""
    message: str = ""
    """Why the cluster is in this state."""

    @property
    def is_done(self) -> bool:
        """Whether the job ended well; the cluster ends by itself then."""
        return self.step == "COMPLETED"

    @property
    def has_ended(self) -> bool:
        """Whether the cluster has ended, and with it all that ran there."""
        return self.state in ENDED

    @property
    def can_pass(self) -> bool:
        """Whether the cluster ended of what the next one may be spared."""
        return self.has_ended and self.code in PASSING

    @property
    def reason(self) -> str:
        """Why it ended, in one line."""
        return ": ".join(filter(None, (self.code, self.message.rstrip(".")))) or self.state


@dataclass(frozen=True, slots=True)
class Clusters:
    """Asks EMR. Each call raises EmrRefused or EmrUnavailable."""

    client: Any

    def active(self, name: str, own: str | None = None) -> list[ActiveCluster]:
        """The clusters of that name that have not ended, oldest first; `own` is said in errors."""
        found = []
        with aws_errors("elasticmapreduce:ListClusters", own):
            pages = self.client.get_paginator("list_clusters")
            for page in pages.paginate(ClusterStates=list(ACTIVE)):
                for each in page["Clusters"]:
                    if each["Name"] == name:
                        status = each["Status"]
                        created_at = status["Timeline"]["CreationDateTime"]
                        found.append(ActiveCluster(created_at, each["Id"], status["State"]))
        return sorted(found)

    def start(self, request: Mapping[str, Any]) -> str:
        """Ask for a cluster; its id."""
        with aws_errors("elasticmapreduce:RunJobFlow"):
            return str(self.client.run_job_flow(**request)["JobFlowId"])

    def look(self, cluster: str) -> View:
        """How far a cluster is."""
        with aws_errors("elasticmapreduce:DescribeCluster", cluster):
            status = self.client.describe_cluster(ClusterId=cluster)["Cluster"]["Status"]
        with aws_errors("elasticmapreduce:ListSteps", cluster):
            steps = self.client.list_steps(ClusterId=cluster)["Steps"]
        reason = status.get("StateChangeReason", {})
        return View(
            cluster=cluster,
            state=status["State"],
            step=steps[0]["Status"]["State"] if steps else "PENDING",
            code=reason.get("Code", ""),
            message=reason.get("Message", ""),
        )

    def step_words(self, cluster: str) -> list[str]:
        """The command line of a cluster's step; empty where there is none yet."""
        with aws_errors("elasticmapreduce:ListSteps", cluster):
            steps = self.client.list_steps(ClusterId=cluster)["Steps"]
        return list(steps[0]["Config"]["Args"]) if steps else []

    def end(self, cluster: str) -> None:
        """Ask for the end of a cluster and of all that runs there."""
        with aws_errors("elasticmapreduce:TerminateJobFlows", cluster):
            self.client.terminate_job_flows(JobFlowIds=[cluster])
