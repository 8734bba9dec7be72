"""One job as EMR is asked for it: a cluster that does this job and ends."""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from jobs.emr.archive import FOLDER
from jobs.emr.objects import S3Url
from jobs.emr.sizes import Size

HANDED_ON: Final = (
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_REGION",
    "BUSINESS_TIMEZONE",
    "LABEL_MATURITY_DAYS",
    "MAX_STALE_DAYS",
    "ONTEM_CATALOGUE",
    "ONTEM_ENVIRONMENT",
    "ONTEM_LOG_LEVEL",
    "ONTEM_MODEL_VERIFY_KEYS",
    "ONTEM_STORAGE_URL",
    "SNAPSHOT_LAG_SECONDS",
)
"""The variables that a job on EMR gets from here. Whatever else it needs is in its secrets."""
MANAGED: Final = "for-use-with-amazon-emr-managed-policies"
"""The tag without which a service role with AWS's own policy may not start a cluster."""
ARCHIVE: Final = "environment.tar.gz"
ENTRY_FILE: Final = "ontem_job.py"
NOT_PLAIN: Final = re.compile(r"[^A-Za-z0-9.]+")
MOST_SECONDS: Final = 72_000
"""A job that hangs is ended before the one of the next day, also when nobody follows it."""
SCRIPT: Final = f"""set -euo pipefail
package=$1; shift
for file in {ARCHIVE} {ENTRY_FILE}; do aws s3 cp --no-progress "$package/$file" .; done
mkdir {FOLDER}
tar -xzf {ARCHIVE} -C {FOLDER}
exec timeout --kill-after=300 {MOST_SECONDS} "$@"
"""
"""What the step does first, in a folder of its own on the primary node: the driver is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where in AWS the clusters are."""

    release: str
    service_role: str
    instance_profile: str
    subnet: str
    log_uri: str
    instance_type: str


class Step(NamedTuple):
    """What the step of a cluster does: the job's words, and where it writes how that ended."""

    outcome: S3Url
    words: tuple[str, ...]

    @classmethod
    def of(cls, words: Sequence[str]) -> "Step | None":
        """The step with this command line; None when it is not one of ours."""
        if ENTRY_FILE not in words or "--outcome" not in words:
            return None
        outcome, *job = words[words.index("--outcome") + 1 :]
        return cls(S3Url.of(outcome), tuple(job))


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A job, its name, its words, its size, and where its files are."""

    name: str
    words: tuple[str, ...]
    size: Size
    package: S3Url
    outcome: S3Url
    secrets: str
    variables: Mapping[str, str]

    def is_job_of(self, step: Step) -> bool:
        """Whether a step does this very job on this store, of whatever version."""
        return step.words == self.words and step.outcome.folder == self.outcome.folder

    def is_of_the_machine_of(self, step: Step) -> bool:
        """Whether this machine has submitted that step."""
        return _machine(step.outcome) == _machine(self.outcome)

    @property
    def step_words(self) -> list[str]:
        """The command line of the step."""
        options = {**self.size.options, "spark.pyspark.python": f"./{FOLDER}/bin/python"}
        # In a driver of YARN's own a job had to start Spark within ten minutes, or it was ended:
        # before that come the wait for transactions and the extraction, and small nights need none.
        words = ["bash", "-c", SCRIPT, "ontem", str(self.package)]
        words += ["spark-submit", "--deploy-mode", "client", "--name", self.name]
        words += ["--archives", f"{ARCHIVE}#{FOLDER}"]
        for name, value in sorted(options.items()):
            words += ["--conf", f"{name}={value}"]
        return [*words, ENTRY_FILE, *self.entry_words]

    @property
    def entry_words(self) -> list[str]:
        """What the entry point on the driver is told; no secret is among it."""
        variables = {name: self.variables[name] for name in HANDED_ON if self.variables.get(name)}
        words = []
        for name, value in {**variables, "ONTEM_SECRETS": self.secrets}.items():
            words += ["--set", f"{name}={value}"]
        return [*words, "--outcome", str(self.outcome), *self.words]

    def request(self, account: Account) -> dict[str, Any]:
        """The arguments of RunJobFlow."""
        group = {"InstanceType": account.instance_type, "Market": "ON_DEMAND"}
        return {
            "Name": self.name,
            "ReleaseLabel": account.release,
            "Applications": [{"Name": "Spark"}],
            "LogUri": account.log_uri,
            "ServiceRole": account.service_role,
            "JobFlowRole": account.instance_profile,
            "VisibleToAllUsers": True,
            "Tags": [
                {"Key": "ontem", "Value": self.words[0]},
                {"Key": MANAGED, "Value": "true"},
            ],
            "Instances": {
                "Ec2SubnetId": account.subnet,
                "KeepJobFlowAliveWhenNoSteps": False,
                "InstanceGroups": [
                    {"InstanceRole": "MASTER", "InstanceCount": 1, **group},
                    {"InstanceRole": "CORE", "InstanceCount": self.size.workers, **group},
                ],
            },
            "Steps": [
                {
                    "Name": self.name,
                    "ActionOnFailure": "TERMINATE_CLUSTER",
                    "HadoopJarStep": {"Jar": "command-runner.jar", "Args": self.step_words},
                }
            ],
        }


def outcome_name(machine: str) -> str:
    """Another name for the outcome of each submission, which says who submitted."""
    return f"{NOT_PLAIN.sub('-', machine)}-{uuid.uuid4().hex}.json"


def _machine(outcome: S3Url) -> str:
    return outcome.name.rpartition("-")[0]
