"""What a pickle can do with the names that every model imports: make a model, and nothing else."""

import pickle
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import sklearn.pipeline
from hypothesis import given
from hypothesis import strategies as st

from features_pkg.models.bundle import PICKLE
from features_pkg.models.loading import load_model
from features_pkg.models.manifest import ModelRefused
from features_pkg.models.pickled_arrays import NODES
from features_pkg.models.unpickling import CLASSES, unpickle
from tests.model_keys import VERIFY_KEYS
from tests.unit.pickle_attacks import (
    AGAIN,
    ARRAY,
    DTYPE,
    NUMBER,
    PIPELINE,
    Code,
    array,
    call,
    dtype,
    named,
    new,
    value,
)
from tests.unit.trained_models import FEATURES, a_training_set, manifest_of, replace_pickle

EIGHT = bytes(8)
F8 = dtype("f8")
NODES_STATE = NODES.__reduce__()[2]


def nodes_dtype(fields: object) -> Code:
    version, order, base, names, _, *sizes = NODES_STATE  # type: ignore[misc]
    return call(DTYPE, "V56", False, True).built((version, order, base, names, fields, *sizes))


def number_dtype(of: np.dtype) -> Code:
    return call(DTYPE, of.str[1:], False, True).built(of.__reduce__()[2])


GADGETS = {
    # An object array is memory that holds pointers: what sets an item of it, or gives it bytes,
    # forges one.
    "an array of objects over bytes": array(EIGHT, dtype("O", flags=63), (1,)),
    "an item of an array of objects": array(EIGHT, dtype("O", flags=63), (1,)).with_item(0, 7),
    "an object as a number": call(NUMBER, dtype("O", flags=63), 7),
    "bytes as an object": call(NUMBER, dtype("O", flags=63), EIGHT),
    "numbers turned into objects": array(
        EIGHT, call(DTYPE, "f8").built((3, "|", None, None, None, -1, -1, 63)), (1,)
    ),
    "a pointer among the fields": array(
        EIGHT,
        call(DTYPE, "V8", False, True).built(
            (3, "|", None, ("p",), {"p": (dtype("O", flags=63), 0)}, 8, 1, 63)
        ),
        (1,),
    ),
    "nodes whose value is a pointer": array(
        bytes(56),
        nodes_dtype(
            {
                name: (dtype("O", flags=63) if name == "value" else number_dtype(part), offset)
                for name, (part, offset) in (NODES.fields or {}).items()
            }
        ),
        (1,),
    ),
    "nodes whose fields lie outside of them": array(
        bytes(56),
        nodes_dtype(
            {name: (number_dtype(part), 1 << 40) for name, (part, _) in NODES.fields.items()}  # type: ignore[union-attr]
        ),
        (1,),
    ),
    "a text as a dtype": array(EIGHT, value("O"), (1,)),
    "texts": array(EIGHT, dtype("U2"), (1,)),
    "instants, which hold a unit": array(EIGHT, dtype("M8"), (1,)),
    "numbers of the other byte order": array(
        EIGHT, call(DTYPE, "f8").built((3, ">", None, None, None, -1, -1, 0)), (1,)
    ),
    "a dtype that nothing was built on": array(EIGHT, call(DTYPE, "f8"), (1,)),
    # Bytes are the pickle's own. Those of another object could go or move under the array.
    "an array over an array": array(array(EIGHT, F8, (1,)), F8, (1,)),
    "an array over an estimator": array(new(PIPELINE), F8, (1,)),
    "a number over an array": call(NUMBER, F8, array(EIGHT, F8, (1,))),
    "an array larger than its bytes": array(EIGHT, F8, (1 << 40,)),
    "two numbers as one": call(NUMBER, F8, bytes(16)),
    # What is changed on a class or a function would be changed for the whole process.
    "a state built on a class": named(PIPELINE).built({"predict_proba": 1}),
    "attributes built on a class": named(PIPELINE).built((None, {"predict_proba": 1})),
    "attributes built on a function": named(ARRAY).built((None, {"__defaults__": (1, 2)})),
    "attributes built on the dtype": named(DTYPE).built((None, {"number": 1})),
    "another class for an instance": new(PIPELINE).built(
        (None, {"__class__": named(("sklearn.dummy", "DummyClassifier"))})
    ),
    "arguments for a class": call(PIPELINE, [("step", None)]),
    "arguments for a new instance": new(PIPELINE, [("step", None)]),
    # Names that other unpicklers have to allow and this one need not.
    "the class of arrays": call(("numpy", "ndarray"), (1,), dtype("O", flags=63)),
    "an array without bytes": call(
        ("numpy._core.multiarray", "_reconstruct"), named(PIPELINE), (0,), b"b"
    ),
}


@pytest.mark.parametrize("gadget", GADGETS.values(), ids=GADGETS)
def test_a_gadget_is_refused_wherever_it_stands_in_the_model(gadget: Code) -> None:
    for content in (gadget.content, new(PIPELINE).built({"steps": gadget}).content):
        with pytest.raises(pickle.UnpicklingError):
            unpickle(content)


def test_the_parts_that_the_gadgets_are_made_of_are_themselves_allowed() -> None:
    """Otherwise a typo in a gadget would pass for its refusal."""
    assert unpickle(array(EIGHT, F8, (1,)).content).tolist() == [0.0]
    assert unpickle(call(NUMBER, F8, EIGHT).content) == 0.0
    fields = {name: (number_dtype(part), at) for name, (part, at) in (NODES.fields or {}).items()}
    assert unpickle(array(bytes(56), nodes_dtype(fields), (1,)).content).dtype == NODES
    built = unpickle(
        new(PIPELINE).built({"steps": 1, "_sklearn_version": sklearn.__version__}).content
    )
    assert built.steps == 1


def test_a_dtype_that_contains_itself_is_refused() -> None:
    version, order, base, names, _, *sizes = NODES_STATE  # type: ignore[misc]
    fields = {name: (AGAIN, offset) for name, (_, offset) in (NODES.fields or {}).items()}
    draft = call(DTYPE, "V56", False, True).remembered
    looped = draft.built((version, order, base, names, fields, *sizes))

    with pytest.raises(pickle.UnpicklingError, match="'V56', which no model needs"):
        unpickle(array(bytes(56), looped, (1,)).content)


def test_no_class_is_handed_out_as_it_is() -> None:
    for module, name in CLASSES:
        handed_out = unpickle(named((module, name)).content)

        assert handed_out.__module__ == "features_pkg.models.unpickling"
        with pytest.raises(TypeError, match="can't be set"):
            handed_out.attribute = 1
    assert sklearn.pipeline.Pipeline.predict_proba is not None


def test_an_array_does_not_share_the_bytes_of_the_pickle() -> None:
    content = value(bytearray(8)).remembered
    first, second = unpickle(value((array(content, F8, (1,)), array(AGAIN, F8, (1,)))).content)

    first[0] = 7.0
    assert second[0] == 0.0


def test_what_is_unpickled_scores_to_the_bit_as_pickle_itself_would_have_it(
    trained_model: Path, constant_model: Path
) -> None:
    rows = np.random.default_rng(1).integers(0, 3000, (500, len(FEATURES.names))).astype(float)
    rows[np.random.default_rng(2).random(rows.shape) < 0.3] = np.nan
    for folder in (trained_model, constant_model):
        content = (folder / PICKLE).read_bytes()
        expected = pickle.loads(content).predict_proba(rows)  # noqa: S301  made by this test

        assert np.array_equal(unpickle(content).predict_proba(rows), expected)
        assert load_model(folder, FEATURES, VERIFY_KEYS).manifest == manifest_of(folder)


@given(data=st.data())
def test_damaged_bytes_are_refused_in_a_sentence_or_read(
    constant_model: Path, data: st.DataObject
) -> None:
    content = bytearray((constant_model / PICKLE).read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))

    with suppress(pickle.UnpicklingError):
        unpickle(bytes(content))


@pytest.mark.parametrize(
    ("field", "forged", "sentence"),
    [
        ("left", 1 << 31, "leads out of itself"),
        ("right", 0, "in a circle"),
        ("left", 2, "two ways of a tree lead to one node"),
        ("feature_idx", 1 << 40, f"beyond the {len(FEATURES.names)}"),
        ("feature_idx", -1, f"beyond the {len(FEATURES.names)}"),
        ("depth", 1 << 31, "deeper than it has nodes"),
    ],
)
def test_a_forged_tree_is_refused_before_scikit_learn_walks_it(
    model_folder: Path, field: str, forged: int, sentence: str
) -> None:
    pipeline = unpickle((model_folder / PICKLE).read_bytes())
    ((predictor,), *_) = pipeline.steps[0][1]._predictors
    predictor.nodes[field][0] = forged
    replace_pickle(model_folder, pickle.dumps(pipeline, protocol=5))

    with pytest.raises(ModelRefused, match=sentence):
        load_model(model_folder, FEATURES, VERIFY_KEYS)


@pytest.mark.parametrize("names", [7, None, [["user"]], np.zeros((2, 2))], ids=type)
def test_features_of_another_type_are_refused_in_a_sentence(
    model_folder: Path, names: object
) -> None:
    pipeline = unpickle((model_folder / PICKLE).read_bytes())
    pipeline.ontem_features_ = names
    replace_pickle(model_folder, pickle.dumps(pipeline, protocol=5))

    with pytest.raises(ModelRefused):
        load_model(model_folder, FEATURES, VERIFY_KEYS)


def test_a_stand_in_in_the_place_of_a_method_is_refused_in_a_sentence(model_folder: Path) -> None:
    content = (model_folder / PICKLE).read_bytes()
    assert content.endswith(pickle.BUILD + pickle.STOP)
    forged = Code(content[2:-1]).built({"predict_proba": named(DTYPE)})
    replace_pickle(model_folder, forged.content)

    with pytest.raises(ModelRefused, match="does not predict"):
        load_model(model_folder, FEATURES, VERIFY_KEYS)


def test_the_constant_model_comes_from_orders_without_fraud(constant_model: Path) -> None:
    assert a_training_set(orders=10, fraud=0.0)["label"].to_pylist() == [0] * 10
    assert manifest_of(constant_model).training.charged_back == 0
