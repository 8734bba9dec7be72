"""deploy/kubernetes is what Kubernetes accepts, and names only what Ontem has."""

import copy
import re
from functools import partial
from pathlib import Path
from typing import Any

import click
import pytest
from jsonschema import ValidationError

from jobs.entry import cores_of, spark_master
from jobs.exit_codes import EXIT_CODES, REPEATED
from ontem.cli import main
from service.commands import serve
from service.server import Binding, options
from tests.delivery.kustomize import containers, pod_of, render, the

PROJECT = Path(__file__).resolve().parents[2]
KUBERNETES = PROJECT / "deploy" / "kubernetes"
OLDEST = "1.31"
"""The first one in which all fields that the manifests use are there for good."""
PRODUCTION = render(KUBERNETES / "overlays" / "production")
WITH_NIGHTS = PRODUCTION + render(KUBERNETES / "components" / "night")
WITH_PASSWORD = render(KUBERNETES / "components" / "registry", WITH_NIGHTS)
OF_AWS = {"AWS_REGION"}


@pytest.fixture(params=[OLDEST, "newest"])
def check(request):
    """Raises ValidationError for what that version of Kubernetes would refuse."""
    import kubernetes_validate

    newest = kubernetes_validate.latest_version()
    version = newest if request.param == "newest" else request.param
    return partial(kubernetes_validate.validate, desired_version=version, strict=True)


@pytest.mark.parametrize("manifest", WITH_PASSWORD, ids=lambda each: each["kind"])
def test_a_manifest_is_valid_against_the_schema_of_kubernetes(manifest, check):
    check(manifest)


def test_a_field_that_kubernetes_does_not_know_is_found(check):
    manifest = copy.deepcopy(the(PRODUCTION, "Deployment", "service"))
    pod_of(manifest)["containers"][0]["readynessProbe"] = {}

    with pytest.raises(ValidationError, match="readynessProbe"):
        check(manifest)


def test_every_file_is_part_of_something_that_is_rolled_out():
    listed = {
        folder / name
        for folder in (file.parent for file in KUBERNETES.rglob("kustomization.yaml"))
        for name in re.findall(r"[\w./-]+", (folder / "kustomization.yaml").read_text())
    }

    written = set(KUBERNETES.rglob("*.yaml")) - set(KUBERNETES.rglob("kustomization.yaml"))
    # A roll-out that runs at this moment has its draft beside the overlays, in a hidden folder.
    ours = {
        file
        for file in written
        if not any(part[0] == "." for part in file.relative_to(KUBERNETES).parts)
    }
    assert ours
    assert ours <= listed


def test_the_configuration_names_variables_that_the_code_reads():
    rooms = ("features_pkg", "stores", "jobs", "service", "ontem")
    sources = [path.read_text() for room in rooms for path in (PROJECT / room).rglob("*.py")]
    configured = set(the(WITH_NIGHTS, "ConfigMap", "ontem")["data"])

    assert {name for name in configured if not any(f'"{name}"' in text for text in sources)} <= {
        *OF_AWS
    }


@pytest.mark.parametrize(
    "manifests", [render(KUBERNETES / "base"), PRODUCTION], ids=["base", "production"]
)
def test_the_pods_of_the_service_know_how_many_they_are(manifests):
    pods = the(manifests, "ConfigMap", "ontem")["data"]["ONTEM_PODS"]

    assert pods == str(the(manifests, "Deployment", "service")["spec"]["replicas"])


def test_no_file_holds_a_secret():
    for manifest in WITH_NIGHTS:
        assert manifest["kind"] != "Secret"
    for container in containers(WITH_NIGHTS):
        assert {each["name"] for each in container.get("env", ())} <= {"SPARK_MASTER"}
        secret = "ontem-service" if container["name"] == "service" else "ontem"
        assert container["envFrom"] == [
            {"configMapRef": {"name": "ontem"}},
            {"secretRef": {"name": secret}},
        ]


@pytest.mark.parametrize("container", list(containers(WITH_NIGHTS)), ids=lambda each: each["name"])
def test_a_container_runs_a_command_with_such_options(container):
    command, *words = container["args"]
    context = click.Context(main)

    assert main.get_command(context, command).make_context(command, words, parent=context)
    assert "command" not in container


@pytest.mark.parametrize(
    "manifest", [each for each in WITH_NIGHTS if pod_of(each)], ids=lambda e: e["kind"]
)
def test_a_pod_may_do_no_more_than_it_must(manifest):
    pod = pod_of(manifest)

    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "runAsGroup": 10001,
        "fsGroup": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert [volume["name"] for volume in pod["volumes"] if "emptyDir" in volume] == ["tmp"]
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108
    assert container["resources"]["limits"]["memory"]
    assert set(container["resources"]["requests"]) >= {"cpu", "memory"}
    assert container["image"].startswith("registry.invalid/")  # never pulled by mistake


@pytest.mark.parametrize("container", list(containers(WITH_NIGHTS)), ids=lambda each: each["name"])
def test_the_image_of_a_container_has_ontem_as_its_entry_point(container):
    name = container["image"].rpartition("/")[2]
    stage = (PROJECT / "deploy" / "Dockerfile").read_text().split(f" AS {name}\n")[1]

    assert 'ENTRYPOINT ["ontem"]' in stage.split("\nFROM ")[0]


def served() -> dict[str, Any]:
    """What `ontem serve` takes the container's words for."""
    (container,) = pod_of(the(PRODUCTION, "Deployment", "service"))["containers"]
    return dict(serve.make_context("serve", container["args"][1:]).params)


def test_the_port_is_the_one_that_the_service_listens_on_and_that_others_are_sent_to():
    (container,) = pod_of(the(PRODUCTION, "Deployment", "service"))["containers"]
    (port,) = container["ports"]
    (sent_to,) = the(PRODUCTION, "Service", "service")["spec"]["ports"]

    assert served()["bind"] == f"0.0.0.0:{port['containerPort']}"
    assert sent_to["targetPort"] == port["name"]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["port"] == port["name"]


def test_who_is_chosen_by_a_selector_are_the_pods_of_the_service():
    deployment = the(PRODUCTION, "Deployment", "service")
    labels = deployment["spec"]["template"]["metadata"]["labels"]

    assert deployment["spec"]["selector"]["matchLabels"] == labels
    assert the(PRODUCTION, "Service", "service")["spec"]["selector"] == labels
    budget = the(PRODUCTION, "PodDisruptionBudget", "service")
    assert budget["spec"]["selector"]["matchLabels"] == labels
    for spread in pod_of(deployment)["topologySpreadConstraints"]:
        assert spread["labelSelector"]["matchLabels"] == labels
    others = [the(WITH_NIGHTS, "Job", "migrate"), the(WITH_NIGHTS, "CronJob", "night")]
    assert all(each["metadata"]["labels"] != labels for each in others)


def test_kubernetes_waits_longer_than_a_service_takes_to_drain():
    pod = pod_of(the(PRODUCTION, "Deployment", "service"))
    drain, requests = served()["drain_seconds"], options(Binding())["graceful_timeout"]

    assert drain + requests < pod["terminationGracePeriodSeconds"]


def test_a_draining_service_still_answers_when_kubernetes_has_noticed():
    pod = pod_of(the(PRODUCTION, "Deployment", "service"))
    ready = pod["containers"][0]["readinessProbe"]
    noticed = ready["periodSeconds"] * ready["failureThreshold"] + ready["timeoutSeconds"]

    assert noticed < served()["drain_seconds"]


def test_the_page_says_how_a_changed_secret_reaches_the_pods_that_run():
    page = (PROJECT / "docs" / "delivery.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^    (kubectl .* rollout restart .*)$", page, re.MULTILINE)
    deployment = the(PRODUCTION, "Deployment", "service")["metadata"]

    name, namespace = deployment["name"], deployment["namespace"]
    assert line == f"kubectl --namespace {namespace} rollout restart deployment/{name}"


def test_a_roll_out_never_has_fewer_pods_than_before():
    strategy = the(PRODUCTION, "Deployment", "service")["spec"]["strategy"]

    assert strategy["rollingUpdate"]["maxUnavailable"] == 0
    assert strategy["rollingUpdate"]["maxSurge"] > 0


def test_production_does_not_run_the_nights_twice():
    assert "CronJob" not in {manifest["kind"] for manifest in PRODUCTION}


def test_images_are_pulled_with_a_password_where_the_registry_wants_one():
    pods = [pod for pod in map(pod_of, WITH_PASSWORD) if pod]

    assert len(pods) == 3
    assert all(pod["imagePullSecrets"] == [{"name": "registry"}] for pod in pods)
    assert not [pod for pod in map(pod_of, WITH_NIGHTS) if "imagePullSecrets" in pod]


def test_a_migration_works_as_long_as_it_has_to():
    job = the(PRODUCTION, "Job", "migrate")["spec"]

    assert "activeDeadlineSeconds" not in job
    assert "activeDeadlineSeconds" not in pod_of(the(PRODUCTION, "Job", "migrate"))


def test_a_night_begins_after_midnight_of_the_business_zone_and_alone():
    night = the(WITH_NIGHTS, "CronJob", "night")["spec"]
    configuration = the(WITH_NIGHTS, "ConfigMap", "ontem")["data"]

    assert night["timeZone"] == configuration["BUSINESS_TIMEZONE"]
    minute, hour, *every_day = night["schedule"].split()
    assert (int(hour), every_day) == (0, ["*", "*", "*"])
    assert int(minute) > 0
    assert night["concurrencyPolicy"] == "Forbid"
    assert night["jobTemplate"]["spec"]["activeDeadlineSeconds"] < 24 * 3_600


def test_a_night_has_a_worker_for_each_core_that_it_asks_for():
    (container,) = pod_of(the(WITH_NIGHTS, "CronJob", "night"))["containers"]
    (master,) = (each["value"] for each in container["env"] if each["name"] == "SPARK_MASTER")

    cores = container["resources"]["requests"]["cpu"]
    assert spark_master({"SPARK_MASTER": master}) == f"local[{cores}]"
    assert cores_of(master) == int(cores)  # the extraction's processes


@pytest.mark.parametrize("kind", ["Job", "CronJob"])
def test_a_job_is_started_again_after_the_exit_codes_that_say_so(kind):
    (manifest,) = (each for each in WITH_NIGHTS if each["kind"] == kind)
    job = manifest["spec"].get("jobTemplate", manifest)["spec"]
    ignored, failed = job["podFailurePolicy"]["rules"]

    assert ignored == {
        "action": "Ignore",
        "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
    }
    assert failed["action"] == "FailJob"
    assert failed["onExitCodes"]["operator"] == "In"
    assert failed["onExitCodes"]["containerName"] == pod_of(manifest)["containers"][0]["name"]
    of_the_command_line = 2
    assert {*EXIT_CODES.values(), of_the_command_line} - REPEATED == {
        *failed["onExitCodes"]["values"]
    }
    assert job["backoffLimit"] > 0
    assert pod_of(manifest)["restartPolicy"] == "Never"  # without it the policy is refused
