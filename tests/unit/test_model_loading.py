"""A trained model is checked before it is loaded, and scores as scikit-learn does."""

from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from features_pkg.models.loading import Model, NotFinite, load_model
from features_pkg.models.manifest import MANIFEST, ModelRefused
from features_pkg.models.scoring import ConstantScorer
from features_pkg.models.unpickling import unpickle
from tests.unit.trained_models import FEATURES, a_vector, edit, manifest_of


def test_a_model_scores_what_it_learnt(model_folder: Path) -> None:
    model = load_model(model_folder, FEATURES)
    first, second = FEATURES.names[:2]

    assert model.score(a_vector(**{first: 2500.0, second: 2500.0})) > 0.9
    assert model.score(a_vector(**{first: 500.0, second: 500.0})) < 0.1
    assert (manifest_of(model_folder).metrics.roc_auc or 0) > 0.95


def test_one_row_and_many_score_the_same_as_scikit_learn(model_folder: Path) -> None:
    model = load_model(model_folder, FEATURES)
    rows = np.random.default_rng(1).integers(0, 3000, (500, len(FEATURES.names))).astype(float)
    rows[np.random.default_rng(2).random(rows.shape) < 0.3] = np.nan
    pipeline = unpickle((model_folder / manifest_of(model_folder).pickle).read_bytes())

    expected = pipeline.predict_proba(rows)[:, 1]
    assert np.allclose(model.score_many(rows), expected, rtol=0, atol=1e-12)
    assert np.allclose([model.score(row) for row in rows], expected, rtol=0, atol=1e-12)


def test_more_rows_than_are_walked_at_once_keep_their_order(model_folder: Path) -> None:
    model = load_model(model_folder, FEATURES)
    rows = np.random.default_rng(1).integers(0, 3000, (9000, len(FEATURES.names))).astype(float)

    whole = model.score_many(rows)
    assert np.array_equal(
        whole[[0, 4095, 4096, 8999]], model.score_many(rows[[0, 4095, 4096, 8999]])
    )


def test_the_most_telling_feature_comes_first_in_an_explanation(model_folder: Path) -> None:
    model = load_model(model_folder, FEATURES)
    first, second = FEATURES.names[:2]
    vector = a_vector(**{first: 2500.0, second: 2500.0})

    explained = model.explain(vector, n=10)
    assert len(explained) == 10
    assert {each.feature for each in explained[:2]} == {first, second}
    assert explained[0].value == 2500.0
    without = vector.copy()
    without[FEATURES.names.index(explained[0].feature)] = explained[0].median
    assert explained[0].change == pytest.approx(model.score(vector) - model.score(without))


def test_an_infinite_value_is_refused_by_its_name(model_folder: Path) -> None:
    model = load_model(model_folder, FEATURES)

    with pytest.raises(NotFinite, match=f"{FEATURES.names[3]} is inf"):
        model.score(a_vector(**{FEATURES.names[3]: float("inf")}))


def test_a_score_that_is_not_a_number_from_0_to_1_is_refused(model_folder: Path) -> None:
    model = replace(load_model(model_folder, FEATURES), scorer=ConstantScorer(float("nan")))

    with pytest.raises(NotFinite, match="the score is nan"):
        model.score(a_vector())


def test_the_loaded_model_keeps_nothing_of_scikit_learn(model_folder: Path) -> None:
    model: Model = load_model(model_folder, FEATURES)

    assert type(model.scorer).__module__ == "features_pkg.models.scoring"


def test_features_in_another_order_are_refused(model_folder: Path) -> None:
    names = list(manifest_of(model_folder).features)
    names[0], names[1] = names[1], names[0]
    edit(model_folder, features=names)

    with pytest.raises(ModelRefused, match="order of the feature set"):
        load_model(model_folder, FEATURES)


def test_features_under_other_names_than_in_training_are_refused(
    model_folder: Path,
) -> None:
    manifest = manifest_of(model_folder)
    edit(model_folder, features=manifest.features[1:], medians=manifest.medians[1:])

    with pytest.raises(ModelRefused, match="fitted on other features"):
        load_model(model_folder, FEATURES)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"timezone": "UTC"}, "time zone"),
        ({"snapshot_lag_seconds": 0.0}, "snapshot lag"),
        ({"timelines": "0" * 12}, "timelines id"),
        ({"feature_set": "0" * 16}, "feature set was 0000000000000000"),
        ({"libraries": {"numpy": "1.26.0", "scikit-learn": "1.9.1"}}, "numpy was 1.26.0"),
        ({"libraries": {"numpy": version("numpy"), "scikit-learn": "1.9.0"}}, "was 1.9.0"),
        ({"libraries": {}}, "scikit-learn was not stated"),
        ({"layout": 2}, "layout is 2"),
        ({"pickle": "../other.pkl"}, "outside the folder"),
        ({"sha256": 7}, "not the manifest of a model"),
        ({"medians": []}, "one median"),
    ],
)
def test_a_model_made_under_other_settings_is_refused_with_what_to_run(
    model_folder: Path, changes: dict[str, object], sentence: str
) -> None:
    edit(model_folder, **changes)

    with pytest.raises(ModelRefused, match=sentence) as refused:
        load_model(model_folder, FEATURES)
    assert "python -m jobs train" in str(refused.value)


def test_another_minor_version_of_numpy_loads_what_the_same_scikit_learn_trained(
    model_folder: Path,
) -> None:
    major, minor, *_ = version("numpy").split(".")
    libraries = {**manifest_of(model_folder).libraries, "numpy": f"{major}.{int(minor) + 1}.0"}
    edit(model_folder, libraries=libraries)

    assert load_model(model_folder, FEATURES).manifest.libraries == libraries


def test_another_zone_in_the_settings_refuses_the_model(model_folder: Path) -> None:
    with pytest.raises(ModelRefused, match="time zone"):
        load_model(model_folder, replace(FEATURES, timezone="UTC"))


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content.replace(b"sha256", b"sha\xb256"),
        lambda _: b'{"a":' * 50_000,
        lambda content: content.replace(b'"seed": ', b'"seed": -1'),
        lambda content: content.replace(b'"pickle": "', b'"pickle": "\\u0000'),
    ],
    ids=["a flipped bit", "nested deeply", "a negative seed", "a null in a name"],
)
def test_a_damaged_manifest_is_refused_in_a_sentence(
    model_folder: Path, damage: Callable[[bytes], bytes]
) -> None:
    path = model_folder / MANIFEST
    before = path.read_bytes()
    path.write_bytes(damage(before))
    assert path.read_bytes() != before

    with pytest.raises(ModelRefused):
        load_model(model_folder, FEATURES)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelRefused, match="can't be read"):
        load_model(tmp_path, FEATURES)
