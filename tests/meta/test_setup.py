"""`deploy/setup` refuses a Python for which nothing is locked, before it installs anything."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("version", [(3, 10, 9), (3, 14, 0)])
def test_another_python_is_refused_by_a_sentence(tmp_path, version):
    shutil.copytree(PROJECT / "deploy", tmp_path / "deploy")
    for name in ("requirements.lock", "pyproject.toml"):
        shutil.copy(PROJECT / name, tmp_path)
    python = tmp_path / "bin" / "python3"
    python.parent.mkdir()
    pretence = f"import sys; sys.version_info = {version}; exec(sys.argv[1])"
    python.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c '{pretence}' \"$2\"\n")
    python.chmod(0o755)

    done = subprocess.run(
        [tmp_path / "deploy" / "setup"],
        env={**os.environ, "PATH": f"{python.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr == "setup: Python 3.11, 3.12 or 3.13 is needed as python3\n"
    assert not (tmp_path / ".venv").exists()


def test_the_sentence_names_the_pythons_of_the_project_file():
    project = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    setup = (PROJECT / "deploy" / "setup").read_text(encoding="utf-8")
    named = re.findall(r"Programming Language :: Python :: (3\.\d+)", project)

    assert 'requires-python = ">=3.11,<3.14"' in project
    assert f"Python {named[0]}, {named[1]} or {named[2]} is needed" in setup
