"""EMR as botocore's Stubber: it checks every argument of a call against the service's own model."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.config import Config
from botocore.stub import ANY, Stubber

from jobs.emr.clusters import ACTIVE, Clusters
from jobs.emr.follow import Follower
from jobs.emr.objects import S3Url
from jobs.emr.sizes import MACHINES, size_for
from jobs.emr.submission import Account, Submission

CLUSTER, OTHER = "j-OURS", "j-OTHER"
ACCOUNT = Account(
    release="emr-spark-8.1.0",
    service_role="EMR_Service",
    instance_profile="EMR_Machines",
    subnet="subnet-1",
    log_uri="s3://bucket/store/deploy/logs/",
    instance_type="r6i.2xlarge",
)
NIGHT = Submission(
    name="ontem-night-2026-11-26",
    words=("night", "--as-of", "2026-11-26"),
    size=size_for("night", 10_000_000, MACHINES["r6i.2xlarge"]),
    package=S3Url("bucket", "store/deploy/0.1.7-abc"),
    outcome=S3Url("bucket", "store/deploy/outcomes/ontem-night-2026-11-26/laptop-1f.json"),
    secrets="prod/ontem,/prod/redis",
    variables={"ONTEM_STORAGE_URL": "s3://bucket/store", "MAX_STALE_DAYS": "3"},
)


def an_emr() -> tuple[Any, Stubber]:
    """A client of EMR that asks once, and what it is answered."""
    client = boto3.client(
        "emr", region_name="sa-east-1", aws_access_key_id="a", aws_secret_access_key="b",
        config=Config(retries={"total_max_attempts": 1}),
    )  # fmt: skip
    return client, Stubber(client)


@dataclass
class Emr:
    """The answers of EMR in their order, and what the follower says."""

    said: list[str] = field(default_factory=list)
    pauses: int = 0

    def __post_init__(self) -> None:
        self.client, self.stub = an_emr()
        self.stub.activate()

    @property
    def follower(self) -> Follower:
        return Follower(clusters=Clusters(self.client), say=self.said.append, pause=self.pause)

    def pause(self, _seconds: float) -> None:
        self.pauses += 1

    def active(self, *clusters: tuple[str, str, int]) -> None:
        """The clusters that have not ended: name, id and second of their beginning."""
        found = [
            {
                "Id": id_,
                "Name": name,
                "Status": {
                    "State": "RUNNING",
                    "Timeline": {"CreationDateTime": datetime(2026, 11, 26, 3, 0, at, tzinfo=UTC)},
                },
            }
            for name, id_, at in clusters
        ]
        self.stub.add_response(
            "list_clusters", {"Clusters": found}, {"ClusterStates": list(ACTIVE)}
        )

    def starts(self, submission: Submission = NIGHT) -> None:
        self.stub.add_response("run_job_flow", {"JobFlowId": CLUSTER}, submission.request(ACCOUNT))

    def begins(self) -> None:
        """Nothing of that name is at work; ours starts."""
        self.active(("ontem-night-2026-11-25", OTHER, 1))
        self.starts()
        self.active((NIGHT.name, CLUSTER, 2), ("another", OTHER, 1))

    def is_at(
        self, state: str, step: str, code: str = "", message: str = "", *, cluster: str = CLUSTER
    ) -> None:
        """What it says when it is asked how far the cluster is."""
        reason = {"Code": code, "Message": message} if code else {}
        status = {"State": state, "StateChangeReason": reason}
        self.stub.add_response(
            "describe_cluster", {"Cluster": {"Id": cluster, "Status": status}},
            {"ClusterId": cluster},
        )  # fmt: skip
        steps = [{"Id": "s-1", "Name": NIGHT.name, "Status": {"State": step}}]
        self.stub.add_response("list_steps", {"Steps": steps}, {"ClusterId": cluster})

    def does(self, cluster: str, words: Sequence[str]) -> None:
        """What it says when it is asked what the step of a cluster does."""
        step = {"Id": "s-1", "Config": {"Jar": "command-runner.jar", "Args": list(words)}}
        self.stub.add_response("list_steps", {"Steps": [step]}, {"ClusterId": cluster})

    def ends(self, cluster: str = CLUSTER) -> None:
        self.stub.add_response("terminate_job_flows", {}, {"JobFlowIds": [cluster]})

    def refuses(self, call: str, code: str, message: str) -> None:
        self.stub.add_client_error(call, code, message, 400, expected_params=None)


__all__ = ["ACCOUNT", "ANY", "CLUSTER", "NIGHT", "OTHER", "Emr", "an_emr"]
