"""`python -m tests.unit.fit_alone ESTIMATOR ROWS COLUMNS`: fit it in a process of its own.

It prints the most memory that the process took beyond what it had with the matrix, in bytes.
"""

import sys

import numpy as np

from jobs.train.estimators import forest
from jobs.train.estimators.by_name import ESTIMATORS
from jobs.train.pipeline import fit
from tests.peak_memory import peak_memory

if __name__ == "__main__":
    forest.TREES = 2  # type: ignore[misc] # more take longer, and no more memory
    estimator, rows, columns = ESTIMATORS[sys.argv[1]], int(sys.argv[2]), int(sys.argv[3])
    random = np.random.default_rng(1)
    matrix = np.empty((rows, columns))
    for column in range(columns):
        matrix[:, column] = random.integers(0, 1000, rows)
        matrix[random.random(rows) < 0.1, column] = np.nan
    labels = matrix[:, 0] > 800
    before = peak_memory()
    fit(matrix, labels, [str(column) for column in range(columns)], 1, None, estimator)
    sys.stdout.write(str(peak_memory() - before))
