"""A forged forest or regression is refused before scikit-learn walks or multiplies it."""

import pickle
from typing import Any

import numpy as np
import pytest

from features_pkg.models.pickled_arrays import FOREST_NODES
from features_pkg.models.scoring import compile_pipeline
from features_pkg.models.trees import PipelineUnknown
from features_pkg.models.unpickling import TREE, unpickle
from jobs.train.pipeline import to_bytes
from tests.unit.fitted_pipelines import FEATURES, a_pipeline
from tests.unit.pickle_attacks import Code, array, call, dtype, named, value
from tests.unit.test_model_gadgets import number_dtype

FOREST, LOGISTIC = to_bytes(a_pipeline("forest")), to_bytes(a_pipeline("logistic"))
I8, F8 = dtype("i8"), dtype("f8")
TWO = array((2).to_bytes(8, "little"), I8, (1,))


def forest_nodes(nodes: np.ndarray) -> Code:
    version, order, base, names, fields, *sizes = FOREST_NODES.__reduce__()[2]  # type: ignore[misc]
    given = {name: (number_dtype(part), at) for name, (part, at) in fields.items()}
    of = call(("numpy", "dtype"), "V64", False, True).built(
        (version, order, base, names, given, *sizes)
    )
    return array(nodes.tobytes(), of, (len(nodes),))


def state(number: int, **changes: Any) -> dict[str, Any]:
    """The state of a tree of leaves alone."""
    leaves = np.zeros(number, FOREST_NODES)
    leaves["left_child"] = leaves["right_child"] = -1
    values = array(np.full(2 * number, 0.5).tobytes(), F8, (number, 1, 2))
    whole = {"max_depth": 0, "node_count": number, "nodes": forest_nodes(leaves), "values": values}
    return whole | changes


def a_tree(*arguments: Any) -> Code:
    return call(TREE, *(arguments or (FEATURES, TWO, 1)))


def test_the_parts_that_forged_trees_are_made_of_are_themselves_allowed() -> None:
    tree = unpickle(a_tree().built(state(1)).content)

    assert tree.predict(np.zeros((1, FEATURES), np.float32)).tolist() == [[0.5, 0.5]]


@pytest.mark.parametrize(
    ("tree", "sentence"),
    [
        # scikit-learn makes no more room for a second, larger state: it would write beyond.
        (a_tree().built(state(1)).built(state(9)), "builds a tree twice"),
        (a_tree().built(state(0)), "builds a tree twice, or of no nodes"),
        (a_tree().built(state(1, node_count=1 << 40)), "of another size than its nodes"),
        (a_tree().built(state(1, values=array(bytes(8), F8, (1, 1, 1)))), "another size"),
        (a_tree().built(state(1, nodes=array(bytes(64), F8, (8,)))), "builds a tree twice, or"),
        (a_tree().built({"nodes": 7}), "values"),
        (a_tree(1 << 60, TWO, 1), "over 1152921504606846976 features"),
        (a_tree(-1, TWO, 1), "over -1 features"),
        (a_tree(FEATURES, TWO, 1 << 40), "over 6 features"),
        (a_tree(FEATURES, array((1 << 40).to_bytes(8, "little"), I8, (1,)), 1), "classes"),
        (a_tree(FEATURES, value([2]), 1), "other classes than two"),
        (named(TREE).built({"nodes": 1}), "does not support item assignment"),
    ],
    ids=range(12),
)
def test_a_forged_tree_is_not_made(tree: Code, sentence: str) -> None:
    with pytest.raises(pickle.UnpicklingError, match=sentence):
        unpickle(tree.content)


def test_a_tree_that_nothing_was_built_on_is_refused() -> None:
    pipeline = unpickle(FOREST)
    pipeline.steps[0][1].estimators_[0].tree_ = unpickle(a_tree().content)

    with pytest.raises(PipelineUnknown, match="a tree is empty"):
        compile_pipeline(pipeline)


def forged_nodes(**fields: float) -> Any:
    """The forest with other numbers in the first node of its first tree."""
    pipeline = unpickle(FOREST)
    first = pipeline.steps[0][1].estimators_[0]
    given = first.tree_.__getstate__()
    nodes = given["nodes"].copy()
    for name, number in fields.items():
        nodes[name][0] = number
    first.tree_ = unpickle(
        a_tree()
        .built(state(len(nodes), nodes=forest_nodes(nodes), values=_values(given["values"])))
        .content
    )
    return pipeline


def _values(values: np.ndarray) -> Code:
    return array(values.tobytes(), F8, values.shape)


@pytest.mark.parametrize(
    ("field", "forged", "sentence"),
    [
        ("left_child", 1 << 40, "leads out of itself"),
        ("left_child", -2, "leads out of itself or in a circle"),
        ("right_child", 0, "in a circle"),
        ("right_child", -1, "in a circle"),
        ("left_child", 2, "two ways of a tree lead to one node|leads out"),
        ("feature", 1 << 40, f"beyond the {FEATURES}"),
        ("feature", -1, f"beyond the {FEATURES}"),
    ],
)
def test_a_forged_node_is_refused(field: str, forged: int, sentence: str) -> None:
    with pytest.raises(PipelineUnknown, match=sentence):
        compile_pipeline(forged_nodes(**{field: forged}))
    assert compile_pipeline(forged_nodes(threshold=3.5))


def a_forest(**changes: Any) -> Any:
    pipeline = unpickle(FOREST)
    for name, changed in changes.items():
        setattr(pipeline.steps[0][1], name, changed)
    return pipeline


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"n_jobs": 1 << 20}, "threads of its own or prints"),
        ({"verbose": 3}, "threads of its own or prints"),
        ({"n_features_in_": FEATURES - 1}, "fitted on other features than its forest"),
        ({"classes_": np.array([1, 0])}, "not 0 and 1"),
        ({"estimators_": []}, "at least one array"),
        ({"estimators_": [7]}, "tree_"),
    ],
)
def test_a_forged_forest_is_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(PipelineUnknown, match=sentence):
        compile_pipeline(a_forest(**changes))


@pytest.mark.parametrize("share", [float("nan"), 1.5, -0.5])
def test_a_leaf_whose_share_is_none_is_refused(share: float) -> None:
    pipeline = a_forest()
    pipeline.steps[0][1].estimators_[0].tree_.value[-1, 0, 1] = share

    with pytest.raises(PipelineUnknown, match="share of fraud that is not from 0 to 1"):
        compile_pipeline(pipeline)


@pytest.mark.parametrize(
    ("name", "forged", "sentence"),
    [
        ("is_log", np.zeros(FEATURES - 1, np.uint8), "one entry for each feature"),
        ("is_log", np.zeros(FEATURES), "columns of numbers"),
        ("means", np.full(FEATURES, np.inf), "not a number"),
        ("deviations", np.zeros(FEATURES), "not a number above 0"),
        ("nulls", np.array([1, 1 << 40]), "features that there are not"),
        ("nulls", np.array([-1, 3]), "features that there are not"),
        ("nulls", np.array([3, 1]), "features that there are not"),
        ("nulls", np.array([1]), "one entry for each feature"),
        ("null_shares", [0.1, 0.2], "columns of numbers"),
    ],
)
def test_a_forged_scaling_is_refused(name: str, forged: Any, sentence: str) -> None:
    pipeline = unpickle(LOGISTIC)
    pipeline.ontem_scaling_[name] = forged

    with pytest.raises(PipelineUnknown, match=sentence):
        compile_pipeline(pipeline)


@pytest.mark.parametrize(
    ("name", "forged", "sentence"),
    [
        ("coef_", np.zeros((1, 3)), "one weight for each column"),
        ("coef_", np.full((1, FEATURES + 2), np.nan), "a weight that is not a number"),
        ("intercept_", np.zeros(2), "one weight for each column"),
        ("classes_", np.array([0, 1, 2]), "not 0 and 1"),
    ],
)
def test_a_forged_regression_is_refused(name: str, forged: Any, sentence: str) -> None:
    pipeline = unpickle(LOGISTIC)
    setattr(pipeline.steps[0][1], name, forged)

    with pytest.raises(PipelineUnknown, match=sentence):
        compile_pipeline(pipeline)


def test_a_regression_without_its_scaling_is_refused() -> None:
    pipeline = unpickle(LOGISTIC)
    del pipeline.ontem_scaling_

    with pytest.raises(PipelineUnknown, match="ontem_scaling_"):
        compile_pipeline(pipeline)
