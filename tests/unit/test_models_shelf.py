"""Which model serves: chosen on purpose, from models that ship, in a checkout only."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from features_pkg.models.manifest import ModelRefused
from features_pkg.models.shipped_models import (
    NoCurrentModel,
    current_folder,
    current_name,
    model_folders,
)
from ontem.cli import main
from ontem.models.commands import list_models
from ontem.models.errors import ModelExists, ModelUnknown, PackageInstalled
from ontem.models.shelf import Shelf
from tests.unit.trained_models import FEATURES, edit


@pytest.fixture
def shelf(trained_model: Path, tmp_path: Path) -> Shelf:
    """A checkout with one shipped model, `old`, and one candidate, `new`."""
    (tmp_path / "pyproject.toml").touch()
    shelf = Shelf(tmp_path / "features_pkg" / "models" / "shipped", tmp_path / ".ontem" / "models")
    for place, name in ((shelf.shipped, "old"), (shelf.candidates, "new")):
        shutil.copytree(trained_model, place / name)
    return shelf


def test_no_model_serves_until_one_was_chosen(shelf: Shelf) -> None:
    with pytest.raises(NoCurrentModel, match=r"no model is current; shipped are old: .*MODEL"):
        current_folder(shelf.shipped)


def test_a_model_that_was_chosen_serves_whatever_its_name_and_whatever_ships_later(
    shelf: Shelf,
) -> None:
    shelf.use("old", FEATURES)
    shelf.ship("new", FEATURES)
    shutil.copytree(shelf.shipped / "old", shelf.shipped / "zzz")

    assert current_folder(shelf.shipped) == shelf.shipped / "old"
    assert (shelf.shipped / "current").read_text() == "old\n"


def test_a_pointer_to_a_model_that_is_gone_is_a_sentence(shelf: Shelf) -> None:
    shelf.use("old", FEATURES)
    shutil.rmtree(shelf.shipped / "old")

    with pytest.raises(NoCurrentModel, match="the current model, old, is not shipped"):
        current_folder(shelf.shipped)


def test_a_candidate_is_shipped_before_it_is_used(shelf: Shelf) -> None:
    with pytest.raises(ModelUnknown, match=r"no model 'new' in .*, which has old: .* ship new"):
        shelf.use("new", FEATURES)

    shelf.ship("new", FEATURES)
    shelf.use("new", FEATURES)

    assert current_name(shelf.shipped) == "new"
    assert model_folders(shelf.candidates) == []
    assert sorted(path.name for path in shelf.shipped.iterdir()) == ["current", "new", "old"]


def test_a_model_that_ships_already_is_not_replaced(shelf: Shelf) -> None:
    shutil.copytree(shelf.candidates / "new", shelf.shipped / "new")

    with pytest.raises(ModelExists, match="a model new ships already"):
        shelf.ship("new", FEATURES)


@pytest.mark.parametrize("place", ["shipped", "candidates"])
def test_a_model_that_cannot_serve_is_neither_shipped_nor_used(shelf: Shelf, place: str) -> None:
    folder = {"shipped": shelf.shipped / "old", "candidates": shelf.candidates / "new"}[place]
    edit(folder, timezone="UTC")

    change = {"shipped": shelf.use, "candidates": shelf.ship}[place]
    with pytest.raises(ModelRefused, match="time zone was UTC"):
        change(folder.name, FEATURES)

    assert current_name(shelf.shipped) == ""
    assert [each.name for each in model_folders(shelf.shipped)] == ["old"]


def test_an_installed_package_keeps_its_models_and_names_the_variable(
    shelf: Shelf, tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").unlink()

    for change in (lambda: shelf.use("old", FEATURES), lambda: shelf.ship("new", FEATURES)):
        with pytest.raises(PackageInstalled, match="set ONTEM_MODEL"):
            change()
    assert current_name(shelf.shipped) == ""


def test_the_list_has_metrics_the_current_one_and_why_one_cannot_serve(
    shelf: Shelf, capsys: pytest.CaptureFixture[str]
) -> None:
    shelf.use("old", FEATURES)
    edit(shelf.candidates / "new", timezone="UTC")
    shutil.copytree(shelf.shipped / "old", shelf.candidates / "odd")
    (shelf.candidates / "odd" / "manifest.json").write_text("{")

    list_models(shelf, FEATURES, None)

    lines = capsys.readouterr().out.splitlines()
    assert "  old (current)" in lines
    assert "ROC AUC 1.0000" in lines[2] or "ROC AUC 0.9" in lines[2]
    assert any("can't serve: the time zone was UTC in training" in line for line in lines)
    assert any(
        "can't serve: manifest.json is not the manifest of a model" in line for line in lines
    )


def test_the_list_says_that_the_variable_decides(
    shelf: Shelf, capsys: pytest.CaptureFixture[str]
) -> None:
    list_models(shelf, FEATURES, Path("/models/other"))

    assert "ONTEM_MODEL is /models/other: that model serves here" in capsys.readouterr().out


def test_this_repository_ships_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    environ = {
        "ONTEM_POSTGRES_URL": "postgresql://nobody@127.0.0.1:1/none",
        "ONTEM_REDIS_URL": "redis://127.0.0.1:1",
        "ONTEM_STORAGE_URL": "file:///nowhere",
        "ONTEM_ENTITY_KEY": "0a" * 32,
    }

    result = CliRunner(env=environ).invoke(main, ["models"])

    assert result.exit_code == 0, result.output
    assert result.output.count("  none") == 2
    assert "no model is current; shipped are none: let a trained one ship" in result.output
