"""Which model serves: chosen on purpose, from models that ship, in a checkout only."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from features_pkg.models.bundle import CONTENTS, PAGE, PICKLE
from features_pkg.models.manifest import LAYOUT, ModelRefused
from features_pkg.models.shipped_models import (
    SHIPPED,
    NoCurrentModel,
    current_folder,
    current_name,
    model_folders,
)
from features_pkg.models.signing import SigningKey, VerifyKeys
from ontem.cli import main
from ontem.models.commands import list_shipped, list_stored
from ontem.models.errors import ModelExists, ModelUnknown, PackageInstalled
from ontem.models.shelf import Shelf
from stores.offline.files import open_files
from stores.offline.models import StoredModels
from tests.e2e.a_model import copy_as
from tests.model_keys import TRUST, VERIFY_KEYS
from tests.offline import NoS3
from tests.unit.trained_models import FEATURES, edit, manifest_of


@pytest.fixture
def shelf(trained_model: Path, tmp_path: Path) -> Shelf:
    """A checkout with one shipped model, `old`."""
    (tmp_path / "pyproject.toml").touch()
    shelf = Shelf(tmp_path / "features_pkg" / "models" / "shipped", VERIFY_KEYS, FEATURES)
    shutil.copytree(trained_model, shelf.shipped / "old")
    return shelf


@pytest.fixture
def stored(trained_model: Path, tmp_path: Path) -> StoredModels:
    """A store with one model, `new`."""
    built_at = manifest_of(trained_model).training_set_built_at
    copy_as(trained_model, tmp_path / "storage" / "models" / "new", "new", built_at)
    return StoredModels(open_files((tmp_path / "storage").as_uri(), NoS3()))


def folder_of(stored: StoredModels, name: str) -> Path:
    return Path(stored.location(name))


def test_no_model_serves_until_one_was_chosen(shelf: Shelf) -> None:
    with pytest.raises(NoCurrentModel, match=r"no model is current; shipped are old: .*MODEL"):
        current_folder(shelf.shipped)


def test_a_model_that_was_chosen_serves_whatever_its_name_and_whatever_ships_later(
    shelf: Shelf, stored: StoredModels
) -> None:
    shelf.use("old")
    shelf.ship("new", stored)
    shutil.copytree(shelf.shipped / "old", shelf.shipped / "zzz")

    assert current_folder(shelf.shipped) == shelf.shipped / "old"
    assert (shelf.shipped / "current").read_text() == "old\n"


def test_a_pointer_to_a_model_that_is_gone_is_a_sentence(shelf: Shelf) -> None:
    shelf.use("old")
    shutil.rmtree(shelf.shipped / "old")

    with pytest.raises(NoCurrentModel, match="the current model, old, is not shipped"):
        current_folder(shelf.shipped)


def test_a_trained_model_is_shipped_before_it_is_used(shelf: Shelf, stored: StoredModels) -> None:
    with pytest.raises(ModelUnknown, match=r"no model 'new' in .*, which has old: .* ship new"):
        shelf.use("new")

    shelf.ship("new", stored)
    shelf.use("new")

    assert current_name(shelf.shipped) == "new"
    assert stored.names() == ["new"]
    assert sorted(path.name for path in shelf.shipped.iterdir()) == ["current", "new", "old"]


@pytest.mark.parametrize("name", ["../x", "..", "", "old"])
def test_a_model_that_is_not_in_the_store_is_a_sentence(
    shelf: Shelf, stored: StoredModels, name: str
) -> None:
    expected = f"no model {name!r} in .*models, which has new: train"
    with pytest.raises(ModelUnknown, match=expected):
        shelf.ship(name, stored)


def test_a_model_under_another_name_than_its_own_does_not_ship(
    shelf: Shelf, stored: StoredModels
) -> None:
    folder_of(stored, "new").rename(folder_of(stored, "newer"))

    with pytest.raises(
        ModelRefused, match="the model newer is refused: its manifest is that of new"
    ):
        shelf.ship("newer", stored)
    assert sorted(path.name for path in shelf.shipped.iterdir()) == ["old"]


def test_a_model_that_ships_already_is_not_replaced(shelf: Shelf, stored: StoredModels) -> None:
    shutil.copytree(folder_of(stored, "new"), shelf.shipped / "new")

    with pytest.raises(ModelExists, match="a model new ships already"):
        shelf.ship("new", stored)


def test_a_model_of_other_settings_is_neither_shipped_nor_used(
    shelf: Shelf, stored: StoredModels
) -> None:
    edit(shelf.shipped / "old", timezone="UTC")
    edit(folder_of(stored, "new"), timezone="UTC")

    with pytest.raises(ModelRefused, match="time zone was UTC"):
        shelf.use("old")
    with pytest.raises(ModelRefused, match="time zone was UTC"):
        shelf.ship("new", stored)

    assert current_name(shelf.shipped) == ""
    assert sorted(path.name for path in shelf.shipped.iterdir()) == ["old"]


def test_a_model_of_another_version_of_ontem_is_refused_whatever_files_it_has(
    shelf: Shelf, stored: StoredModels
) -> None:
    edit(folder_of(stored, "new"), layout=3)
    (folder_of(stored, "new") / PAGE).unlink()

    with pytest.raises(ModelRefused, match="another version of Ontem trained it: its layout is 3"):
        shelf.ship("new", stored)
    assert [each.name for each in shelf.shipped.iterdir()] == ["old"]


def test_a_layout_and_the_files_of_a_bundle_are_raised_together() -> None:
    """Else a model of another version would be refused for its files, and not for its version."""
    files = {"model.pickle", "golden.json", "report.json", "report.md", "report.html"}

    assert (LAYOUT, set(CONTENTS)) == (5, files)


def test_a_model_that_was_changed_in_the_store_does_not_ship(
    shelf: Shelf, stored: StoredModels
) -> None:
    with (folder_of(stored, "new") / PICKLE).open("ab") as file:
        file.write(b"\0")

    with pytest.raises(ModelRefused, match=r"model\.pickle has sha256"):
        shelf.ship("new", stored)
    assert sorted(path.name for path in shelf.shipped.iterdir()) == ["old"]


def test_an_installed_package_keeps_its_models_and_names_the_variable(
    shelf: Shelf, stored: StoredModels, tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").unlink()

    for change in (lambda: shelf.use("old"), lambda: shelf.ship("new", stored)):
        with pytest.raises(PackageInstalled, match="set ONTEM_MODEL"):
            change()
    assert current_name(shelf.shipped) == ""


def test_the_list_has_metrics_the_current_one_and_why_one_cannot_serve(
    shelf: Shelf, stored: StoredModels, capsys: pytest.CaptureFixture[str]
) -> None:
    shelf.use("old")
    shutil.copytree(folder_of(stored, "new"), folder_of(stored, "zone"))
    edit(folder_of(stored, "zone"), timezone="UTC")
    shutil.copytree(shelf.shipped / "old", shelf.shipped / "odd")
    (shelf.shipped / "odd" / "manifest.json").write_text("{")

    list_shipped(shelf, None)
    list_stored(shelf, stored)

    lines = capsys.readouterr().out.splitlines()
    assert "  old (current)" in lines
    assert "  new" in lines
    (odd,) = (line for line in lines if "no key of ONTEM_MODEL_VERIFY_KEYS" in line)
    assert odd == lines[lines.index("  odd") + 1]
    assert "can't serve: the time zone was UTC in training" in lines[lines.index("  zone") + 2]
    assert "ROC AUC 1.0000" in lines[lines.index("  new") + 1]


def test_the_list_calls_a_model_of_another_key_one_that_cannot_serve(
    shelf: Shelf, stored: StoredModels, capsys: pytest.CaptureFixture[str]
) -> None:
    list_stored(Shelf(shelf.shipped, VerifyKeys((bytes(32),)), FEATURES), stored)

    assert "can't serve: no key of ONTEM_MODEL_VERIFY_KEYS (66687aad)" in capsys.readouterr().out


def test_the_list_says_that_the_variable_decides(
    shelf: Shelf, capsys: pytest.CaptureFixture[str]
) -> None:
    list_shipped(shelf, Path("/models/other"))

    assert "ONTEM_MODEL is /models/other: that model serves here" in capsys.readouterr().out


def test_the_lists_say_where_the_pages_of_models_are(
    shelf: Shelf, stored: StoredModels, capsys: pytest.CaptureFixture[str]
) -> None:
    list_shipped(shelf, None)
    list_stored(shelf, stored)

    printed = capsys.readouterr().out
    for name, place in (("old", str(shelf.shipped)), ("new", stored.place)):
        assert f"for a browser: {place}/NAME/report.html\n" in printed
        assert Path(f"{place}/{name}/report.html").is_file()


def test_the_command_lists_what_ships_and_an_empty_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    environ = {"ONTEM_STORAGE_URL": (tmp_path / "storage").as_uri(), **TRUST}

    result = CliRunner(env=environ).invoke(main, ["models"])

    assert result.exit_code == 0, result.output
    assert f"trained, in {tmp_path}/storage/models:\n  none" in result.output
    shipped = [folder.name for folder in model_folders(SHIPPED)]
    assert all(f"  {name}" in result.output for name in shipped or ["none"])


def test_a_model_is_used_without_a_store(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ontem.models.commands.SHIPPED", shelf.shipped)
    for name in ("ONTEM_STORAGE_URL", "ONTEM_ENV_FILE"):
        monkeypatch.delenv(name, raising=False)
    environ = {**TRUST, "BUSINESS_TIMEZONE": FEATURES.timezone}

    result = CliRunner(env=environ).invoke(main, ["models", "use", "old"])

    assert result.exit_code == 0, result.output
    assert current_name(shelf.shipped) == "old"
    listing = CliRunner(env=environ).invoke(main, ["models"])
    assert (listing.exit_code, "ONTEM_STORAGE_URL is not set" in listing.stderr) == (3, True)


def test_going_back_asks_for_what_it_uses_alone(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ontem.models.commands.SHIPPED", shelf.shipped)
    name = manifest_of(shelf.shipped / "old").name
    environ = {**TRUST, "ONTEM_POSTGRES_URL": "postgresql://x@127.0.0.1:1/x"}

    result = CliRunner(env=environ).invoke(main, ["models", "roll-back", name])

    assert result.exit_code == 4, result.output
    assert "PostgreSQL at 127.0.0.1:1/x is not available" in result.stderr


def test_a_store_whose_server_is_away_is_a_matter_of_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    environ = {
        **TRUST,
        "ONTEM_STORAGE_URL": "s3://bucket/store",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_REGION": "sa-east-1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
    }

    result = CliRunner(env=environ).invoke(main, ["models"])

    assert (result.exit_code, result.stderr.count("\n")) == (4, 1), result.stderr
    assert "run the same command again when it answers" in result.stderr


def test_a_pair_of_keys_is_printed_once_as_lines_of_a_file_of_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    first, second = (CliRunner().invoke(main, ["models", "key"]).output for _ in range(2))

    secret, public = (line.split("=") for line in first.splitlines())
    assert (secret[0], public[0]) == ("ONTEM_MODEL_SIGNING_KEY", "ONTEM_MODEL_VERIFY_KEYS")
    assert SigningKey(bytes.fromhex(secret[1])).public.hex() == public[1]
    assert first != second
    assert list(tmp_path.iterdir()) == []
