"""Git reaches GitHub by the token alone, whatever the machine it runs on is set to."""

import base64
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from ontem.models.branch import ModelBranch, git_of
from ontem.models.errors import GitFailed
from ontem.models.pull_requests import PullRequests
from tests.unit.github_server import TOKEN
from tests.unit.proposals import SHIPPED, Checkout


@pytest.fixture
def settings_of_git(checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of settings as CircleCI writes one, and worse; a helper of it leaves `asked` there."""
    server = checkout.github.url.removesuffix("/api")
    file = tmp_path / "gitconfig"
    file.write_text(
        f"""
        [url "ssh://git@127.0.0.1:1/"]
            insteadOf = {server}/
            insteadOf = {server}/loja/ontem.git
            insteadOf = ""
            pushInsteadOf = {server}/
            pushInsteadOf = ""
        [http "{server}/loja/ontem.git"]
            extraHeader = Authorization: Basic c29tZWJvZHk6ZWxzZQ==
        [credential]
            helper = "!touch {tmp_path / "asked"}; echo username=x; echo password=y; true"
        [trace2]
            configParams = http.*
            eventTarget = {tmp_path / "trace"}
        """
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(file))
    monkeypatch.setenv("GIT_ASKPASS", str(tmp_path / "askpass"))
    return file


@pytest.mark.usefixtures("settings_of_git")
def test_settings_of_the_machine_lead_git_neither_to_another_server_nor_to_other_credentials(
    checkout: Checkout, propose: Callable[..., Result], tmp_path: Path
) -> None:
    checkout.add("one")

    result = propose()

    assert result.exit_code == 0, result.output
    assert "model/one" in checkout.branches()
    assert {len(each) for each in checkout.github.headers_of_git} == {1}
    refused = propose(GITHUB_TOKEN="another")
    assert refused.exit_code == 3
    assert not (tmp_path / "asked").exists()


def test_the_token_is_in_no_list_of_processes_no_file_and_no_trace(
    checkout: Checkout,
    propose: Callable[..., Result],
    settings_of_git: Path,
    tmp_path: Path,
) -> None:
    checkout.add("one")
    programs, words = tmp_path / "bin", tmp_path / "words"
    programs.mkdir()
    git = shutil.which("git")
    (programs / "git").write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >>{words}\nexec {git} "$@"\n')
    (programs / "git").chmod(0o755)
    traces = {
        name: str(tmp_path / name)
        for name in ("GIT_TRACE", "GIT_TRACE_CURL", "GIT_TRACE2_PERF", "GIT_TRACE2_EVENT")
    }

    result = propose(
        PATH=f"{programs}:{os.environ['PATH']}",
        GIT_TRACE_REDACT="0",
        GIT_TRACE2_ENV_VARS="GIT_CONFIG_VALUE_0,GIT_CONFIG_VALUE_7",
        **traces,
    )

    assert result.exit_code == 0, result.output
    assert "push" in words.read_text().split()
    encoded = base64.b64encode(f"x-access-token:{TOKEN}".encode())
    files = [words, *(tmp_path / name for name in (*traces, "trace"))]
    files += [file for file in (checkout.project / ".git").rglob("*") if file.is_file()]
    for file in files:
        content = file.read_bytes() if file.exists() else b""
        assert TOKEN.encode() not in content, file
        assert encoded not in content, file
    assert encoded.decode() not in result.output


@pytest.mark.parametrize(
    ("status", "code", "sentence"),
    [
        (401, 3, "set GITHUB_TOKEN to a token that is still good and may write"),
        (403, 3, "set GITHUB_TOKEN to a token that is still good and may write"),
        (404, 3, "whether GITHUB_API_URL and the repository are right"),
        (302, 3, "whether GITHUB_API_URL and the repository are right"),
        (429, 4, "then run the same command again"),
        (500, 4, "then run the same command again"),
    ],
)
def test_a_push_that_github_refuses_is_a_sentence_and_can_be_done_again(
    checkout: Checkout, propose: Callable[..., Result], status: int, code: int, sentence: str
) -> None:
    checkout.add("one")
    checkout.github.push_fails_with = status

    result = propose()

    assert (result.exit_code, result.stderr.count("\n")) == (code, 1), result.stderr
    assert sentence in result.stderr
    assert list(checkout.branches()) == ["main"]
    assert checkout.git("worktree", "list").count("\n") == 0
    assert {each.rpartition("/")[2] for each in checkout.github.requests} == {"pulls"}

    checkout.github.push_fails_with = 0
    assert propose().exit_code == 0


def test_a_server_that_is_away_for_git_is_a_matter_of_time(
    checkout: Checkout, tmp_path: Path
) -> None:
    git = git_of(checkout.project, "https://127.0.0.1:1/loja/ontem.git", TOKEN)

    with pytest.raises(GitFailed, match="Failed to connect to 127"):
        ModelBranch(git, "loja/ontem").fetch_base()


@pytest.mark.parametrize(
    ("api", "git"),
    [
        ("https://api.github.com", "https://github.com/loja/ontem.git"),
        ("https://api.loja.ghe.com/", "https://loja.ghe.com/loja/ontem.git"),
        ("https://git.example.com:8443/api/v3", "https://git.example.com:8443/loja/ontem.git"),
        ("https://api.example.com/api/v3", "https://api.example.com/loja/ontem.git"),
    ],
)
def test_git_is_on_the_server_of_the_api(api: str, git: str) -> None:
    assert PullRequests(api, "loja/ontem", TOKEN).git_url == git


def test_a_file_that_git_can_t_read_is_not_taken_for_one_that_is_not_there(
    checkout: Checkout,
) -> None:
    (checkout.project / SHIPPED / "current").write_text("one\n")
    checkout.git("add", ".")
    checkout.git("commit", "-q", "-m", "a model")
    blob = checkout.git("rev-parse", f"HEAD:{SHIPPED}/current")
    (checkout.project / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    branch = ModelBranch(git_of(checkout.project, "https://example.com", TOKEN), "loja/ontem")

    with pytest.raises(GitFailed, match="cat-file"):
        branch.current_model("HEAD")
    assert branch.current_model("HEAD~1") is None


def test_a_remote_that_takes_no_push_is_a_sentence(
    checkout: Checkout, propose: Callable[..., Result]
) -> None:
    checkout.add("one")
    hook = checkout.remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)

    result = propose()

    assert result.exit_code == 4
    assert "git could not do its part (push: ! [remote rejected]" in result.stderr
    assert checkout.github.pulls == []
    assert checkout.git("worktree", "list").count("\n") == 0
