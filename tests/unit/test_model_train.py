"""Training and loading a model: the same files that a night writes, real scikit-learn."""

import io
import json
import os
import pickle
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features_pkg.calendar import to_us
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.models.loading import Model, NotFinite, load_model
from features_pkg.models.manifest import MANIFEST, ModelManifest, ModelRefused
from features_pkg.models.scoring import ConstantScorer
from features_pkg.models.unpickling import ForbiddenName, unpickle
from jobs.errors import NothingToTrainOn, PeriodTooShort
from jobs.train.examples import Examples
from jobs.train.metrics import at_threshold, card_precision
from jobs.train.run import Wanted, train
from jobs.train.split import split_by_time
from jobs.training_set.facts import LabelCounts, TrainingSetFacts, training_set_slot
from stores.files.manifest import (
    Manifest,
    ManifestMissing,
    commit_manifest,
    describe_files,
    provenance,
)
from stores.files.store import OfflineStore, open_store

FEATURES = FeatureSet(timezone="America/Sao_Paulo", snapshot_lag=timedelta(hours=4))
START = datetime(2018, 1, 1, 3, tzinfo=UTC)
DAY_US = 86_400_000_000
MATURITY = timedelta(days=7)


def a_training_set(days: int = 40, orders: int = 4000, fraud: float = 0.2) -> pa.Table:
    """Orders spread over `days`; the first two features tell fraud, all have nulls."""
    random = np.random.default_rng(5)
    asked = to_us(START) + np.sort(random.integers(0, days * DAY_US, orders))
    risky = random.random(orders) < fraud
    columns: dict[str, pa.Array] = {
        "order_id": pa.array([f"o{n}" for n in range(orders)]),
        "order_pk": pa.array(range(orders), pa.int64()),
        "asked_at": pa.array(asked, pa.timestamp("us", "UTC")),
        "asked_day": pa.array(asked // DAY_US, pa.int64()),
        "label": pa.array(risky.astype(np.int8), pa.int8()),
        "label_known_at": pa.array(asked + 7 * DAY_US, pa.timestamp("us", "UTC")),
        "card_code": pa.array(random.integers(1, 300, orders), pa.int64()),
    }
    for position, name in enumerate(FEATURES.names):
        values = random.integers(0, 1000, orders) + (2000 * risky if position < 2 else 0)
        columns[name] = pa.array(values, pa.int64(), mask=random.random(orders) < 0.1)
    return pa.table(columns)


def committed(store: OfflineStore, root: Path, table: pa.Table, **changes: object) -> str:
    """The key of a training set of `table`, labelled long after."""
    slot = training_set_slot(FEATURES.version)
    folder = root / "runs" / "training-set" / f"r{len(list(root.rglob('*.parquet')))}"
    folder.mkdir(parents=True)
    pq.write_table(table, folder / "part-0.parquet")
    facts = TrainingSetFacts(
        first_day=date(2018, 1, 1),
        end_day=date(2018, 2, 10),
        labels_as_of=datetime(2018, 6, 1, tzinfo=UTC),
        label_maturity_days=7.0,
        timezone=FEATURES.timezone,
        snapshot_lag_seconds=14_400.0,
        feature_set=FEATURES.version,
        timelines=FEATURES.timelines_id,
        features=FEATURES.names,
        cutoff=START,
        watermark_key=1,
        generation=1,
        orders=table.num_rows,
        live=0,
        stale_left_out=0,
        stale_included=False,
        labels=LabelCounts(0, 0, 0, 0),
    )
    return commit_manifest(
        store,
        Manifest(
            slot=slot,
            run=folder.name,
            files=describe_files(store, folder.relative_to(root).as_posix()),
            facts=replace(facts, **changes),  # type: ignore[arg-type]
            provenance=provenance(at=START, by="test"),
        ),
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("trained")
    store = open_store((root / "store").as_uri())
    committed(store, root / "store", a_training_set())
    folder, _ = train(store, FEATURES, Wanted(output=root / "model"))
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "model"
    copy.mkdir()
    for path in trained.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    return copy


def manifest_of(folder: Path) -> ModelManifest:
    return msgspec.json.decode((folder / MANIFEST).read_bytes(), type=ModelManifest)


def edit(folder: Path, **changes: object) -> None:
    content = json.loads((folder / MANIFEST).read_bytes()) | changes
    (folder / MANIFEST).write_text(json.dumps(content))


def a_vector(**values: float) -> np.ndarray:
    return np.array([values.get(name, 10.0) for name in FEATURES.names])


def test_a_model_scores_what_it_learnt(folder: Path) -> None:
    model = load_model(folder, FEATURES)
    first, second = FEATURES.names[:2]

    assert model.score(a_vector(**{first: 2500.0, second: 2500.0})) > 0.9
    assert model.score(a_vector(**{first: 500.0, second: 500.0})) < 0.1
    assert (manifest_of(folder).metrics.roc_auc or 0) > 0.95


def test_one_row_and_many_score_the_same_as_scikit_learn(folder: Path) -> None:
    model = load_model(folder, FEATURES)
    rows = np.random.default_rng(1).integers(0, 3000, (500, len(FEATURES.names))).astype(float)
    rows[np.random.default_rng(2).random(rows.shape) < 0.3] = np.nan
    pipeline = unpickle((folder / manifest_of(folder).pickle).read_bytes())

    expected = pipeline.predict_proba(rows)[:, 1]
    assert np.allclose(model.score_many(rows), expected, rtol=0, atol=1e-12)
    assert np.allclose([model.score(row) for row in rows], expected, rtol=0, atol=1e-12)


def test_more_rows_than_are_walked_at_once_keep_their_order(folder: Path) -> None:
    model = load_model(folder, FEATURES)
    rows = np.random.default_rng(1).integers(0, 3000, (9000, len(FEATURES.names))).astype(float)

    whole = model.score_many(rows)
    assert np.array_equal(
        whole[[0, 4095, 4096, 8999]], model.score_many(rows[[0, 4095, 4096, 8999]])
    )


def test_the_most_telling_feature_comes_first_in_an_explanation(folder: Path) -> None:
    model = load_model(folder, FEATURES)
    first, second = FEATURES.names[:2]
    vector = a_vector(**{first: 2500.0, second: 2500.0})

    explained = model.explain(vector, n=10)
    assert len(explained) == 10
    assert {each.feature for each in explained[:2]} == {first, second}
    assert explained[0].value == 2500.0
    without = vector.copy()
    without[FEATURES.names.index(explained[0].feature)] = explained[0].median
    assert explained[0].change == pytest.approx(model.score(vector) - model.score(without))


def test_an_infinite_value_is_refused_by_its_name(folder: Path) -> None:
    model = load_model(folder, FEATURES)

    with pytest.raises(NotFinite, match=f"{FEATURES.names[3]} is inf"):
        model.score(a_vector(**{FEATURES.names[3]: float("inf")}))


def test_a_score_that_is_not_a_number_from_0_to_1_is_refused(folder: Path) -> None:
    model = replace(load_model(folder, FEATURES), scorer=ConstantScorer(float("nan")))

    with pytest.raises(NotFinite, match="the score is nan"):
        model.score(a_vector())


class Canary:
    """A pickle that would create a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return (os.mkdir, (str(self.path),))


def replace_pickle(folder: Path, content: bytes) -> None:
    """An attacker who can write both files makes the checksum fit, too."""
    import hashlib

    (folder / manifest_of(folder).pickle).write_bytes(content)
    edit(folder, sha256=hashlib.sha256(content).hexdigest())


def test_a_malicious_pickle_does_nothing_even_with_a_fitting_checksum(
    folder: Path, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    replace_pickle(folder, pickle.dumps(Canary(canary)))

    with pytest.raises(ModelRefused, match=r"posix\.mkdir"):
        load_model(folder, FEATURES)
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


def test_a_pickle_is_not_read_when_its_checksum_is_wrong(folder: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    (folder / manifest_of(folder).pickle).write_bytes(pickle.dumps(Canary(canary)))

    with pytest.raises(ModelRefused, match="sha256"):
        load_model(folder, FEATURES)
    assert not canary.exists()


def test_a_flipped_bit_is_refused(folder: Path) -> None:
    path = folder / manifest_of(folder).pickle
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)

    with pytest.raises(ModelRefused, match="sha256"):
        load_model(folder, FEATURES)


def test_a_truncated_pickle_is_refused_whatever_its_checksum(folder: Path) -> None:
    content = (folder / manifest_of(folder).pickle).read_bytes()
    replace_pickle(folder, content[: len(content) // 2])

    with pytest.raises(ModelRefused, match="can't be read"):
        load_model(folder, FEATURES)


def test_features_in_another_order_are_refused(folder: Path) -> None:
    names = list(manifest_of(folder).features)
    names[0], names[1] = names[1], names[0]
    edit(folder, features=names)

    with pytest.raises(ModelRefused, match="order of the feature set"):
        load_model(folder, FEATURES)


def test_features_under_other_names_than_they_were_fitted_with_are_refused(folder: Path) -> None:
    manifest = manifest_of(folder)
    edit(folder, features=manifest.features[1:], medians=manifest.medians[1:])

    with pytest.raises(ModelRefused, match="fitted on other features"):
        load_model(folder, FEATURES)


def test_a_model_with_changed_trees_is_refused(folder: Path) -> None:
    pipeline = unpickle((folder / manifest_of(folder).pickle).read_bytes())
    pipeline.classes_  # noqa: B018  the pipeline is whole
    pipeline.steps[0][1]._baseline_prediction = np.array([[0.0, 1.0]])
    replace_pickle(folder, pickle.dumps(pipeline))

    with pytest.raises(ModelRefused):
        load_model(folder, FEATURES)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"timezone": "UTC"}, "time zone"),
        ({"snapshot_lag_seconds": 0.0}, "snapshot lag"),
        ({"timelines": "0" * 12}, "timelines id"),
        ({"feature_set": "0" * 16}, "feature set was 0000000000000000"),
        ({"libraries": {"numpy": "1.26.0", "scikit-learn": "1.9.1"}}, "numpy was 1.26.0"),
        ({"libraries": {}}, "numpy was not stated"),
        ({"layout": 2}, "layout is 2"),
        ({"pickle": "../other.pkl"}, "outside the folder"),
        ({"sha256": 7}, "not the manifest of a model"),
        ({"medians": []}, "one median"),
    ],
)
def test_a_model_made_under_other_settings_is_refused_with_what_to_run(
    folder: Path, changes: dict[str, object], sentence: str
) -> None:
    edit(folder, **changes)

    with pytest.raises(ModelRefused, match=sentence) as refused:
        load_model(folder, FEATURES)
    assert "python -m jobs train" in str(refused.value)


def test_another_zone_in_the_settings_refuses_the_model(folder: Path) -> None:
    with pytest.raises(ModelRefused, match="time zone"):
        load_model(folder, replace(FEATURES, timezone="UTC"))


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelRefused, match="can't be read"):
        load_model(tmp_path, FEATURES)


@pytest.fixture
def store(tmp_path: Path) -> OfflineStore:
    return open_store((tmp_path / "store").as_uri())


def test_the_same_training_set_and_seed_give_the_same_model(
    store: OfflineStore, tmp_path: Path
) -> None:
    committed(store, tmp_path / "store", a_training_set(orders=1500))

    models = [train(store, FEATURES, Wanted(output=tmp_path / n))[1] for n in ("one", "two")]
    assert models[0] == models[1]


def test_a_model_without_velocity_uses_order_features_alone(
    store: OfflineStore, tmp_path: Path
) -> None:
    committed(store, tmp_path / "store", a_training_set(orders=1500))
    folder, manifest = train(store, FEATURES, Wanted(output=tmp_path / "model", velocity=False))

    assert manifest.features == FEATURES.order_features
    model = load_model(folder, FEATURES)
    assert model.score(a_vector()) == model.score(a_vector(**{FEATURES.names[0]: 9999.0}))


def test_a_feature_that_was_never_there_moves_no_score(store: OfflineStore, tmp_path: Path) -> None:
    table, absent = a_training_set(orders=1500), FEATURES.names[5]
    place = table.schema.get_field_index(absent)
    table = table.set_column(place, absent, pa.nulls(table.num_rows, pa.int64()))
    committed(store, tmp_path / "store", table)

    folder, manifest = train(store, FEATURES, Wanted(output=tmp_path / "model"))
    model = load_model(folder, FEATURES)
    assert manifest.medians[5] is None
    scores = {model.score(a_vector(**{absent: value})) for value in (0.0, 1e6, float("nan"))}
    assert len(scores) == 1


@pytest.mark.parametrize(("fraud", "score"), [(0.0, 0.0), (1.1, 1.0)])
def test_data_of_one_class_give_a_constant_and_null_metrics(
    store: OfflineStore, tmp_path: Path, fraud: float, score: float
) -> None:
    committed(store, tmp_path / "store", a_training_set(orders=800, fraud=fraud))
    folder, manifest = train(store, FEATURES, Wanted(output=tmp_path / "model"))

    assert load_model(folder, FEATURES).score(a_vector()) == score
    assert manifest.metrics.roc_auc is None
    assert manifest.metrics.average_precision is None
    assert manifest.metrics.card_precision_at_100 is None
    assert manifest.metrics.block.precision is None


def test_training_into_the_same_folder_leaves_the_new_model(
    store: OfflineStore, tmp_path: Path
) -> None:
    committed(store, tmp_path / "store", a_training_set(orders=1500))
    train(store, FEATURES, Wanted(output=tmp_path / "model"))
    folder, manifest = train(store, FEATURES, Wanted(output=tmp_path / "model", seed=2))

    assert load_model(folder, FEATURES).manifest == manifest


def test_training_labels_were_all_known_when_the_hold_out_begins(
    store: OfflineStore, tmp_path: Path
) -> None:
    committed(store, tmp_path / "store", a_training_set())
    _, manifest = train(store, FEATURES, Wanted(output=tmp_path / "model"))

    assert manifest.training.end + MATURITY <= manifest.hold_out.start
    assert manifest.training.known_at <= manifest.hold_out.start


def test_a_period_too_short_for_its_labels_names_the_days_it_needs(
    store: OfflineStore, tmp_path: Path
) -> None:
    committed(store, tmp_path / "store", a_training_set(days=8))

    with pytest.raises(PeriodTooShort, match=r"span 9 days at least.* 16 days before"):
        train(store, FEATURES, Wanted(output=tmp_path / "model"))
    assert not (tmp_path / "model").exists()


def test_orders_too_young_for_a_label_of_their_own_do_not_count(
    store: OfflineStore, tmp_path: Path
) -> None:
    committed(store, tmp_path / "store", a_training_set(), labels_as_of=START + timedelta(days=3))

    with pytest.raises(NothingToTrainOn, match="no order of the training set has a label yet"):
        train(store, FEATURES, Wanted(output=tmp_path / "model"))


def test_without_a_training_set_the_command_to_run_is_named(
    store: OfflineStore, tmp_path: Path
) -> None:
    with pytest.raises(ManifestMissing, match="ontem training-set"):
        train(store, FEATURES, Wanted(output=tmp_path / "model"))


def some_examples(**columns: list[int]) -> Examples:
    rows = len(next(iter(columns.values())))
    numbers = {name: np.array(values, np.int64) for name, values in columns.items()}
    zeros = np.zeros(rows, np.int64)
    return Examples(
        matrix=np.zeros((rows, 1)),
        labels=numbers.get("labels", zeros).astype(bool),
        asked_us=numbers.get("asked_us", zeros),
        known_us=numbers.get("known_us", zeros),
        days=numbers.get("days", zeros),
        cards=numbers.get("cards", zeros),
    )


def test_an_order_whose_label_changed_after_the_hold_out_began_does_not_teach() -> None:
    days = list(range(21))
    known = [day + 7 for day in days]
    known[2] = 20
    examples = some_examples(
        asked_us=[day * DAY_US for day in days], known_us=[day * DAY_US for day in known]
    )

    split = split_by_time(examples, MATURITY)
    assert split.hold_out_start_us - split.training_end_us == 7 * DAY_US
    assert 2 * DAY_US not in split.training.asked_us
    assert DAY_US in split.training.asked_us


def test_card_precision_divides_by_k_and_finds_a_card_once() -> None:
    examples = some_examples(
        days=[1, 1, 1, 2, 2, 2], cards=[1, 2, 3, 1, 3, 4], labels=[1, 0, 1, 1, 1, 0]
    )
    scores = np.array([0.9, 0.8, 0.1, 0.99, 0.7, 0.6])

    # Day 1: cards 1 and 2 are riskiest, 1 is fraud. Day 2: 1 was found, 3 and 4 remain, 3 is fraud.
    assert card_precision(examples, scores, k=2) == pytest.approx((1 / 2 + 1 / 2) / 2)


def test_orders_without_card_have_no_card_precision() -> None:
    assert card_precision(some_examples(cards=[0, 0], labels=[0, 1]), np.array([0.1, 0.2])) is None


def test_precision_and_recall_count_scores_from_the_threshold_up() -> None:
    labels = np.array([True, False, True, False])

    found = at_threshold(labels, np.array([0.5, 0.5, 0.4, 0.1]), 0.5)
    assert (found.precision, found.recall, found.share) == (0.5, 0.5, 0.5)


def test_a_threshold_nobody_reaches_has_no_precision() -> None:
    found = at_threshold(np.array([True, False]), np.array([0.1, 0.2]), 0.5)

    assert (found.precision, found.recall) == (None, 0.0)


def test_a_pickle_of_something_else_is_refused(folder: Path) -> None:
    content = io.BytesIO()
    pickle.dump({"not": "a pipeline"}, content)
    replace_pickle(folder, content.getvalue())

    with pytest.raises(ModelRefused, match="other features"):
        load_model(folder, FEATURES)


def test_the_loaded_model_keeps_nothing_of_scikit_learn(folder: Path) -> None:
    model: Model = load_model(folder, FEATURES)

    assert type(model.scorer).__module__ == "features_pkg.models.scoring"
