"""Codes and pairs of codes say which rows are alike, whatever their number."""

import numpy as np
import pyarrow as pa
import pytest

from features_pkg.shuffle.codes import coded, coded_pairs


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([], []),
        ([7, 7, 7, 7], ["b", "a", "b", None]),  # one merchant has all orders
        ([7, 8, 7, 7, 8], ["b", "b", "b", "a", "b"]),
        ([8], ["a"]),
    ],
)
def test_each_different_pair_has_a_code(first: list[int], second: list[str | None]) -> None:
    different_first, code_first = coded(pa.array(first, pa.int64()))
    different_second, code_second = coded(pa.array(second, pa.string()))

    of_first, of_second, pair = coded_pairs(code_first, code_second)

    names = zip(
        different_first.take(pa.array(of_first)).to_pylist(),
        different_second.take(pa.array(of_second)).to_pylist(),
        strict=True,
    )
    found = list(names)
    assert len(set(found)) == len(found) == len({*zip(first, second, strict=True)})
    assert [found[code] for code in pair] == list(zip(first, second, strict=True))
    assert np.array_equal(np.unique(pair), np.arange(len(found)))
