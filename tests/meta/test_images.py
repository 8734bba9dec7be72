"""The images have what runs in them, and nothing that builds."""

import json
import re
from pathlib import Path

import click
import pytest
import yaml

from ontem.cli import main
from tests.image_files import STDLIB, closed_files, image_files, last, stages
from tests.package_files import LINUX

PROJECT = Path(__file__).resolve().parents[2]
IMAGES = ("service", "jobs")
SITE = "/app/.venv/lib/python3.13/site-packages/"


@pytest.fixture(params=IMAGES)
def image(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def packages(image: str) -> set[str]:
    return {name.removeprefix(SITE).split("/")[0] for name in image_files(image) if SITE in name}


def test_every_stage_can_be_built_from_what_is_there():
    for name in stages():
        assert image_files(name) or name == "scratch"


def test_an_image_has_the_wheel_and_its_command(image):
    words = [*json.loads(last(image, "ENTRYPOINT")), *json.loads(last(image, "CMD"))]

    assert f"/app/.venv/bin/{words[0]}" in image_files(image)
    assert {"ontem", "features_pkg", "stores", "jobs", "service", "sql"} <= packages(image)
    assert SITE + "ontem/built.json" in image_files(image)
    command = words[1]
    context = click.Context(main)
    if not command.startswith("-"):
        found = main.get_command(context, command)
        assert found
        assert found.make_context(command, words[2:], parent=context)


def test_an_image_runs_as_a_numbered_user_from_a_folder_that_it_has(image):
    assert last(image, "USER") == "10001:10001"  # Kubernetes wants a number
    assert last(image, "WORKDIR") == "/app"
    assert "/app/" in image_files(image)
    assert "/app/.ontem/" in image_files(image)  # by which the project's folder is found


def test_an_image_has_nothing_that_builds_or_tests(image):
    files = image_files(image)

    assert not [name for name in files if name.rpartition("/")[2] in ("pip", "uv", "pip3", "git")]
    assert not [name for name in files if name.startswith(("/opt/uv", "/opt/hatch", "/build"))]
    assert not [name for name in files if "/tests/meta/" in name or name.endswith("/Makefile")]
    assert not packages(image) & {"pytest", "hatchling", "mypy", "moto", "_pytest", "psutil", "uv"}


@pytest.mark.parametrize("target", [*IMAGES, "s3"])
def test_what_an_image_takes_of_the_checkout_its_user_may_read_whatever_the_umask_was(target):
    assert last(target, "USER") == "10001:10001"
    assert closed_files(target) == []


def test_python_s_own_modules_are_compiled_where_their_user_can_t_do_it(image):
    assert f"{STDLIB}/__pycache__/os.pyc" in image_files(image)
    assert f"{STDLIB}/ensurepip/__init__.py" not in image_files(image)


def test_the_service_has_no_spark_no_arrow_and_no_java():
    unwanted = {"pyspark", "py4j", "pyarrow", "pandas", "pyiceberg", "sqlalchemy", "rich", "boto3"}

    assert not packages("service") & unwanted
    assert {"flask", "gunicorn", "psycopg", "redis", "sklearn"} <= packages("service")
    assert not [name for name in image_files("service") if name.endswith((".jar", "/java"))]


def test_the_jobs_have_spark_java_and_the_connectors_to_s3():
    files = image_files("jobs")

    assert {"pyspark", "pyarrow", "pandas", "pyiceberg", "alembic"} <= packages("jobs")
    assert "/opt/java/openjdk/bin/java" in files
    assert "ENV JAVA_HOME=/opt/java/openjdk" in (PROJECT / "deploy" / "Dockerfile").read_text()
    assert [name for name in files if name.startswith("/app/.ontem/jars/hadoop-aws-")]


def test_every_image_of_others_is_in_the_one_list_with_the_same_digest():
    lines = (PROJECT / "deploy" / "images.txt").read_text(encoding="utf-8").splitlines()
    listed = {line for line in lines if line and not line.startswith("#")}
    dockerfile = (PROJECT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    compose = yaml.safe_load((PROJECT / "docker-compose.yml").read_text(encoding="utf-8"))
    named = set(re.findall(r"^ARG \w+_IMAGE=(\S+)$", dockerfile, re.MULTILINE))
    named |= {each["image"] for each in compose["services"].values() if "image" in each}

    assert named == listed
    for stage in stages().values():
        assert stage.base in stages() or stage.base in (
            "scratch",
            "${PYTHON_IMAGE}",
            "${JAVA_IMAGE}",
        )


def test_the_python_of_the_images_is_the_one_that_the_files_are_counted_for():
    dockerfile = (PROJECT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    version = LINUX["python_version"]

    assert f"PYTHON_IMAGE=python:{version}-" in dockerfile
    assert not re.findall(r"python3", dockerfile)  # a path that another version would not have
