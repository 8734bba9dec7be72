"""A trained model is checked before it is loaded, and scores as scikit-learn does."""

import pickle
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import msgspec
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from features_pkg.models.bundle import GOLDEN, PICKLE, SIGNATURE, WRITE_ORDER
from features_pkg.models.golden import GoldenOutputs, proof_rows
from features_pkg.models.loading import Model, NotFinite, load_model
from features_pkg.models.manifest import MANIFEST, ModelRefused
from features_pkg.models.scoring import ConstantScorer
from features_pkg.models.signing import SigningKey, VerifyKeys
from features_pkg.models.unpickling import unpickle
from tests.model_keys import SIGNING_KEY, VERIFY_KEYS
from tests.unit.trained_models import (
    FEATURES,
    a_vector,
    edit,
    manifest_of,
    replace_file,
    replace_pickle,
)


def test_a_model_scores_what_it_learnt(model_folder: Path) -> None:
    model = load_model(model_folder, FEATURES, VERIFY_KEYS)
    first, second = FEATURES.names[:2]

    assert model.score(a_vector(**{first: 2500.0, second: 2500.0})) > 0.9
    assert model.score(a_vector(**{first: 500.0, second: 500.0})) < 0.1
    assert (manifest_of(model_folder).metrics.roc_auc or 0) > 0.95


def test_one_row_and_many_score_the_same_as_scikit_learn(model_folder: Path) -> None:
    model = load_model(model_folder, FEATURES, VERIFY_KEYS)
    rows = np.random.default_rng(1).integers(0, 3000, (500, len(FEATURES.names))).astype(float)
    rows[np.random.default_rng(2).random(rows.shape) < 0.3] = np.nan
    pipeline = unpickle((model_folder / PICKLE).read_bytes())

    expected = pipeline.predict_proba(rows)[:, 1]
    assert np.allclose(model.score_many(rows), expected, rtol=0, atol=1e-12)
    assert np.allclose([model.score(row) for row in rows], expected, rtol=0, atol=1e-12)


def test_more_rows_than_are_walked_at_once_keep_their_order(model_folder: Path) -> None:
    model = load_model(model_folder, FEATURES, VERIFY_KEYS)
    rows = np.random.default_rng(1).integers(0, 3000, (9000, len(FEATURES.names))).astype(float)

    whole = model.score_many(rows)
    assert np.array_equal(
        whole[[0, 4095, 4096, 8999]], model.score_many(rows[[0, 4095, 4096, 8999]])
    )


def test_the_most_telling_feature_comes_first_in_an_explanation(model_folder: Path) -> None:
    model = load_model(model_folder, FEATURES, VERIFY_KEYS)
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
    model = load_model(model_folder, FEATURES, VERIFY_KEYS)

    with pytest.raises(NotFinite, match=f"{FEATURES.names[3]} is inf"):
        model.score(a_vector(**{FEATURES.names[3]: float("inf")}))


def test_a_score_that_is_not_a_number_from_0_to_1_is_refused(model_folder: Path) -> None:
    model = replace(
        load_model(model_folder, FEATURES, VERIFY_KEYS), scorer=ConstantScorer(float("nan"))
    )

    with pytest.raises(NotFinite, match="the score is nan"):
        model.score(a_vector())


def test_the_loaded_model_keeps_nothing_of_scikit_learn(model_folder: Path) -> None:
    model: Model = load_model(model_folder, FEATURES, VERIFY_KEYS)

    assert type(model.scorer).__module__ == "features_pkg.models.scoring"


def test_features_in_another_order_are_refused(model_folder: Path) -> None:
    names = list(manifest_of(model_folder).features)
    names[0], names[1] = names[1], names[0]
    edit(model_folder, features=names)

    with pytest.raises(ModelRefused, match="order of the feature set"):
        load_model(model_folder, FEATURES, VERIFY_KEYS)


def test_features_under_other_names_than_in_training_are_refused(
    model_folder: Path,
) -> None:
    manifest = manifest_of(model_folder)
    edit(model_folder, features=manifest.features[1:], medians=manifest.medians[1:])

    with pytest.raises(ModelRefused, match="fitted on other features"):
        load_model(model_folder, FEATURES, VERIFY_KEYS)


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
        ({"layout": 3}, "another version of Ontem trained it: its layout is 3, this version reads"),
        ({"files": {"../other.pickle": "00"}}, "its manifest lists"),
        ({"files": 7}, "not the manifest of a model"),
        ({"seed": -1}, "seed -1, which is negative"),
        ({"medians": []}, "one median"),
    ],
)
def test_a_model_made_under_other_settings_is_refused_with_what_to_run(
    model_folder: Path, changes: dict[str, object], sentence: str
) -> None:
    edit(model_folder, **changes)

    with pytest.raises(ModelRefused, match=sentence) as refused:
        load_model(model_folder, FEATURES, VERIFY_KEYS)
    assert "python -m jobs train" in str(refused.value)


def test_another_minor_version_of_numpy_loads_what_the_same_scikit_learn_trained(
    model_folder: Path,
) -> None:
    major, minor, *_ = version("numpy").split(".")
    libraries = {**manifest_of(model_folder).libraries, "numpy": f"{major}.{int(minor) + 1}.0"}
    edit(model_folder, libraries=libraries)

    assert load_model(model_folder, FEATURES, VERIFY_KEYS).manifest.libraries == libraries


def test_another_zone_in_the_settings_refuses_the_model(model_folder: Path) -> None:
    with pytest.raises(ModelRefused, match="time zone"):
        load_model(model_folder, replace(FEATURES, timezone="UTC"), VERIFY_KEYS)


@pytest.mark.parametrize("name", WRITE_ORDER)
def test_a_file_that_is_cut_short_or_has_one_other_bit_is_refused(
    model_folder: Path, name: str
) -> None:
    path = model_folder / name
    content = path.read_bytes()
    flips = [(len(content) * part // 7, 1 << part) for part in range(7)]
    damaged = [content[: len(content) // 2], content[:-1], b"", content + b"\0"]
    for position, bit in (*flips, (len(content) - 1, 1)):
        changed = bytearray(content)
        changed[position] ^= bit
        damaged.append(bytes(changed))

    for each in damaged:
        path.write_bytes(each)
        with pytest.raises(ModelRefused, match=r"no key of|has sha256"):
            load_model(model_folder, FEATURES, VERIFY_KEYS)
    path.unlink()
    with pytest.raises(ModelRefused, match=f"{name} can't be read"):
        load_model(model_folder, FEATURES, VERIFY_KEYS)

    path.write_bytes(content)
    assert load_model(model_folder, FEATURES, VERIFY_KEYS)


@pytest.mark.parametrize(
    "content", [b'{"a":' * 50_000, b"sha\xb256", b"{}"], ids=["deep", "not UTF-8", "empty"]
)
def test_a_manifest_that_says_nothing_is_refused_whoever_signed_it(
    model_folder: Path, content: bytes
) -> None:
    (model_folder / MANIFEST).write_bytes(content)
    (model_folder / SIGNATURE).write_bytes(SIGNING_KEY.sign(content))

    with pytest.raises(ModelRefused, match="not the manifest of a model"):
        load_model(model_folder, FEATURES, VERIFY_KEYS)


def test_only_a_key_that_is_trusted_makes_a_signature(model_folder: Path) -> None:
    stranger = SigningKey(bytes(32))
    manifest = (model_folder / MANIFEST).read_bytes()

    assert load_model(model_folder, FEATURES, VerifyKeys((stranger.public, SIGNING_KEY.public)))
    with pytest.raises(ModelRefused, match=r"no key of ONTEM_MODEL_VERIFY_KEYS \(.{8}\)"):
        load_model(model_folder, FEATURES, VerifyKeys((stranger.public,)))
    (model_folder / SIGNATURE).write_bytes(stranger.sign(manifest))
    with pytest.raises(ModelRefused, match="somebody else signed it"):
        load_model(model_folder, FEATURES, VERIFY_KEYS)


def test_a_signature_over_other_than_a_manifest_is_none_of_a_manifest(model_folder: Path) -> None:
    manifest = (model_folder / MANIFEST).read_bytes()
    key = Ed25519PrivateKey.from_private_bytes(SIGNING_KEY.seed)
    (model_folder / SIGNATURE).write_bytes(key.sign(manifest))

    with pytest.raises(ModelRefused, match="no key of"):
        load_model(model_folder, FEATURES, VERIFY_KEYS)


def test_keys_that_are_no_points_of_the_curve_verify_nothing(model_folder: Path) -> None:
    keys = VerifyKeys((b"\xff" * 32, bytes(31), b""))

    with pytest.raises(ModelRefused, match="no key of"):
        load_model(model_folder, FEATURES, keys)


def test_the_checks_come_in_their_order(model_folder: Path, tmp_path: Path) -> None:
    """A model that is wrong in every way; one thing after the other is put right."""
    good = {name: (model_folder / name).read_bytes() for name in WRITE_ORDER}
    libraries = manifest_of(model_folder).libraries
    pipeline = unpickle(good[PICKLE])
    pipeline.steps[0][1]._baseline_prediction = np.array([[5.0]])
    refusals = [
        (lambda: None, "no key of"),
        (lambda: edit(model_folder), "has sha256"),
        (
            lambda: (
                replace_pickle(model_folder, pickle.dumps(tmp_path)),
                replace_file(model_folder, GOLDEN, b"{}"),
            ),
            "numpy was 1.0",
        ),
        (lambda: edit(model_folder, libraries=libraries), "the time zone was UTC"),
        (lambda: edit(model_folder, timezone=FEATURES.timezone), "it imports pathlib"),
        (
            lambda: replace_pickle(model_folder, pickle.dumps(pipeline, protocol=5)),
            "has no golden rows",
        ),
        (lambda: replace_file(model_folder, GOLDEN, good[GOLDEN]), "it scores golden row"),
    ]
    edit(model_folder, timezone="UTC", libraries={**libraries, "numpy": "1.0"})
    for name in (PICKLE, GOLDEN, SIGNATURE):
        (model_folder / name).write_bytes(b"\0")

    for put_right, sentence in refusals:
        put_right()
        with pytest.raises(ModelRefused, match=sentence):
            load_model(model_folder, FEATURES, VERIFY_KEYS)
    replace_pickle(model_folder, good[PICKLE])
    assert load_model(model_folder, FEATURES, VERIFY_KEYS)


def test_a_model_that_scores_nan_is_refused(model_folder: Path) -> None:
    pipeline = unpickle((model_folder / PICKLE).read_bytes())
    for (predictor,) in pipeline.steps[0][1]._predictors:
        predictor.nodes["value"][-1] = np.nan
    replace_pickle(model_folder, pickle.dumps(pipeline, protocol=5))

    with pytest.raises(ModelRefused, match="it scores nan where a score is from 0 to 1"):
        load_model(model_folder, FEATURES, VERIFY_KEYS)


def test_golden_rows_have_the_scores_of_training_and_are_of_no_order(model_folder: Path) -> None:
    golden = msgspec.json.decode((model_folder / GOLDEN).read_bytes(), type=GoldenOutputs)
    manifest = manifest_of(model_folder)
    model = load_model(model_folder, FEATURES, VERIFY_KEYS)

    assert len(golden.rows) == 32
    assert len({round(score, 6) for score in golden.scores}) > 5
    assert np.allclose(model.scorer.scores(golden.matrix()), golden.scores, rtol=0, atol=1e-12)
    made_up = proof_rows(model.medians, manifest.seed)[:32]
    assert np.array_equal(golden.matrix(), made_up, equal_nan=True)


@pytest.mark.parametrize(
    ("golden", "sentence"),
    [
        (b"[]", "has no golden rows"),
        (b'{"rows": [], "scores": []}', "does not have a score for each row"),
        (b'{"rows": [[1.0]], "scores": [0.1]}', "does not have a score for each row"),
        (b'{"rows": [[1.0], [1.0, 2.0]], "scores": [0.1, 0.2]}', "has no golden rows"),
        (b'{"rows": [[1.0]], "scores": [NaN]}', "has no golden rows"),
        (b'{"rows": ' + b"[" * 50_000, "has no golden rows"),
    ],
)
def test_golden_rows_that_say_nothing_are_refused(
    model_folder: Path, golden: bytes, sentence: str
) -> None:
    replace_file(model_folder, GOLDEN, golden)

    with pytest.raises(ModelRefused, match=sentence):
        load_model(model_folder, FEATURES, VERIFY_KEYS)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelRefused, match="can't be read"):
        load_model(tmp_path, FEATURES, VERIFY_KEYS)
