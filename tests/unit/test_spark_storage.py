"""Spark's options for each kind of offline store."""

import os

import pytest

from jobs.entry import hand_on_aws_variables
from jobs.spark.storage import storage_options

PREFIX = "spark.hadoop.fs.s3a."
S3 = "s3://bucket/root"


def test_a_folder_needs_no_options():
    environ = {"AWS_ENDPOINT_URL": "http://localhost:9000", "AWS_REGION": "sa-east-1"}

    assert storage_options("file:///var/lib/ontem", environ) == {}


@pytest.mark.parametrize("url", [S3, "s3a://bucket/root"])
def test_the_sdk_finds_the_credentials_and_s3a_the_region(url):
    options = storage_options(url, {})

    assert options == {
        f"{PREFIX}aws.credentials.provider": (
            "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider"
        )
    }


def test_no_secret_becomes_an_option():
    options = storage_options(
        S3, {"AWS_ACCESS_KEY_ID": "an-id", "AWS_SECRET_ACCESS_KEY": "a-secret"}
    )

    assert options == storage_options(S3, {})


def test_an_endpoint_is_asked_by_path():
    options = storage_options(S3, {"AWS_ENDPOINT_URL": "http://localhost:9000"})

    assert options[f"{PREFIX}endpoint"] == "http://localhost:9000"
    assert options[f"{PREFIX}path.style.access"] == "true"


@pytest.mark.parametrize(
    ("narrow", "used"), [("http://s3.local", "http://s3.local"), ("", "http://all.local")]
)
def test_the_endpoint_of_s3_alone_wins_over_that_of_all_services(narrow, used):
    options = storage_options(
        S3, {"AWS_ENDPOINT_URL_S3": narrow, "AWS_ENDPOINT_URL": "http://all.local"}
    )

    assert options[f"{PREFIX}endpoint"] == used


@pytest.mark.parametrize(
    ("region", "used"), [("sa-east-1", "sa-east-1"), ("", "us-west-2")], ids=["set", "empty"]
)
def test_the_region_wins_over_the_default_region(region, used):
    options = storage_options(S3, {"AWS_REGION": region, "AWS_DEFAULT_REGION": "us-west-2"})

    assert options[f"{PREFIX}endpoint.region"] == used


def test_aws_variables_of_a_project_reach_the_process_and_no_others(monkeypatch):
    environ = {"AWS_PROFILE": "night", "ONTEM_ENTITY_KEY": "a secret"}
    monkeypatch.setattr("os.environ", {})

    hand_on_aws_variables(environ)

    assert os.environ == {"AWS_PROFILE": "night"}
