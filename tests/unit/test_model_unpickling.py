"""A pickle is read only where its checksum fits, and nothing but listed names is imported."""

import io
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from features_pkg.models.bundle import PICKLE
from features_pkg.models.loading import load_model
from features_pkg.models.manifest import ModelRefused
from features_pkg.models.unpickling import ForbiddenName, unpickle
from tests.model_keys import VERIFY_KEYS
from tests.unit.trained_models import FEATURES, replace_pickle


class Canary:
    """A pickle that would create a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return (os.mkdir, (str(self.path),))


def test_a_malicious_pickle_does_nothing_even_with_a_fitting_checksum(
    model_folder: Path, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    replace_pickle(model_folder, pickle.dumps(Canary(canary)))

    with pytest.raises(ModelRefused, match=r"posix\.mkdir"):
        load_model(model_folder, FEATURES, VERIFY_KEYS)
    assert not canary.exists()


@pytest.mark.parametrize(
    "attack",
    [
        b"cbuiltins\neval\n(V1\ntR.",
        b"cnumpy\nload\n.",
        b"cnumpy.f2py.capi_maps\nos\n.",
        b"csklearn.pipeline\nPipeline.__init__.__globals__\n.",
        b"\x80\x04\x8c\x10sklearn.pipeline\x8c\x11Pipeline.__init__\x93.",
        b"cposix\nsystem\n(Vtrue\ntR.",
    ],
)
def test_nothing_but_the_listed_names_can_be_had(attack: bytes) -> None:
    with pytest.raises(ForbiddenName):
        unpickle(attack)


def test_a_pickle_with_a_wrong_checksum_is_not_read(model_folder: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    (model_folder / PICKLE).write_bytes(pickle.dumps(Canary(canary)))

    with pytest.raises(ModelRefused, match="sha256"):
        load_model(model_folder, FEATURES, VERIFY_KEYS)
    assert not canary.exists()


def test_a_truncated_pickle_is_refused_whatever_its_checksum(model_folder: Path) -> None:
    content = (model_folder / PICKLE).read_bytes()
    replace_pickle(model_folder, content[: len(content) // 2])

    with pytest.raises(ModelRefused, match="can't be read"):
        load_model(model_folder, FEATURES, VERIFY_KEYS)


def test_a_model_with_changed_trees_is_refused(model_folder: Path) -> None:
    pipeline = unpickle((model_folder / PICKLE).read_bytes())
    pipeline.classes_  # noqa: B018  the pipeline is whole
    pipeline.steps[0][1]._baseline_prediction = np.array([[0.0, 1.0]])
    replace_pickle(model_folder, pickle.dumps(pipeline))

    with pytest.raises(ModelRefused):
        load_model(model_folder, FEATURES, VERIFY_KEYS)


def test_a_pickle_of_something_else_is_refused(model_folder: Path) -> None:
    content = io.BytesIO()
    pickle.dump({"not": "a pipeline"}, content)
    replace_pickle(model_folder, content.getvalue())

    with pytest.raises(ModelRefused, match="other features"):
        load_model(model_folder, FEATURES, VERIFY_KEYS)
