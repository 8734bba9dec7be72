"""A job on EMR from its start to its end: what is asked, and what is left when it goes wrong."""

import signal
from collections.abc import Iterator
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from jobs.emr.aws import aws_errors
from jobs.emr.errors import (
    EmrRefused,
    EmrUnavailable,
    LeftRunning,
    NotFollowed,
    SameJobRunning,
    StillRunning,
)
from jobs.emr.follow import QUIET_POLLS, UNANSWERED_POLLS
from jobs.emr.objects import S3Url
from jobs.emr.submission import Submission
from jobs.errors import Interrupted
from jobs.exit_codes import exit_code
from tests.unit.emr_stub import ACCOUNT, CLUSTER, NIGHT, OTHER, Emr


@pytest.fixture
def emr() -> Iterator[Emr]:
    emr = Emr()
    yield emr
    emr.stub.assert_no_pending_responses()


def test_a_job_is_followed_to_its_end_with_progress(emr: Emr) -> None:
    emr.begins()
    for _ in range(2):
        emr.is_at("STARTING", "PENDING")
    emr.is_at("RUNNING", "RUNNING")
    emr.is_at("RUNNING", "COMPLETED")

    view, outcome = emr.follower.run(NIGHT, ACCOUNT)

    assert (view.cluster, view.is_done, outcome) == (CLUSTER, True, NIGHT.outcome)
    assert [line.split(",")[0] for line in emr.said[1:]] == [
        "  cluster starting", "  cluster running", "  cluster running",
    ]  # fmt: skip
    assert "after 0 min" in emr.said[1]
    assert emr.pauses == 3


def test_what_does_not_change_is_said_again_so_that_a_runner_sees_output(emr: Emr) -> None:
    emr.begins()
    for _ in range(QUIET_POLLS + 1):
        emr.is_at("RUNNING", "RUNNING")
    emr.is_at("RUNNING", "COMPLETED")

    emr.follower.run(NIGHT, ACCOUNT)

    assert len(emr.said) == 4


def test_a_failed_job_is_waited_for_until_its_cluster_has_ended(emr: Emr) -> None:
    emr.begins()
    emr.is_at("RUNNING", "FAILED")
    emr.is_at("TERMINATING", "FAILED")
    emr.is_at("TERMINATED_WITH_ERRORS", "FAILED", "STEP_FAILURE", "Shut down as step failed")

    view, _ = emr.follower.run(NIGHT, ACCOUNT)

    assert not view.is_done
    assert view.reason == "STEP_FAILURE: Shut down as step failed"


def of_another_version(machine: str, name: str = NIGHT.name) -> Submission:
    """The same job, as another command has submitted it."""
    outcome = S3Url("bucket", f"store/deploy/outcomes/{name}/{machine}-2e.json")
    return replace(NIGHT, package=S3Url("bucket", "store/deploy/0.1.6-def"), outcome=outcome)


@pytest.mark.parametrize(
    "running",
    [
        ["bash", "-c", "exit"],
        replace(NIGHT, words=("night", "--backfill", "2026-11-20", "2026-11-26")).step_words,
        replace(NIGHT, outcome=S3Url("stage", NIGHT.outcome.key)).step_words,
    ],
)
def test_another_job_of_the_same_name_is_neither_followed_nor_started_twice(
    emr: Emr, running: list[str]
) -> None:
    emr.active((NIGHT.name, OTHER, 1))
    emr.does(OTHER, running)

    with pytest.raises(SameJobRunning, match=f"{NIGHT.name} is at work already: cluster {OTHER}"):
        emr.follower.run(NIGHT, ACCOUNT)


def test_a_job_that_is_at_work_is_followed_to_its_end(emr: Emr) -> None:
    running = of_another_version("build-7")
    emr.active((NIGHT.name, OTHER, 1))
    emr.does(OTHER, running.step_words)
    emr.is_at("RUNNING", "RUNNING", cluster=OTHER)
    emr.is_at("RUNNING", "COMPLETED", cluster=OTHER)

    view, outcome = emr.follower.run(NIGHT, ACCOUNT)

    assert (view.cluster, view.is_done, outcome) == (OTHER, True, running.outcome)
    assert emr.said[0] == f"  cluster {OTHER} does {NIGHT.name} already, and is followed"


def test_an_interrupt_ends_what_this_machine_has_begun_before(emr: Emr) -> None:
    emr.active((NIGHT.name, OTHER, 1))
    emr.does(OTHER, of_another_version("laptop").step_words)
    emr.is_at("RUNNING", "RUNNING", cluster=OTHER)
    emr.ends(OTHER)
    emr.is_at("TERMINATED", "CANCELLED", cluster=OTHER)
    follower = emr.follower
    follower.pause = lambda _: signal.raise_signal(signal.SIGTERM)

    with pytest.raises(Interrupted, match="run `ontem emr submit night` again"):
        follower.run(NIGHT, ACCOUNT)


def test_an_interrupt_leaves_what_another_machine_has_begun(emr: Emr) -> None:
    emr.active((NIGHT.name, OTHER, 1))
    emr.does(OTHER, of_another_version("laptop-2").step_words)
    emr.is_at("RUNNING", "RUNNING", cluster=OTHER)
    follower = emr.follower
    follower.pause = lambda _: signal.raise_signal(signal.SIGINT)

    with pytest.raises(LeftRunning, match=f"cluster {OTHER}, which another machine") as interrupted:
        follower.run(NIGHT, ACCOUNT)

    assert exit_code(interrupted.value) == 130


def test_of_two_that_begin_at_once_the_later_gives_way(emr: Emr) -> None:
    emr.active()
    emr.starts()
    emr.active((NIGHT.name, CLUSTER, 2), (NIGHT.name, OTHER, 1))
    emr.ends()
    emr.is_at("TERMINATING", "CANCELLED")
    emr.is_at("TERMINATED", "CANCELLED")

    with pytest.raises(SameJobRunning, match=OTHER) as refused:
        emr.follower.run(NIGHT, ACCOUNT)

    assert exit_code(refused.value) == 5


def test_of_two_that_begin_at_once_the_earlier_stays(emr: Emr) -> None:
    emr.active()
    emr.starts()
    emr.active((NIGHT.name, OTHER, 3), (NIGHT.name, CLUSTER, 2))
    emr.is_at("RUNNING", "COMPLETED")

    assert emr.follower.run(NIGHT, ACCOUNT)[0].is_done


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_cluster_and_waits_for_its_end(
    emr: Emr, number: signal.Signals
) -> None:
    emr.begins()
    emr.is_at("RUNNING", "RUNNING")
    emr.ends()
    emr.is_at("TERMINATING", "CANCELLED")
    emr.is_at("TERMINATED", "CANCELLED")
    follower = emr.follower

    def interrupt(_: float) -> None:
        follower.pause = emr.pause
        signal.raise_signal(number)

    follower.pause = interrupt
    with pytest.raises(Interrupted, match="run `ontem emr submit night` again") as interrupted:
        follower.run(NIGHT, ACCOUNT)

    assert exit_code(interrupted.value) == 130
    assert emr.said[-1] == f"  cluster {CLUSTER} has ended"


def test_an_interrupt_while_the_cluster_is_asked_for_ends_it_too(emr: Emr) -> None:
    emr.active()
    emr.starts()
    emr.ends()
    emr.is_at("TERMINATED", "CANCELLED")
    emr.client.meta.events.register(
        "provide-client-params.emr.RunJobFlow", lambda **_: signal.raise_signal(signal.SIGINT)
    )

    with pytest.raises(Interrupted):
        emr.follower.run(NIGHT, ACCOUNT)


def test_a_cluster_that_can_not_be_ended_is_named(emr: Emr) -> None:
    emr.begins()
    emr.is_at("RUNNING", "RUNNING")
    emr.refuses("terminate_job_flows", "AccessDeniedException", "no")
    follower = emr.follower
    follower.pause = lambda _: signal.raise_signal(signal.SIGTERM)

    with pytest.raises(StillRunning, match=f"cluster {CLUSTER} could not be ended"):
        follower.run(NIGHT, ACCOUNT)


@pytest.mark.parametrize(
    ("number", "error", "sentence"),
    [
        ("403", EmrRefused, r"\(403: Forbidden\): grant this right to whoever submits"),
        ("503", EmrUnavailable, r"\(503: Forbidden\): run the same command again later"),
    ],
)
def test_a_number_as_s3_answers_a_head_is_understood(
    number: str, error: type[Exception], sentence: str
) -> None:
    answer = ClientError({"Error": {"Code": number, "Message": "Forbidden"}}, "HeadObject")
    with pytest.raises(error, match=sentence), aws_errors("s3:GetObject"):
        raise answer


@pytest.mark.parametrize(
    ("code", "message", "error", "sentence"),
    [
        (
            "AccessDeniedException",
            "User: arn:aws:iam::1:user/ci is not authorized to perform: RunJobFlow.",
            EmrRefused,
            (
                "AWS refuses elasticmapreduce:RunJobFlow (AccessDeniedException: User: "
                "arn:aws:iam::1:user/ci is not authorized to perform: RunJobFlow): grant this right"
            ),
        ),
        (
            "ValidationException",
            "The supplied release label is invalid: emr-spark-9.",
            EmrRefused,
            "release label is invalid: emr-spark-9): give the options that it takes",
        ),
        (
            "ThrottlingException",
            "Rate exceeded",
            EmrUnavailable,
            "AWS did not answer elasticmapreduce:RunJobFlow (ThrottlingException: Rate exceeded)",
        ),
    ],
)
def test_a_refusal_of_a_start_is_one_sentence(
    emr: Emr, code: str, message: str, error: type[Exception], sentence: str
) -> None:
    emr.active()
    emr.refuses("run_job_flow", code, message)

    with pytest.raises(error) as refused:
        emr.follower.run(NIGHT, ACCOUNT)

    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)
    assert exit_code(refused.value) == (4 if error is EmrUnavailable else 1)


def test_an_emr_that_is_busy_for_a_while_loses_no_job(emr: Emr) -> None:
    emr.begins()
    for _ in range(UNANSWERED_POLLS):
        emr.refuses("describe_cluster", "ThrottlingException", "Rate exceeded")
    emr.is_at("RUNNING", "COMPLETED")

    assert emr.follower.run(NIGHT, ACCOUNT)[0].is_done


def test_an_emr_that_does_not_answer_any_more_leaves_a_cluster_that_is_named(emr: Emr) -> None:
    emr.begins()
    for _ in range(UNANSWERED_POLLS + 1):
        emr.refuses("describe_cluster", "ThrottlingException", "Rate exceeded")

    with pytest.raises(EmrUnavailable, match=f"cluster {CLUSTER} may still be at work"):
        emr.follower.run(NIGHT, ACCOUNT)


@pytest.mark.parametrize(
    ("may_end", "state"), [(True, "was told to end"), (False, "may be at work: end it")]
)
def test_a_cluster_that_may_not_be_looked_at_is_ended_and_named(
    emr: Emr,
    may_end: bool,  # noqa: FBT001  pytest gives it by name
    state: str,
) -> None:
    emr.begins()
    emr.refuses("describe_cluster", "AccessDeniedException", "no")
    if may_end:
        emr.ends()
    else:
        emr.refuses("terminate_job_flows", "AccessDeniedException", "no")

    with pytest.raises(NotFollowed, match=f"cluster {CLUSTER} {state}"):
        emr.follower.run(NIGHT, ACCOUNT)
