"""The steps of .circleci/config.yml that make a version of a commit, each run as its job runs it.

What only CircleCI, docker and kubectl can do is played by programs of the tests.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml

from features_pkg.definitions.feature_set import FeatureSet
from tests.delivery.checkout import ROLE, Checkout, a_checkout
from tests.delivery.circleci import every_step, pipeline
from tests.s3 import S3Server, a_bucket, keys_of

STEPS = {step.name: step for step in pipeline()}
ONE_FILE = "tests/meta/test_decisions.py"
REGISTRY = "123456789012.dkr.ecr.sa-east-1.amazonaws.com/ontem"


@pytest.fixture(scope="module")
def checkout(
    features: FeatureSet, s3: S3Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Checkout]:
    """A checkout, and a context whose AWS is the server of the tests; it has no keys of its own."""

    with a_checkout(tmp_path_factory.mktemp("circleci"), features, s3) as made:
        made.stand_in("circleci", "circleci_program.py")
        made.stand_in("docker", "recording_docker.py")
        made.stand_in("kubectl", "recording_kubectl.py")
        made.variables["ONTEM_IMAGE_REGISTRY"] = REGISTRY
        yield made


@pytest.fixture
def recorded(checkout: Checkout):
    """What the programs of the tests are asked for from now on."""
    checkout.record.write_text("")
    return lambda: [json.loads(line) for line in checkout.record.read_text().splitlines()]


@pytest.fixture(scope="module")
def packaged(checkout: Checkout) -> Checkout:
    """The checkout after the step that builds the wheel."""
    done = checkout.run(STEPS["Wheel with the model"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0.1.2" in done.stdout
    return checkout


def test_every_step_is_rehearsed_by_its_name() -> None:
    files = (Path(__file__), Path(__file__).with_name("test_circleci_jobs.py"))
    text = "".join(file.read_text() for file in files)
    commands: dict[str, set[str]] = {}
    for step in every_step():
        commands.setdefault(step.name, set()).add(step.command)

    assert [name for name in commands if f'"{name}"' not in text] == []
    assert all(len(of_a_name) == 1 for of_a_name in commands.values())


def test_a_set_up_that_finds_all_in_place_is_done(checkout: Checkout) -> None:
    done = checkout.run(STEPS["Install what is locked"])

    assert done.returncode == 0, done.stderr


def test_a_container_runs_its_share_of_the_tests_and_keeps_their_seconds(
    checkout: Checkout,
) -> None:
    # One file needs no more processes, and the first container alone measures the speed.
    alone = {"PYTEST_XDIST_AUTO_NUM_WORKERS": "0", "CIRCLE_NODE_INDEX": "1"}
    done = checkout.run(STEPS["Linters and tests"], FILES=ONE_FILE, **alone)

    assert done.returncode == 0, done.stdout + done.stderr
    results = ET.parse(checkout.folder / ".ontem" / "test-results" / "junit.xml")  # noqa: S314
    assert {case.get("file") for case in results.iter("testcase")} == {ONE_FILE}
    assert all(float(case.get("time") or "-1") >= 0 for case in results.iter("testcase"))


def test_a_container_without_a_share_does_not_run_all_tests(checkout: Checkout) -> None:
    done = checkout.run(STEPS["Linters and tests"], FILES="")

    assert (done.returncode, done.stderr) == (0, "")
    assert "no test file is left" in done.stdout


def test_the_wheel_is_published_once_as_the_role_of_the_job(
    packaged: Checkout, s3: S3Server
) -> None:
    with a_bucket(s3) as bucket:
        index = {"ONTEM_INDEX": f"s3://{bucket}/simple"}
        first, second = (packaged.run(STEPS["Wheel into the index"], **index) for _ in range(2))
        client = "simple/ontem-client/ontem_client-0.1.2-py3-none-any.whl"
        assert client in keys_of(s3, bucket)

    assert first.returncode == 0, first.stderr
    assert "0.1.2 is published at" in first.stdout
    assert (second.returncode, "was there already" in second.stdout) == (0, True)


@pytest.mark.parametrize(
    ("variables", "code", "sentence"),
    [
        ({"ONTEM_INDEX": "s3://nowhere-at-all/simple"}, 3, "there is no such bucket"),
        ({"ONTEM_AWS_ROLE": ""}, 3, "ONTEM_AWS_ROLE is not set"),
        ({"CIRCLE_OIDC_TOKEN_V2": ""}, 3, "CIRCLE_OIDC_TOKEN_V2 is not set"),
        ({"ONTEM_AWS_ROLE": "ontem"}, 1, "AWS does not let this job be ontem"),
        ({"ONTEM_AWS_ROLE_SECONDS": "1h"}, 3, "ONTEM_AWS_ROLE_SECONDS is '1h'"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, 4, "AWS does not answer"),
    ],
)
def test_what_is_refused_when_the_wheel_is_published_is_a_sentence_and_a_code(
    packaged: Checkout, variables: dict[str, str], code: int, sentence: str
) -> None:
    done = packaged.run(
        STEPS["Wheel into the index"], **{"ONTEM_INDEX": "s3://any/simple", **variables}
    )

    assert (done.returncode, len(done.stderr.splitlines())) == (code, 1), done.stderr
    assert sentence in done.stderr
    assert "a-token" not in done.stderr


def test_both_images_are_pushed_once_with_the_version_of_the_wheel(packaged, recorded) -> None:
    step = STEPS["Images into the registry"]
    first = packaged.run(step)
    assert first.returncode == 0, first.stderr
    login, *rest = recorded()
    images = [f"{REGISTRY}/{name}:0.1.2" for name in ("service", "jobs")]
    assert (login["username"], login["host"]) == ("AWS", REGISTRY.partition("/")[0])
    assert login["password"]
    assert [each["command"] for each in rest] == ["manifest", "build", "push"] * 2
    assert [each["tag"] for each in rest if each["command"] == "build"] == images
    assert {each["build_arg"] for each in rest if each["command"] == "build"} == {"WHEEL=dist"}

    second = packaged.run(step)
    assert second.returncode == 0, second.stderr
    assert [each["image"] for each in recorded() if each["command"] == "push"] == images


@pytest.mark.parametrize("refused", ["login", "push"])
def test_a_registry_that_refuses_is_a_sentence(packaged, recorded, refused: str) -> None:
    done = packaged.run(STEPS["Images into the registry"], DOCKER_REFUSES=refused)

    assert (done.returncode, len(done.stderr.splitlines())) == (4, 1), done.stderr
    assert f"the registry {REGISTRY.partition('/')[0]} does not" in done.stderr


def test_a_registry_of_others_wants_a_password(packaged, recorded) -> None:
    variables = {"ONTEM_IMAGE_REGISTRY": "registry.example.com/ontem"}
    user = {"ONTEM_REGISTRY_USER": "ci", "ONTEM_REGISTRY_PASSWORD": "secret"}
    refused = packaged.run(STEPS["Images into the registry"], **variables)
    done = packaged.run(STEPS["Images into the registry"], **variables, **user)

    assert (refused.returncode, done.returncode) == (3, 0), refused.stderr + done.stderr
    assert "ONTEM_REGISTRY_USER or ONTEM_REGISTRY_PASSWORD is not set" in refused.stderr
    assert (recorded()[0]["username"], recorded()[0]["password"]) == ("ci", "secret")


def test_the_version_of_the_wheel_is_rolled_out_on_the_cluster(
    packaged, recorded, tmp_path: Path
) -> None:
    kubeconfig = tmp_path / "config"
    cluster = {
        "KUBECONFIG": str(kubeconfig),
        "ONTEM_CLUSTER_URL": "https://cluster.example.com",
        "ONTEM_CLUSTER_CA": "cGVt",
    }
    for name in ("Reach the cluster", "Roll out"):
        done = packaged.run(STEPS[name], **cluster)
        assert done.returncode == 0, done.stderr

    written = yaml.safe_load(kubeconfig.read_text())
    assert written["users"][0]["user"]["token"] == ROLE["CIRCLE_OIDC_TOKEN_V2"]
    assert kubeconfig.stat().st_mode & 0o077 == 0
    applied = [each for line in recorded() for each in line["applied"]]
    (deployment,) = (each for each in applied if each["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"{REGISTRY}/service:0.1.2"


def test_a_cluster_that_is_not_named_is_a_sentence(packaged, tmp_path: Path) -> None:
    done = packaged.run(STEPS["Reach the cluster"], KUBECONFIG=str(tmp_path / "config"))

    assert (done.returncode, len(done.stderr.splitlines())) == (3, 1)
    assert "ONTEM_CLUSTER_URL is not set" in done.stderr
