"""The folder of `ontem train --output`: refused before anything is trained, or left as it is."""

from dataclasses import replace
from pathlib import Path

import pytest

from features_pkg.models.manifest import MANIFEST, Sampling, encode_manifest
from jobs.train.choice import Recipe, TrainingChoice
from jobs.train.errors import FolderTaken, OutputUnusable
from jobs.train.output import check_output
from tests.e2e.a_model import a_manifest
from tests.unit.trained_models import FEATURES

MADE = replace(
    a_manifest(FEATURES),
    training_set="the set",
    recipe=("--estimator", "forest"),
    sampling=Sampling(charged_back=10, others=900, others_kept=90, share=0.1, weight=10.0),
)
CHOICE = TrainingChoice(1, seed=MADE.seed, sample=100, recipe=Recipe("forest"))


def check(folder: Path, choice: TrainingChoice = CHOICE, training_set: str = "the set") -> None:
    check_output(folder, training_set, FEATURES.order_features, choice)


def test_a_folder_that_is_missing_is_not_made_before_there_is_a_model(tmp_path: Path) -> None:
    check(tmp_path / "new" / "er")
    (tmp_path / "empty").mkdir()
    check(tmp_path / "empty")

    assert [path.name for path in tmp_path.iterdir()] == ["empty"]
    assert list((tmp_path / "empty").iterdir()) == []


def test_a_folder_below_a_file_names_the_file_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("")

    with pytest.raises(OutputUnusable, match="name a folder that you may write into") as refused:
        check(tmp_path / "notes" / "models" / "copy")
    assert refused.value.place == tmp_path / "notes"


def test_a_folder_that_nobody_may_write_into_is_named() -> None:
    """Who runs tests may be root, who may write nearly anywhere."""
    with pytest.raises(OutputUnusable, match="nothing can be written into /proc/self "):
        check(Path("/proc/self/copy"))


def test_a_folder_that_may_have_the_very_model_is_not_refused(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_bytes(encode_manifest(MADE))
    check(tmp_path)

    (tmp_path / MANIFEST).write_bytes(encode_manifest(replace(MADE, sampling=None)))
    check(tmp_path)
    check(tmp_path, replace(CHOICE, sample=None))


@pytest.mark.parametrize(
    "choice",
    [
        replace(CHOICE, seed=MADE.seed + 1),
        replace(CHOICE, sample=None),
        replace(CHOICE, sample=99),
        replace(CHOICE, velocity=False),
        replace(CHOICE, recipe=Recipe("forest", folds=2)),
    ],
    ids=["seed", "all orders", "another sample", "features", "recipe"],
)
def test_a_folder_with_the_model_of_another_choice_is_refused(
    tmp_path: Path, choice: TrainingChoice
) -> None:
    (tmp_path / MANIFEST).write_bytes(encode_manifest(MADE))

    with pytest.raises(FolderTaken, match="has another model, which is not replaced"):
        check(tmp_path, choice)


def test_a_folder_with_a_model_of_another_training_set_or_with_no_model_is_refused(
    tmp_path: Path,
) -> None:
    (tmp_path / MANIFEST).write_bytes(encode_manifest(MADE))
    with pytest.raises(FolderTaken):
        check(tmp_path, training_set="another set")

    (tmp_path / MANIFEST).write_text("{}")
    with pytest.raises(FolderTaken):
        check(tmp_path)
