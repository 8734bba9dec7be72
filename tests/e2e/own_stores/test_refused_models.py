"""Whatever is wrong with a model: who serves goes on as before, and a fresh host does not start."""

import os
import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features_pkg.models.bundle import GOLDEN, PICKLE, SIGNATURE
from features_pkg.models.manifest import MANIFEST
from features_pkg.models.signing import SigningKey
from features_pkg.models.unpickling import unpickle
from service.model_in_use import ModelNotLoaded
from service.states import OK
from tests.e2e.in_process import Stores
from tests.unit.trained_models import edit, manifest_of, replace_file, replace_pickle


class Canary:
    """A pickle that would make a folder beside the model."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return (os.mkdir, (f"{self.folder}-canary",))


def cut_short(folder: Path) -> None:
    content = (folder / PICKLE).read_bytes()
    (folder / PICKLE).write_bytes(content[: len(content) // 2])


def flip_a_bit(folder: Path) -> None:
    content = bytearray((folder / MANIFEST).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / MANIFEST).write_bytes(content)


def sign_as_a_stranger(folder: Path) -> None:
    manifest = (folder / MANIFEST).read_bytes()
    (folder / SIGNATURE).write_bytes(SigningKey(bytes(32)).sign(manifest))


def swap_two_columns(folder: Path) -> None:
    names = list(manifest_of(folder).features)
    names[0], names[1] = names[1], names[0]
    edit(folder, features=names)


def score_nan(folder: Path) -> None:
    pipeline = unpickle((folder / PICKLE).read_bytes())
    for (predictor,) in pipeline.steps[0][1]._predictors:
        predictor.nodes["value"][-1] = np.nan
    replace_pickle(folder, pickle.dumps(pipeline, protocol=5))


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut short": (cut_short, "model.pickle has sha256"),
    "one bit": (flip_a_bit, "no key of ONTEM_MODEL_VERIFY_KEYS"),
    "an unknown key": (sign_as_a_stranger, "somebody else signed it"),
    "no signature": (lambda folder: (folder / SIGNATURE).unlink(), "manifest.sig can't be read"),
    "no file at all": (shutil.rmtree, "can't be read"),
    "another scikit-learn": (
        lambda folder: edit(
            folder, libraries={**manifest_of(folder).libraries, "scikit-learn": "1.7.0"}
        ),
        "scikit-learn was 1.7.0",
    ),
    "another NumPy": (
        lambda folder: edit(folder, libraries={**manifest_of(folder).libraries, "numpy": "1.26.4"}),
        "numpy was 1.26.4",
    ),
    "another zone": (lambda folder: edit(folder, timezone="UTC"), "the time zone was UTC"),
    "swapped columns": (swap_two_columns, "order of the feature set"),
    "a malicious pickle": (
        lambda folder: replace_pickle(folder, pickle.dumps(Canary(folder))),
        "it imports posix.mkdir",
    ),
    "scores that are NaN": (score_nan, "it scores nan"),
    "other golden scores": (
        lambda folder: replace_file(folder, GOLDEN, b'{"rows": [[1.0]], "scores": [0.5]}'),
        "golden.json does not have a score",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_hup_keeps_the_old_model_and_a_fresh_host_does_not_start(
    damage: str, model_folder: Path, tmp_path: Path
) -> None:
    do_damage, sentence = DAMAGES[damage]
    folder = tmp_path / "model"
    shutil.copytree(model_folder, folder)
    stores = replace(NOWHERE, model_folder=folder)
    model = stores.process().model
    served = model.served_model

    do_damage(folder)
    model.reload(lambda _: OK)
    assert model.served_model is served
    assert sentence in model.refusal
    with pytest.raises(ModelNotLoaded) as refused:
        stores.process()
    assert sentence in str(refused.value)
    assert [path.name for path in tmp_path.iterdir() if "canary" in path.name] == []

    shutil.copytree(model_folder, folder, dirs_exist_ok=True)
    model.reload(lambda _: OK)
    assert model.refusal == ""


NOWHERE = Stores("postgresql://nobody@127.0.0.1:1/none", "redis://127.0.0.1:1", Path(), bytes(32))
