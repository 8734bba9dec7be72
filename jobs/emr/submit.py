"""From a command line to the end of a job on EMR."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from jobs.emr.archive import Packing
from jobs.emr.clusters import BY_A_USER, Clusters, View
from jobs.emr.deploy import Deployments
from jobs.emr.driver import Outcome
from jobs.emr.errors import (
    ClusterEnded,
    ClusterNotUsable,
    EmrRefused,
    EmrUnavailable,
    JobCancelled,
    JobLost,
    WheelNotNamed,
)
from jobs.emr.follow import Follower
from jobs.emr.objects import aws_client
from jobs.emr.sizes import MACHINES, Machine, size_for
from jobs.emr.submission import Account, Submission, outcome_name
from jobs.entry import hand_on_aws_variables
from jobs.job import Say
from stores.postgres.connection import connect
from stores.settings import project_here

ORDERS: Final = 10_000_000
LOCK: Final = Path("deploy") / "locks" / "jobs.lock"
GLIBC: Final = "manylinux_2_34"
"""Of Amazon Linux 2023."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a command line asks for."""

    job: str
    words: tuple[str, ...]
    day: date
    variables: Mapping[str, str]
    release: str
    service_role: str
    instance_profile: str
    subnet: str
    secrets: str
    name: str
    instance_type: str
    orders: int | None
    wheel: Path | None
    python: str

    @property
    def machine(self) -> Machine:
        """What one machine has."""
        return MACHINES[self.instance_type]

    def account(self, deployments: Deployments) -> Account:
        """Where in AWS the cluster will be."""
        return Account(
            release=self.release,
            service_role=self.service_role,
            instance_profile=self.instance_profile,
            subnet=self.subnet,
            log_uri=f"{deployments.logs}/",
            instance_type=self.instance_type,
        )

    def packing(self, project: Path) -> Packing:
        """What is packed. Raises WheelNotNamed."""
        return Packing(
            wheel=self.wheel or only_wheel(project / "dist"),
            lock=project / LOCK,
            python=self.python,
            interpreter=f"/usr/bin/python{self.python}",
            platform=f"{self.machine.architecture}-{GLIBC}",
        )


def submit_job(request: Request, uv: str, say: Say) -> Outcome:
    """Pack, send, start and follow a job; how it ended, by its own word.

    Raises WheelNotNamed, StoreNotOnS3, PackingFailed, what `Follower.run` raises, and ClusterEnded,
    ClusterNotUsable, JobCancelled or JobLost where the job could not say how it ended.
    """
    hand_on_aws_variables(request.variables)
    s3 = aws_client("s3", request.variables)
    deployments = Deployments.of(request.variables, s3)
    packing = request.packing(project_here())
    orders = request.orders or _estimate(request.variables) or ORDERS
    size = size_for(request.job, orders, request.machine)
    name = f"{request.name}-{request.job}-{request.day}"
    say(f"{name}: {orders:,} orders, {size.workers} {request.instance_type}, one for the driver")
    submission = Submission(
        name=name,
        words=request.words,
        size=size,
        package=deployments.package(packing, uv, say),
        outcome=deployments.root.below("outcomes", name, outcome_name(socket.gethostname())),
        secrets=request.secrets,
        variables=request.variables,
    )
    follower = Follower(clusters=Clusters(aws_client("emr", request.variables)), say=say)
    view, written = follower.run(submission, request.account(deployments))
    return ended(view, submission.name, deployments.outcome(written), deployments, say)


def ended(
    view: View, name: str, outcome: Outcome | None, deployments: Deployments, say: Say
) -> Outcome:
    """How a job ended, by its own word if it could say; of a failure the end of its log is printed.

    Raises ClusterEnded, ClusterNotUsable, JobCancelled, JobLost.
    """
    if outcome is not None and not outcome.exit_code:
        say(f"  {name} is done; `ontem nights` says what it made")
        return outcome
    if view.has_ended:
        _print_log(deployments, view.cluster, say)
    if outcome is not None:
        return outcome
    if view.code == BY_A_USER:
        raise JobCancelled(cluster=view.cluster, reason=view.reason)
    if view.can_pass:
        raise ClusterEnded(cluster=view.cluster, reason=view.reason)
    if view.step in ("PENDING", "CANCELLED"):
        raise ClusterNotUsable(cluster=view.cluster, reason=view.reason)
    raise JobLost(cluster=view.cluster, state=view.step.lower())


def _print_log(deployments: Deployments, cluster: str, say: Say) -> None:
    try:
        log = deployments.driver_log(cluster)
    except (EmrRefused, EmrUnavailable) as error:
        say(f"  the log of cluster {cluster} can't be read: {error}")
        return
    if log is not None:
        url, lines = log
        say("\n".join((f"  the end of {url}:", *(f"  | {line}" for line in lines))))


def only_wheel(folder: Path) -> Path:
    """The one wheel of Ontem in a folder. Raises WheelNotNamed."""
    wheels = sorted(folder.glob("ontem-*.whl"))
    if len(wheels) != 1:
        raise WheelNotNamed(folder=str(folder), count=len(wheels))
    return wheels[0]


def _estimate(variables: Mapping[str, str]) -> int:
    """How many orders PostgreSQL thinks it has; 0 where it does not know, or is not known here."""
    url = variables.get("ONTEM_POSTGRES_URL")
    if not url:
        return 0
    with connect(url, application_name="ontem emr", autocommit=True) as connection:
        query = "SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass('orders')"
        row = connection.execute(query.encode()).fetchone()
    return max(int(str(row[0])), 0) if row else 0
