"""The version is the number of commits on main's first-parent line, wherever it can be counted."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from ontem.cli import main
from ontem.version import UNCOUNTED, Version, refusal_to_count, version_here, version_of_checkout

NOBODY = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": os.devnull,
    **{f"GIT_{who}_{what}": "x@y" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


def git(folder: Path, *words: str) -> str:
    command = ["git", "-C", str(folder), *words]
    done = subprocess.run(command, env=NOBODY, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits, then a merge of a branch of three."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    commit = ("commit", "-q", "--allow-empty", "-m", "x")
    git(folder, *commit)
    git(folder, *commit)
    git(folder, "checkout", "-q", "-b", "work")
    for _ in range(3):
        git(folder, *commit)
    git(folder, "checkout", "-q", "main")
    git(folder, "merge", "-q", "--no-ff", "-m", "merge", "work")
    return folder


def test_a_merge_counts_once_whatever_it_merges(repository):
    assert version_of_checkout(repository) == Version("0.1.3", git(repository, "rev-parse", "HEAD"))


def test_two_builds_of_one_commit_are_one_version_and_the_next_commit_is_the_next(repository):
    before = version_of_checkout(repository)
    git(repository, "checkout", "-q", "--detach")

    assert version_of_checkout(repository) == before
    git(repository, "commit", "-q", "--allow-empty", "-m", "x")
    assert version_of_checkout(repository).number == "0.1.4"


def test_a_shallow_clone_cannot_count(repository, tmp_path):
    git(tmp_path, "clone", "-q", "--depth", "1", repository.as_uri(), "shallow")

    assert "git fetch --unshallow" in refusal_to_count(tmp_path / "shallow")
    assert version_of_checkout(tmp_path / "shallow") == Version(UNCOUNTED, "")


def test_an_exported_tree_has_no_number_even_inside_of_another_repository(repository):
    exported = repository / "vendor" / "ontem"
    exported.mkdir(parents=True)

    assert "not a git checkout" in refusal_to_count(exported)
    assert version_of_checkout(exported) == Version(UNCOUNTED, "")


def test_variables_of_git_s_hooks_do_not_point_at_another_repository(
    repository, tmp_path, monkeypatch
):
    git(tmp_path, "init", "-q", "other")
    expected = version_of_checkout(repository)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path / "other"))

    assert version_of_checkout(repository) == expected
    assert expected.number == "0.1.3"


def test_a_checkout_that_git_does_not_read_is_not_taken_for_an_exported_tree(
    repository, monkeypatch
):
    """As one that belongs to somebody else."""
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")

    assert refusal_to_count(repository).startswith("git does not read it: run `git status`")
    assert version_of_checkout(repository) == Version(UNCOUNTED, "")


def test_a_repository_without_a_commit_has_no_number(tmp_path):
    git(tmp_path, "init", "-q")

    assert "no commit" in refusal_to_count(tmp_path)


def test_a_wheel_has_its_own_version(repository, tmp_path):
    built = tmp_path / "built.json"
    built.write_text('{"number": "0.1.77", "commit": "abc"}')

    assert version_here(repository, built) == Version("0.1.77", "abc")


def test_the_command_prints_version_and_commit():
    said = CliRunner().invoke(main, ["--version"]).output

    assert re.fullmatch(r"ontem 0\.1\.\d+ \(commit [0-9a-f]{12}\)\n", said) or said == (
        f"ontem {UNCOUNTED} (commit unknown)\n"
    )
