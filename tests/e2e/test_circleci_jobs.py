"""The steps of .circleci/config.yml that a schedule starts, run as their jobs run them."""

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from features_pkg.definitions.feature_set import FeatureSet
from jobs.emr.archive import Packing
from jobs.emr.driver import Outcome
from jobs.emr.submission import ARCHIVE
from jobs.emr.submit import GLIBC
from jobs.train.retraining import retrain
from stores.postgres.connection import connect
from stores.postgres.migrate import migrate
from stores.postgres.runs import RunRow, newest_runs
from tests.class_archive import spark_java
from tests.delivery.checkout import Checkout, a_checkout
from tests.delivery.circleci import Step, pipeline
from tests.delivery.emr_server import EmrServer, an_emr
from tests.e2e.a_model import NAME, copy_as
from tests.e2e.conftest import SECRET
from tests.integration.history import History
from tests.s3 import S3Server, a_bucket
from tests.unit.github_server import TOKEN, a_github

NIGHT = "Snapshot of the day that began, published"
RETRAINING = "Training set of the last half year, and a model from it into the store"
PULL_REQUEST = "Pull request with the model"
REFUSAL = "Refuse a job of another branch"
AT_ONCE = {"ONTEM_REPEATS": "1", "ONTEM_REPEAT_SECONDS": "0"}


def step(name: str, **parameters: str) -> Step:
    """The step of that name of a pipeline with these parameters."""
    (found,) = (each for each in pipeline(**parameters) if each.name == name)
    return found


@pytest.fixture(scope="module")
def bucket(s3: S3Server) -> Iterator[str]:
    with a_bucket(s3) as name:
        yield name


@pytest.fixture(scope="module")
def checkout(
    features: FeatureSet, s3: S3Server, bucket: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Checkout]:
    """A checkout, and a context that knows only where the offline store is."""
    with a_checkout(tmp_path_factory.mktemp("circleci"), features, s3) as made:
        made.variables["ONTEM_STORAGE_URL"] = f"s3://{bucket}/store"
        yield made


@pytest.fixture
def production(empty_database_url: str, redis_url: str) -> dict[str, str]:
    """What the context has for jobs that run in the container of CircleCI."""
    secrets = {
        "ONTEM_POSTGRES_URL": empty_database_url,
        "ONTEM_REDIS_URL": redis_url,
        "ONTEM_ENTITY_KEY": SECRET.hex(),
    }
    migrate(empty_database_url, environment="production", card_key=SECRET)
    return {**secrets, **spark_java(), **AT_ONCE}


def runs_of(url: str) -> list[RunRow]:
    """The runs on record, oldest first."""
    with connect(url, application_name="test", autocommit=True) as database:
        return newest_runs(database, 10)[::-1]


def test_a_night_in_a_container_is_done_once_for_a_day(
    checkout: Checkout, production: dict[str, str]
) -> None:
    url = production["ONTEM_POSTGRES_URL"]
    History(url).order(datetime.now(UTC) - timedelta(days=3), card="c1")
    container = step(NIGHT, run="night", place="container")
    assert container.variables["SPARK_MASTER"] == "local[16]"
    here = {**production, "SPARK_MASTER": "local[2]"}
    for ended in (checkout.run(container, **here) for _ in range(2)):
        assert ended.returncode == 0, ended.stdout + ended.stderr
    if len({run.day for run in runs_of(url)}) > 1:
        checkout.run(container, **here)  # midnight came in between

    *before, done, again = runs_of(url)
    assert (done.outcome, again.outcome, again.day) == ("done", "unchanged", done.day)
    day = str(done.day)
    made_up = step(NIGHT, run="night", place="container", **{"from": day, "to": day})
    third = checkout.run(made_up, **here)
    assert third.returncode == 0, third.stderr
    outcomes = [run.outcome for run in runs_of(url)[len(before) :]]
    assert outcomes == ["done", "unchanged", "unchanged"]


def test_a_night_that_fails_fails_its_step_after_it_was_tried_again(
    checkout: Checkout, production: dict[str, str]
) -> None:
    url, away = production["ONTEM_POSTGRES_URL"], {"ONTEM_REDIS_URL": "redis://127.0.0.1:1/0"}
    done = checkout.run(step(NIGHT, run="night", place="container"), **{**production, **away})

    assert done.returncode == 4, done.stderr
    assert "again in 0 s" in done.stderr
    assert [(run.outcome, run.exit_code) for run in runs_of(url)] == [("failed", 4)] * 2


@pytest.mark.parametrize("place", ["emr", "container"])
@pytest.mark.parametrize(
    ("parameters", "variables", "code", "sentence"),
    [
        ({}, {"ONTEM_STORAGE_URL": "file:///var/lib/store"}, 3, "ONTEM_STORAGE_URL is on the disk"),
        ({}, {"ONTEM_STORAGE_URL": ""}, 3, "ONTEM_STORAGE_URL is not set"),
        ({"from": "2018-06-02", "to": "2018-06-01"}, {}, 2, "write the earlier day first"),
        ({"from": "2018-06-02"}, {}, 2, "'' is not a day"),
        ({"from": "$(reboot)", "to": "2018-06-02"}, {}, 2, "'$(reboot)' is not a day"),
        ({"sample": "1000"}, {}, 2, "only a retraining takes a sample"),
        ({"recipe": "--folds 2"}, {}, 2, "only a retraining takes a recipe"),
    ],
)
def test_a_night_that_must_not_begin_is_refused_before_anything_is_started(
    checkout: Checkout,
    place: str,
    parameters: dict[str, str],
    variables: dict[str, str],
    code: int,
    sentence: str,
) -> None:
    done = checkout.run(step(NIGHT, run="night", place=place, **parameters), **variables)

    assert (done.returncode, done.stderr.count("\n")) == (code, 1), done.stderr
    assert sentence in done.stderr


def test_a_retraining_makes_up_for_no_nights(checkout: Checkout) -> None:
    retraining = step(RETRAINING, run="retraining", **{"from": "2018-06-01", "to": "2018-06-02"})
    done = checkout.run(retraining)

    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "leave FROM and TO out for 'retrain'" in done.stderr


def test_a_share_is_not_the_sample_of_a_retraining(checkout: Checkout) -> None:
    done = checkout.run(step(RETRAINING, run="retraining", sample="10%"))

    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "'10%' is not a number of orders" in done.stderr


@pytest.mark.parametrize("recipe", ["--help", "--folds 2 --clock 2018-06-01T00:00:00Z", "forest"])
def test_what_is_not_of_a_recipe_is_refused_before_anything_is_started(
    checkout: Checkout, recipe: str
) -> None:
    done = checkout.run(step(RETRAINING, run="retraining", recipe=recipe))

    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert f"'{recipe.split()[-2:][0]}' is not an option of a recipe" in done.stderr


def test_a_retraining_takes_every_option_of_a_recipe(checkout: Checkout) -> None:
    done = checkout.run(step(RETRAINING, run="retraining", recipe="forest"))
    written = done.stderr.split("each with a value: ")[1].split()

    others = {"--from", "--to", "--sample", "--clock"}
    assert written == [each.opts[0] for each in retrain.params if each.opts[0] not in others]


@pytest.mark.parametrize("recipe", ["--estimator trees", "--folds", "--review-budget 2%"])
def test_a_recipe_with_a_value_that_is_none_starts_nothing_on_emr(
    checkout: Checkout, emr: EmrServer, account: dict[str, str], recipe: str
) -> None:
    done = checkout.run(step(RETRAINING, run="retraining", recipe=recipe), **account)

    assert (done.returncode, emr.started) == (2, []), done.stderr
    assert recipe.split()[0] in done.stderr


@pytest.mark.parametrize("run", ["night", "retraining"])
def test_a_job_of_another_branch_is_refused_in_a_sentence(checkout: Checkout, run: str) -> None:
    (refusal,) = pipeline("another", run=run)
    assert refusal.name == REFUSAL
    done = checkout.run(refusal, CIRCLE_BRANCH="another")

    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert f"{run} runs on main alone" in done.stderr
    assert "'another'" in done.stderr


@pytest.fixture
def emr(checkout: Checkout, s3: S3Server, bucket: str) -> Iterator[EmrServer]:
    """An EMR, and a store that has the archive of this commit; test_emr_archive.py makes one."""
    build = "SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) .venv/bin/python -m hatchling build -t"
    words = [f"{build} wheel -d .ontem/wheel"]
    subprocess.run(["bash", "-ec", *words], cwd=checkout.folder, check=True, capture_output=True)
    (wheel,) = (checkout.folder / ".ontem" / "wheel").glob("*.whl")
    packing = Packing(
        wheel=wheel,
        lock=checkout.folder / "deploy" / "locks" / "jobs.lock",
        python="3.11",
        interpreter="/usr/bin/python3.11",
        platform=f"x86_64-{GLIBC}",
    )
    key = f"store/deploy/{packing.name}/{ARCHIVE}"
    s3.client().put_object(Bucket=bucket, Key=key, Body=b"an archive")
    with an_emr(s3, Outcome(0)) as server:
        yield server


@pytest.fixture
def account(emr: EmrServer) -> dict[str, str]:
    """What the context has for jobs that run on EMR."""
    return {
        "AWS_ENDPOINT_URL_EMR": emr.endpoint,
        "ONTEM_EMR_SERVICE_ROLE": "service",
        "ONTEM_EMR_INSTANCE_PROFILE": "machines",
        "ONTEM_EMR_SUBNET": "subnet-1",
        "ONTEM_EMR_ORDERS": "1000000",
        "ONTEM_SECRETS": "prod/ontem",
        **AT_ONCE,
    }


@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [
        (NIGHT, {"run": "night"}, ["night", "--as-of"]),
        (
            NIGHT,
            {"run": "night", "from": "2018-06-01", "to": "2018-06-03"},
            ["night", "--backfill", "2018-06-01", "2018-06-03"],
        ),
        (RETRAINING, {"run": "retraining"}, ["retrain"]),
        (RETRAINING, {"run": "retraining", "sample": "1000"}, ["retrain"]),
        (RETRAINING, {"run": "retraining", "recipe": "--estimator  logistic"}, ["retrain"]),
        (
            RETRAINING,
            {"run": "retraining", "sample": "1000", "recipe": "--estimator forest\n--folds 2"},
            ["retrain"],
        ),
    ],
)
def test_a_job_on_emr_is_submitted_and_waited_for(
    checkout: Checkout,
    emr: EmrServer,
    account: dict[str, str],
    name: str,
    parameters: dict[str, str],
    words: list[str],
) -> None:
    done = checkout.run(step(name, **parameters), **account)

    assert done.returncode == 0, done.stdout + done.stderr
    (submitted,) = emr.started
    begins = emr.words.index(words[0], emr.words.index("--outcome"))
    assert emr.words[begins : begins + len(words)] == words
    sample = ["--sample", parameters["sample"]] if "sample" in parameters else []
    trained = [*sample, *parameters.get("recipe", "").split()]
    assert emr.words[len(emr.words) - len(trained) :] == trained
    assert ("--sample" in emr.words, "--folds" in emr.words) == (
        "--sample" in trained,
        "--folds" in trained,
    )
    assert submitted["ServiceRole"] == "service"


def test_a_job_that_fails_on_emr_fails_its_step_with_its_code(
    checkout: Checkout, emr: EmrServer, account: dict[str, str]
) -> None:
    emr.outcome = Outcome(6, "Redis may evict")
    done = checkout.run(step(NIGHT, run="night"), **account)

    assert done.returncode == 6, done.stdout + done.stderr
    assert "Redis may evict" in done.stderr
    assert len(emr.started) == 1  # 6 does not pass by itself


def test_a_job_that_came_too_early_on_emr_is_started_again(
    checkout: Checkout, emr: EmrServer, account: dict[str, str]
) -> None:
    emr.outcome = Outcome(5, "the day is not over")
    done = checkout.run(step(NIGHT, run="night"), **account)

    assert (done.returncode, len(emr.started)) == (5, 2), done.stderr


def test_a_retraining_in_a_container_without_a_key_to_sign_with_is_refused(
    checkout: Checkout, production: dict[str, str]
) -> None:
    done = checkout.run(step(RETRAINING, run="retraining", place="container"), **production)

    assert (done.returncode, done.stderr.count("\n")) == (3, 1), done.stderr
    assert "ONTEM_MODEL_SIGNING_KEY is not set" in done.stderr


@pytest.fixture
def github(checkout: Checkout, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The variables of a GitHub, where the checkout's commits are; git is set up as CircleCI does.

    `origin` goes over ssh with a key that may only read, and so does what names the server.
    """
    remote, settings = tmp_path / "remote.git", tmp_path / "gitconfig"
    git = ["git", "-C", str(checkout.folder)]
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", remote], check=True)
    subprocess.run([*git, "push", "-q", remote, "main"], check=True)
    subprocess.run([*git, "remote", "add", "origin", "ssh://git@127.0.0.1:1/x/x"], check=True)
    with a_github() as server:
        server.repository = remote
        address = server.url.removesuffix("api")
        settings.write_text(f'[url "ssh://git@127.0.0.1:1/"]\n\tinsteadOf = {address}\n')
        yield {
            "GIT_CONFIG_GLOBAL": str(settings),
            "GITHUB_API_URL": server.url,
            "GITHUB_TOKEN": TOKEN,
            "CIRCLE_PROJECT_USERNAME": "loja",
            "CIRCLE_PROJECT_REPONAME": "ontem",
        }
        assert [each["head"] for each in server.pulls] == ["model/newest"]
    subprocess.run([*git, "remote", "remove", "origin"], check=True)


def test_the_newest_model_of_the_store_is_proposed_once(
    checkout: Checkout, github: dict[str, str], s3: S3Server, bucket: str, tmp_path: Path
) -> None:
    shipped = checkout.folder / "features_pkg" / "models" / "shipped" / NAME
    copy_as(shipped, tmp_path / "newest", "newest", datetime.now(UTC))
    for file in (tmp_path / "newest").iterdir():
        key = f"store/models/newest/{file.name}"
        s3.client().put_object(Bucket=bucket, Key=key, Body=file.read_bytes())
    propose = step(PULL_REQUEST, run="retraining")
    first, second = (checkout.run(propose, **github) for _ in range(2))
    refused = checkout.run(propose, **{**github, "GITHUB_TOKEN": "expired"})

    assert first.returncode == 0, first.stdout + first.stderr
    assert "opened a pull request for newest" in first.stdout
    assert (second.returncode, "opened" in second.stdout) == (0, False), second.stderr
    assert (refused.returncode, refused.stderr.count("\n")) == (3, 1), refused.stderr
