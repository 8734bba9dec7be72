"""A trained model becomes a branch and a pull request, once, and only if it could serve."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from features_pkg.models.bundle import PICKLE, WRITE_ORDER
from features_pkg.models.loading import load_model
from features_pkg.models.manifest import MANIFEST
from ontem.models.errors import GitHubUnavailable
from ontem.models.pull_requests import PullRequests, repository_of
from stores.errors import SettingsError
from tests.model_keys import VERIFY_KEYS
from tests.unit.github_server import TOKEN
from tests.unit.proposals import SHIPPED, Checkout
from tests.unit.trained_models import FEATURES, edit


def test_the_newest_model_is_proposed_with_its_report(
    checkout: Checkout, propose: Callable[..., Result], tmp_path: Path
) -> None:
    checkout.add("older", days=-1)
    newest = checkout.add("newest")

    result = propose()

    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "pushed the branch model/newest",
        "opened a pull request for newest: https://github.test/loja/ontem/pull/1",
    ]
    changed = checkout.files_of("model/newest")
    files = {name: (newest / name).read_bytes() for name in WRITE_ORDER}
    assert changed == {f"{SHIPPED}/newest/{name}": files[name] for name in files} | {
        f"{SHIPPED}/current": b"newest\n"
    }
    (opened,) = checkout.github.pulls
    assert (opened["base"], opened["title"]) == ("main", "Serve the model newest")
    assert opened["body"].endswith(files["report.md"].decode())
    assert "`newest`" in opened["body"]
    assert "`report.html`" in opened["body"]
    checkout.git("clone", "-q", "-b", "model/newest", str(checkout.remote), str(tmp_path / "new"))
    assert load_model(tmp_path / "new" / SHIPPED / "newest", FEATURES, VERIFY_KEYS)
    assert checkout.git("status", "--porcelain") == ""
    assert checkout.git("worktree", "list").count("\n") == 0
    assert TOKEN not in result.output


def test_of_several_models_of_one_training_set_the_best_is_proposed(
    checkout: Checkout, propose: Callable[..., Result]
) -> None:
    for name, precision in (("boosting", 0.4), ("forest", 0.6), ("z_one_class", None)):
        folder = checkout.add(name)
        metrics = json.loads((folder / MANIFEST).read_bytes())["metrics"]
        edit(folder, metrics=metrics | {"average_precision": precision})

    assert propose().stdout.startswith("pushed the branch model/forest\n")


def test_a_second_run_finds_branch_and_pull_request_and_changes_nothing(
    checkout: Checkout, propose: Callable[..., Result]
) -> None:
    checkout.add("one")
    propose()
    before = checkout.branches()

    result = propose()

    assert (result.exit_code, result.stdout) == (
        0, "the pull request of one is open: https://github.test/loja/ontem/pull/1\n"
    )  # fmt: skip
    assert checkout.branches() == before
    assert len(checkout.github.pulls) == 1


def test_a_run_that_was_killed_after_the_push_is_taken_up(
    checkout: Checkout, propose: Callable[..., Result]
) -> None:
    checkout.add("one")
    propose()
    checkout.github.pulls.clear()
    before = checkout.branches()

    result = propose()

    assert result.stdout == (
        "opened a pull request for one: https://github.test/loja/ontem/pull/1\n"
    )
    assert checkout.branches() == before


def test_somebody_who_opens_it_at_the_same_time_is_found(
    checkout: Checkout, propose: Callable[..., Result]
) -> None:
    checkout.add("one")
    checkout.github.opens_behind = True

    result = propose()

    assert result.exit_code == 0, result.output
    assert len(checkout.github.pulls) == 1


def test_what_people_closed_is_not_proposed_again(
    checkout: Checkout, propose: Callable[..., Result]
) -> None:
    checkout.add("one")
    propose()
    checkout.github.pulls[0]["state"] = "closed"
    checkout.git("branch", "-D", "model/one", of=checkout.remote)

    result = propose()

    assert (result.exit_code, "was closed" in result.stdout) == (0, True)
    assert list(checkout.branches()) == ["main"]


def test_what_was_merged_is_not_proposed_again_and_neither_is_what_is_older(
    checkout: Checkout, propose: Callable[..., Result]
) -> None:
    assert propose().stdout.startswith("there is no model of all features in ")
    checkout.add("older", days=-1)
    checkout.add("one")
    propose()
    checkout.merge("model/one")

    assert propose().stdout == "one ships on main: nothing to do\n"
    (checkout.stored.files.delete_folder("models/one"))
    assert propose().stdout == "one is current on main, and none is newer: nothing to do\n"
    named = propose("--model", "older")
    assert named.exit_code == 0, named.output
    assert [each["title"] for each in checkout.github.pulls][1:] == ["Serve the model older"]
    assert propose("--model", "x").exit_code == 1


def test_models_of_another_version_of_ontem_stand_in_no_ones_way(
    checkout: Checkout, propose: Callable[..., Result]
) -> None:
    checkout.add("served")
    propose()
    branch = "model/served"
    checkout.git("fetch", "-q", str(checkout.remote), f"{branch}:{branch}")
    checkout.git("checkout", "-q", branch)
    edit(checkout.project / SHIPPED / "served", layout=3)
    checkout.git("commit", "-q", "-a", "-m", "as if an older version had trained it")
    checkout.git("push", "-q", str(checkout.remote), "HEAD:main")
    checkout.stored.files.delete_folder("models/served")
    edit(checkout.add("old", days=7), layout=3)
    checkout.add("newest", days=3)

    result = propose()

    assert result.exit_code == 0, result.output
    assert "model old is left out: another version of Ontem trained it" in result.stdout
    assert "opened a pull request for newest" in result.stdout
    assert propose("--model", "old").exit_code == 9


def test_a_model_without_velocity_is_only_proposed_by_name(
    checkout: Checkout, propose: Callable[..., Result]
) -> None:
    plain = checkout.add("plain", days=9)
    edit(plain, features=FEATURES.order_features, medians=[0.0] * len(FEATURES.order_features))
    checkout.add("one")

    assert "opened a pull request for one" in propose().stdout


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda folder: (folder / PICKLE).write_bytes(b"\0"), "model.pickle has sha256"),
        (lambda folder: (folder / "report.md").write_text("fine"), "report.md has sha256"),
        (lambda folder: (folder / "manifest.sig").write_bytes(bytes(64)), "no key of ONTEM_MODEL"),
        (lambda folder: edit(folder, timezone="UTC"), "the time zone was UTC"),
        (lambda folder: edit(folder, name="other"), "its manifest is that of other"),
        (lambda folder: (folder / "manifest.json").write_text("{"), "not the manifest"),
    ],
)
def test_a_model_that_could_not_serve_is_refused_before_anything_is_pushed(
    checkout: Checkout,
    propose: Callable[..., Result],
    damage: Callable[[Path], object],
    sentence: str,
) -> None:
    damage(checkout.add("one"))

    result = propose()

    assert result.exit_code == 9
    assert result.stderr.startswith("ontem: the model one is refused: ")
    assert sentence in result.stderr
    assert list(checkout.branches()) == ["main"]
    assert checkout.github.requests == []


@pytest.mark.parametrize(
    ("status", "code", "sentence"),
    [
        (401, 3, "GitHub answered 401 to GET /repos/loja/ontem/pulls (as the test says)"),
        (302, 3, "GitHub answered 302 to GET"),
        (404, 3, "whether GITHUB_API_URL and the repository are right"),
        (403, 3, "GitHub answered 403 to GET"),
        (429, 4, "does not answer as GitHub does (it answered 429)"),
        (500, 4, "does not answer as GitHub does (it answered 500)"),
    ],
)
def test_an_api_that_refuses_is_a_sentence_and_nothing_is_pushed(
    checkout: Checkout,
    propose: Callable[..., Result],
    status: int,
    code: int,
    sentence: str,
) -> None:
    checkout.add("one")
    checkout.github.fails_with = status

    result = propose()

    assert result.exit_code == code
    assert sentence in result.stderr
    assert list(checkout.branches()) == ["main"]
    assert len(checkout.github.requests) == 1  # no redirect is followed
    assert TOKEN not in result.output

    checkout.github.fails_with = 0
    assert propose().exit_code == 0


@pytest.mark.parametrize("headers", [{"X-RateLimit-Remaining": "0"}, {"Retry-After": "60"}])
def test_an_api_that_was_asked_too_often_is_asked_again_later(
    checkout: Checkout, propose: Callable[..., Result], headers: dict[str, str]
) -> None:
    checkout.add("one")
    checkout.github.fails_with, checkout.github.headers = 403, headers

    result = propose()

    assert (result.exit_code, "run the same command again later" in result.stderr) == (4, True)


def test_an_api_that_is_none_or_away_is_a_sentence(
    checkout: Checkout, propose: Callable[..., Result]
) -> None:
    checkout.add("one")
    checkout.github.garbles = True
    assert propose().exit_code == 4

    away = PullRequests("http://127.0.0.1:1", "loja/ontem", TOKEN)
    with pytest.raises(GitHubUnavailable, match=r"127\.0\.0\.1:1 does not answer"):
        away.find("model/one")


def test_a_branch_with_something_else_is_not_taken_for_the_model_s(
    checkout: Checkout, propose: Callable[..., Result]
) -> None:
    checkout.add("one")
    checkout.git("branch", "model/one", "main", of=checkout.remote)

    result = propose()

    assert result.exit_code == 9
    assert "the branch model/one of loja/ontem has other files" in result.stderr
    assert checkout.github.pulls == []


def test_a_branch_or_a_checkout_that_is_not_known_is_no_matter_of_time(
    checkout: Checkout, propose: Callable[..., Result]
) -> None:
    checkout.add("one")

    branch = propose("--base", "trunk")
    assert (branch.exit_code, "name a branch with --base" in branch.stderr) == (3, True)

    checkout.git("remote", "remove", "origin")
    remote = propose(CIRCLE_PROJECT_USERNAME="")
    assert (remote.exit_code, "No such remote" in remote.stderr) == (3, True)

    (checkout.project / ".git").rename(checkout.project / "git")
    folder = propose()
    assert (folder.exit_code, "not a git repository" in folder.stderr) == (3, True)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"GITHUB_TOKEN": ""}, "GITHUB_TOKEN is not set"),
        ({"GITHUB_TOKEN": "a b"}, "GITHUB_TOKEN is 'not a token'"),
        ({"CIRCLE_PROJECT_USERNAME": ""}, "does not name a repository of GitHub"),
        ({"GITHUB_API_URL": "http://example.com"}, "GITHUB_API_URL is 'http://example.com'"),
        ({"GITHUB_API_URL": "https://x:y"}, "GITHUB_API_URL is 'https://x:y'"),
        ({"GITHUB_API_URL": "https://[x"}, "GITHUB_API_URL is 'https://[x'"),
        ({"GITHUB_API_URL": "https:///api"}, "GITHUB_API_URL is 'https:///api'"),
        ({"ONTEM_MODEL_VERIFY_KEYS": ""}, "ONTEM_MODEL_VERIFY_KEYS is not set"),
    ],
)
def test_what_is_not_set_is_named(
    checkout: Checkout, propose: Callable[..., Result], changes: dict[str, str], sentence: str
) -> None:
    checkout.git("remote", "set-url", "origin", "../elsewhere")

    result = propose(**changes)

    assert result.exit_code == 3
    assert sentence in result.stderr


@pytest.mark.parametrize(
    ("url", "repository"),
    [
        ("git@github.com:loja/ontem.git", "loja/ontem"),
        ("https://github.com/loja/ontem", "loja/ontem"),
        ("https://user:secret@github.com/loja/ontem.git", "loja/ontem"),
        ("ssh://git@github.com:22/loja/on.tem.git", "loja/on.tem"),
        ("/srv/git/ontem.git", None),
        ("../ontem.git", None),
    ],
)
def test_a_remote_names_its_repository(url: str, repository: str | None) -> None:
    assert repository_of(url) == repository


def test_the_token_goes_over_tls_or_stays_on_this_machine() -> None:
    with pytest.raises(SettingsError):
        PullRequests("http://api.github.com", "a/b", TOKEN)
    assert TOKEN not in repr(PullRequests("https://api.github.com", "a/b", TOKEN))
