"""Each number of an array once."""

import numpy as np
import pytest

from features_pkg.history.different import different


@pytest.mark.parametrize(
    "numbers", [[], [5], [5, 5], [3, -1, 3, 2, -1], [2**62, -(2**62), 0, 2**62]]
)
def test_each_number_is_there_once_and_ascending(numbers: list[int]) -> None:
    array = np.array(numbers, dtype=np.int64)

    assert different(array).tolist() == sorted(set(numbers))
    assert array.tolist() == numbers
