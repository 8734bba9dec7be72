"""The files of deploy/s3: AWS's own client and a server take them, and they grant no more."""

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from ontem.cli import main
from stores.offline.errors import FileMissing, StorageUnusable
from stores.offline.files import open_files
from tests.model_keys import TRUST
from tests.s3 import a_bucket
from tests.s3_policy import FOLDER, KEY_ARN, actions_of, allows, obey, policy_file
from tests.s3_proxy import an_s3_proxy

ROOT = "João/ontem"
BUCKET = "arn:aws:s3:::company-data"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "offline-store.md"
SHORTENED_ARN = "arn:aws:kms:sa-east-1:123456789012:key/…"
ROLES = ("night-role", "reader-role")


@pytest.mark.parametrize(
    ("name", "operation", "argument"),
    [
        ("public-access", "put_public_access_block", "PublicAccessBlockConfiguration"),
        ("encryption", "put_bucket_encryption", "ServerSideEncryptionConfiguration"),
        ("lifecycle", "put_bucket_lifecycle_configuration", "LifecycleConfiguration"),
    ],
)
def test_a_server_takes_and_keeps_what_a_bucket_gets(s3, name, operation, argument):
    client = s3.client()
    with a_bucket(s3) as bucket:
        content = policy_file(name, bucket=bucket, folder=ROOT)

        getattr(client, operation)(Bucket=bucket, **{argument: content})

        answer = getattr(client, operation.replace("put_", "get_"))(Bucket=bucket)
        assert content.items() <= (answer | answer.get(argument, {})).items()


def test_a_server_takes_the_policy_of_the_bucket(s3):
    with a_bucket(s3) as bucket:
        content = (FOLDER / "bucket-policy.json").read_text().replace("BUCKET", bucket)

        s3.client().put_bucket_policy(Bucket=bucket, Policy=content)

        assert s3.client().get_bucket_policy(Bucket=bucket)["Policy"] == content


def test_without_tls_everything_is_refused_to_everybody():
    (statement,) = policy_file("bucket-policy", bucket="company-data", folder=ROOT)["Statement"]

    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert statement["Action"] == "s3:*"
    assert statement["Resource"] == [BUCKET, f"{BUCKET}/*"]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@pytest.fixture
def proxy(s3, monkeypatch):
    for name, value in s3.variables.items():
        monkeypatch.setenv(name, value)
    with an_s3_proxy(s3.endpoint) as proxy:
        yield proxy


@dataclass(frozen=True)
class Place:
    s3_endpoint: str
    s3_region: str = "sa-east-1"


@pytest.mark.parametrize(("role", "writes"), [("night-role", True), ("reader-role", False)])
def test_a_role_opens_a_new_store_and_sees_that_a_file_is_missing(s3, proxy, role, writes):
    with a_bucket(s3) as bucket:
        obey(proxy, policy_file(role, bucket=bucket, folder=ROOT))

        url = f"s3://{bucket}/{ROOT}"
        files = open_files(url, Place(proxy.endpoint), writes=writes)

        assert not files.exists("runs/a")
        assert files.list("models") == ()
        with pytest.raises(FileMissing):
            files.read("tables/orders/metadata/version-hint.text")
        if not writes:
            with pytest.raises(StorageUnusable, match="credentials may not write there"):
                open_files(url, Place(proxy.endpoint))


def test_the_models_of_a_store_are_listed_with_the_rights_of_a_reader(
    s3, proxy, tmp_path, monkeypatch
):
    (tmp_path / ".ontem").mkdir()
    monkeypatch.chdir(tmp_path)
    with a_bucket(s3) as bucket:
        obey(proxy, policy_file("reader-role", bucket=bucket, folder=ROOT))
        url = f"s3://{bucket}/{ROOT}"
        environ = {"ONTEM_STORAGE_URL": url, "AWS_ENDPOINT_URL": proxy.endpoint, **TRUST}

        result = CliRunner(env=environ).invoke(main, ["models"])

        assert result.exit_code == 0, result.output
        assert not [call for call in proxy.calls if call.is_write]


@pytest.mark.parametrize(("role", "writes"), [("night-role", True), ("reader-role", False)])
def test_a_role_that_can_not_see_that_a_file_is_missing_is_refused(s3, proxy, role, writes):
    with a_bucket(s3) as bucket:
        policy = policy_file(role, bucket=bucket, folder=ROOT)
        policy["Statement"] = [each for each in policy["Statement"] if "List" not in each["Sid"]]
        obey(proxy, policy)

        with pytest.raises(StorageUnusable, match="is missing, which takes s3:ListBucket below"):
            open_files(f"s3://{bucket}/{ROOT}", Place(proxy.endpoint), writes=writes)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("key", [ROOT, "João/ontem2/runs/a", "João/other", "a", "ontem/a"])
def test_no_role_has_a_right_beside_its_folder(role, key):
    policy = policy_file(role, bucket="company-data", folder=ROOT)

    for action in actions_of(policy):
        for bucket in (BUCKET, "arn:aws:s3:::others-data"):
            assert not allows(policy, (action, f"{bucket}/{key}", None))
            assert not allows(policy, (action, bucket, key))
        assert not allows(policy, (action, "arn:aws:s3:::others-data", f"{ROOT}/runs/"))
        assert not allows(policy, (action, BUCKET, None))


def test_the_roles_are_allowed_what_the_page_says():
    night, reader = (policy_file(role, bucket="company-data", folder=ROOT) for role in ROLES)

    for policy in (night, reader):
        assert allows(policy, ("s3:GetObject", f"{BUCKET}/{ROOT}/runs/a", None))
        assert allows(policy, ("s3:ListBucket", BUCKET, f"{ROOT}/runs/"))
    assert allows(night, ("s3:PutObject", f"{BUCKET}/{ROOT}/runs/a", None))
    assert actions_of(reader) == {"s3:GetObject", "s3:ListBucket"}
    assert actions_of(night, "kms") == {"kms:Decrypt", "kms:GenerateDataKey"}
    assert actions_of(reader, "kms") == {"kms:Decrypt"}
    keys = {each["Resource"] for p in (night, reader) for each in p["Statement"][2:]}
    assert keys == {KEY_ARN}


def test_the_page_names_the_command_that_applies_each_file():
    page = PAGE.read_text(encoding="utf-8")

    for path in FOLDER.iterdir():
        assert f"file://{path.name}" in page


def test_the_commands_of_the_page_replace_every_word(tmp_path):
    (block,) = re.findall(r"cd deploy/s3 && (mkdir mine\n.*?done);", PAGE.read_text(), re.DOTALL)
    for path in FOLDER.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())

    subprocess.run(["sh", "-ec", block], cwd=tmp_path, check=True)

    for path in FOLDER.iterdir():
        made = (tmp_path / "mine" / path.name).read_text().replace(SHORTENED_ARN, KEY_ARN)
        assert json.loads(made) == policy_file(path.stem, bucket="company-data", folder="ontem")
