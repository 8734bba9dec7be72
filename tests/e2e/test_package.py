"""From a commit to a score: the wheel is built, published, installed alone, and serves."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.models.bundle import WRITE_ORDER
from features_pkg.models.loading import load_model
from features_pkg.models.signing import VerifyKeys
from ontem.delivery.__main__ import main as delivery
from ontem.delivery.client_wheel import client_wheel_of
from ontem.delivery.errors import NotPackaged, WheelRefused
from ontem.delivery.index import Index
from ontem.delivery.package import make_package
from ontem.delivery.wheel import Wheel, read_wheel
from ontem.version import UNCOUNTED
from stores.postgres.connection import connect
from tests.e2e.a_model import NAME, write_a_model
from tests.e2e.clean_environment import (
    CleanEnvironment,
    install_from_index,
    versions_of_the_lock,
)
from tests.e2e.conftest import NOON, a_shop, environment_of, fresh_store
from tests.e2e.running import running_service
from tests.meta.test_version import git
from tests.model_keys import TRUST, VERIFY_KEYS
from tests.package_files import PROJECT, ROOMS
from tests.s3 import S3Server, a_bucket

CLIENT = "ontem_client"
SHIPPED = "features_pkg/models/shipped"
MOST_BYTES = 300 * 1024 * 1024
READABLE = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}],
}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory, features: FeatureSet) -> Path:
    """A repository of two commits: this checkout, then a model that ships and serves."""
    folder = tmp_path_factory.mktemp("repository")
    for name in (*ROOMS, "deploy", CLIENT):
        ignored = shutil.ignore_patterns("__pycache__", "shipped")
        shutil.copytree(PROJECT / name, folder / name, ignore=ignored)
    for name in ("pyproject.toml", ".gitignore"):
        shutil.copy(PROJECT / name, folder)
    git(folder, "init", "-q", "-b", "main")
    commit(folder)
    write_a_model(folder / SHIPPED / NAME, features)
    (folder / SHIPPED / "current").write_text(f"{NAME}\n")
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "x")


@pytest.fixture
def clone(repository: Path, tmp_path: Path) -> Path:
    """A clone that a test may change."""
    git(tmp_path, "clone", "-q", str(repository), "clone")
    return tmp_path / "clone"


@pytest.fixture(scope="module")
def wheel(repository: Path) -> Wheel:
    return make_package(repository, VERIFY_KEYS)


@pytest.fixture(scope="module")
def environment(
    wheel: Wheel, s3: S3Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CleanEnvironment]:
    """What `pip install ontem[service]` gives of the published wheel, on a machine without more."""
    with pytest.MonkeyPatch.context() as patch, a_bucket(s3) as bucket:
        for name, value in s3.variables.items():
            patch.setenv(name, value)
        READABLE["Statement"][0]["Resource"] = f"arn:aws:s3:::{bucket}/*"  # type: ignore[index]
        s3.client().put_bucket_policy(Bucket=bucket, Policy=json.dumps(READABLE))
        assert Index(f"s3://{bucket}/simple").publish(wheel)
        index = f"{s3.endpoint}/{bucket}/simple/"
        folder = tmp_path_factory.mktemp("clean")
        yield install_from_index(index, f"ontem=={wheel.version.number}", folder)
    shutil.rmtree(folder)


def test_the_wheel_has_the_version_the_model_and_the_queries_and_says_so(wheel, repository):
    assert wheel.path == repository / "dist" / "ontem-0.1.2-py3-none-any.whl"
    assert wheel.version.commit == git(repository, "rev-parse", "HEAD")
    assert f"{SHIPPED}/current" in wheel.files
    assert {f"{SHIPPED}/{NAME}/{name}" for name in WRITE_ORDER} <= set(wheel.files)
    assert not [name for name in wheel.files if name.startswith(("tests/", "deploy/", "docs/"))]
    assert f"model     {NAME} is current" in wheel.summary
    assert "0.1.2, of commit " in wheel.summary


def test_two_builds_of_a_commit_are_equal_to_the_byte(wheel, clone):
    for file in clone.rglob("*.py"):
        os.utime(file, (10**9, 10**9))
        file.chmod(0o600)

    again = make_package(clone, VERIFY_KEYS)
    assert again.path.read_bytes() == wheel.path.read_bytes()
    client, before = client_wheel_of(again), client_wheel_of(wheel)
    assert client.path.read_bytes() == before.path.read_bytes()


def test_the_environment_has_what_the_lock_of_the_service_has_and_no_more(environment, wheel):
    assert environment.versions == versions_of_the_lock() | {"ontem": wheel.version.number}
    assert environment.size <= MOST_BYTES


def test_publishing_is_a_command_that_says_what_it_did(wheel, s3, monkeypatch):
    for name, value in (s3.variables | TRUST).items():
        monkeypatch.setenv(name, value)
    with a_bucket(s3) as bucket:
        words = ["publish", str(wheel.path), "--index", f"s3://{bucket}/simple"]
        first, second = (CliRunner().invoke(delivery, words) for _ in range(2))
        words[-1] = "s3://none-of-that-name/simple"
        refused = CliRunner().invoke(delivery, words)

    assert first.output.endswith(f"0.1.2 is published at s3://{bucket}/simple\n")
    assert second.output.endswith(f"0.1.2 was there already at s3://{bucket}/simple\n")
    assert (first.exit_code, second.exit_code, refused.exit_code) == (0, 0, 3)
    assert refused.stderr.startswith("ontem: 's3://none-of-that-name/simple' can't be used as ")
    assert len(refused.stderr.splitlines()) == 1


def test_it_says_which_version_and_commit_it_is(environment, wheel):
    words = [environment.ontem, "--version"]
    said = subprocess.run(words, cwd="/", env={}, capture_output=True, text=True, check=True).stdout

    assert said == f"ontem 0.1.2 (commit {wheel.version.commit[:12]})\n"


def test_it_says_which_extra_a_night_needs(environment):
    words = [environment.ontem, "night"]
    done = subprocess.run(words, cwd="/", env={}, capture_output=True, text=True, check=False)

    assert done.returncode == 3
    assert 'pip install "ontem[jobs]"' in done.stderr


def test_what_it_says_to_do_next_is_possible_where_only_the_service_is_installed(
    environment, repository, tmp_path
):
    damaged = tmp_path / "damaged"
    shutil.copytree(repository / SHIPPED / NAME, damaged)
    (damaged / "report.md").write_text("fine")
    away = environment_of("postgresql://x@127.0.0.1:1/x", "redis://127.0.0.1:1/0", damaged)
    del away["PYTHONPATH"]

    def said(*words: str, **environ: str) -> str:
        command = [environment.ontem, *words]
        done = subprocess.run(
            command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
        )
        assert done.returncode != 0
        return done.stderr + done.stdout

    sentences = {
        "look whether it runs, or set ONTEM_POSTGRES_URL": said("merchant", "list", **away),
        "ONTEM_POSTGRES_URL is not set: set it": said("merchant", "list"),
        "this installation can't train": said("serve", "--bind", "127.0.0.1:0", **away),
    }
    for expected, sentence in sentences.items():
        assert expected in sentence
        for impossible in ("ontem up", "ontem status", "make setup", "train again"):
            assert impossible not in sentence


def test_the_model_of_the_wheel_gives_an_order_the_very_score_of_training(
    environment: CleanEnvironment,
    repository: Path,
    service_database_url: str,
    redis_url: str,
    features: FeatureSet,
    tmp_path: Path,
):
    fresh_store(redis_url, features)
    environ = environment_of(service_database_url, redis_url, tmp_path)
    del environ["ONTEM_MODEL"], environ["PYTHONPATH"]
    trained = load_model(repository / SHIPPED / NAME, features, VERIFY_KEYS)
    program = [environment.ontem, "serve"]

    with (
        running_service(environ, tmp_path / "log", program=program) as service,
        connect(service_database_url, application_name="test", autocommit=True) as database,
    ):
        shop = a_shop(service, database, features)
        answer = shop.evaluate({"order_id": "golden", "amount_cents": 1990, "card": "c"}, NOON)
        vector = [shop.vector("golden")[name] for name in features.names]

    assert answer.status == 200, answer.content
    assert answer.body["model"] == NAME
    assert answer.body["score"] == trained.score(vector)


def test_a_tree_with_a_change_is_not_packaged(clone):
    (clone / "ontem" / "new.py").write_text("")

    with pytest.raises(NotPackaged, match=r"such as ontem/new\.py: commit or remove"):
        make_package(clone, VERIFY_KEYS)


def test_a_file_with_a_blank_in_its_name_is_named_whole(clone):
    (clone / "a new file").write_text("")

    with pytest.raises(NotPackaged, match=r"such as a new file: commit or remove"):
        make_package(clone, VERIFY_KEYS)


def test_a_file_that_git_overlooks_by_the_user_s_own_rules_is_not_packaged(clone):
    """hatchling knows the file .gitignore alone."""
    (clone / ".git" / "info" / "exclude").write_text("*.mine\n")
    (clone / "ontem" / "notes.mine").write_text("mine")

    with pytest.raises(NotPackaged, match=r"would have ontem/notes\.mine, which is not committed"):
        make_package(clone, VERIFY_KEYS)
    assert not (clone / "dist").exists()


@pytest.mark.parametrize("mark", ["--assume-unchanged", "--skip-worktree"])
def test_a_changed_file_that_git_was_told_to_overlook_is_not_packaged(clone, mark):
    git(clone, "update-index", mark, "ontem/version.py")
    with (clone / "ontem" / "version.py").open("a") as file:
        file.write("# changed\n")
    assert git(clone, "status", "--porcelain") == ""

    with pytest.raises(NotPackaged, match=r"such as ontem/version\.py: commit or remove"):
        make_package(clone, VERIFY_KEYS)


@pytest.mark.parametrize("damage", ["[status]\n\tshowUntrackedFiles = maybe\n", "[core"])
def test_a_checkout_about_which_git_says_nothing_is_not_packaged(clone, damage, monkeypatch):
    """The settings break `git status` alone, or all of git."""
    (clone / "new.py").write_text("")
    with (clone / ".git" / "config").open("a") as file:
        file.write(damage)

    with pytest.raises(NotPackaged):
        make_package(clone, VERIFY_KEYS)


def test_a_shallow_clone_is_not_packaged(repository, tmp_path):
    git(tmp_path, "clone", "-q", "--depth", "1", repository.as_uri(), "shallow")

    with pytest.raises(NotPackaged, match="shallow clone: run `git fetch --unshallow`"):
        make_package(tmp_path / "shallow", VERIFY_KEYS)


def test_an_exported_tree_is_not_packaged_and_can_be_installed(clone, tmp_path):
    shutil.rmtree(clone / ".git")

    with pytest.raises(NotPackaged, match="not a git checkout"):
        make_package(clone, VERIFY_KEYS)
    installed = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(installed, cwd=clone, check=True, capture_output=True)  # as `make setup` does
    assert (tmp_path / f"ontem-{UNCOUNTED}-py3-none-any.whl").is_file()


def test_a_commit_without_a_current_model_is_not_packaged(clone):
    (clone / SHIPPED / "current").unlink()
    commit(clone)

    expected = r"no model is current.*`ontem models use NAME`, then commit both$"
    with pytest.raises(WheelRefused, match=expected):
        make_package(clone, VERIFY_KEYS)
    assert not (clone / "dist").exists()


def test_a_wheel_with_another_model_than_its_manifest_is_refused(clone, wheel, tmp_path):
    pickle = clone / SHIPPED / NAME / "model.pickle"
    pickle.write_bytes(pickle.read_bytes() + b".")
    commit(clone)
    changed = tmp_path / wheel.path.name
    with zipfile.ZipFile(wheel.path) as before, zipfile.ZipFile(changed, "w") as after:
        for name in before.namelist():
            damage = b"." if name.endswith("model.pickle") else b""
            after.writestr(name, before.read(name) + damage)

    with pytest.raises(WheelRefused, match="its manifest says"):
        make_package(clone, VERIFY_KEYS)
    with pytest.raises(WheelRefused, match="its manifest says"):
        read_wheel(changed, VERIFY_KEYS)


def test_a_wheel_whose_model_somebody_else_signed_is_refused(wheel):
    with pytest.raises(WheelRefused, match="no key of ONTEM_MODEL_VERIFY_KEYS"):
        read_wheel(wheel.path, VerifyKeys((bytes(32),)))


@pytest.mark.parametrize("built", [b"[]", b"{}", b"\xff"])
def test_a_wheel_that_does_not_say_its_version_is_refused(wheel, tmp_path, built):
    changed = tmp_path / wheel.path.name
    with zipfile.ZipFile(wheel.path) as before, zipfile.ZipFile(changed, "w") as after:
        for name in before.namelist():
            after.writestr(name, built if name == "ontem/built.json" else before.read(name))

    with pytest.raises(WheelRefused, match=r"its ontem/built\.json has no version and commit"):
        read_wheel(changed, VERIFY_KEYS)


def test_a_file_that_is_no_wheel_of_ours_is_refused(wheel, tmp_path):
    renamed = tmp_path / "ontem-0.1.9-py3-none-any.whl"
    shutil.copy(wheel.path, renamed)
    torn = tmp_path / wheel.path.name
    torn.write_bytes(wheel.path.read_bytes()[:5000])

    with pytest.raises(WheelRefused, match=r"it has version 0\.1\.2 inside"):
        read_wheel(renamed, VERIFY_KEYS)
    with pytest.raises(WheelRefused, match="can't be read"):
        read_wheel(torn, VERIFY_KEYS)
