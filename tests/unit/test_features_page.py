"""What docs/features.md shows is what the commands print."""

import re
import shlex
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from features_pkg.definitions.derived import parse_feature
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.velocity import parse_name
from ontem.cli import main
from tests.model_keys import TRUST
from tests.unit.model_manifests import a_signed_manifest

PAGE = (Path(__file__).parents[2] / "docs" / "features.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```console\n\$ ontem (.+?)\n(.+?)^```$", PAGE, re.MULTILINE | re.DOTALL)
"""Each command with what it prints, from some line on."""


@pytest.fixture
def environ(tmp_path):
    """The variables of a store with the two models of the page."""
    for name, days in (("weekly", 7), ("monthly", 30)):
        velocity = parse_name(f"card_orders_{days}d_distant")
        features = FeatureSet("America/Sao_Paulo", timedelta(hours=4), (velocity,))
        a_signed_manifest(tmp_path / "store" / "models" / name, features)
    return {**TRUST, "ONTEM_STORAGE_URL": (tmp_path / "store").as_uri()}


def test_the_page_shows_every_command():
    assert {command.split()[1] for command, _ in BLOCKS} == {"search", "show", "diff"}


@pytest.mark.parametrize(("command", "shown"), BLOCKS, ids=[block[0] for block in BLOCKS])
def test_a_block_of_the_page_is_what_the_command_prints(command, shown, environ):
    done = CliRunner().invoke(main, shlex.split(command), env=environ)

    assert shown in done.stdout


def test_every_example_of_a_name_is_one():
    table = PAGE.partition("## Names")[2].partition("\n\n`<events>`")[0]
    names = re.findall(r"\| `([a-z0-9_]+)` \|$", table, re.MULTILINE)

    assert len(names) == 9
    for name in names:
        parse_feature(name)
