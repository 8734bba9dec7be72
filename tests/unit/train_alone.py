"""`python -m tests.unit.train_alone STORE`: train in a process of its own.

It prints the most memory that the process had, and what it may have had, in bytes.
"""

import json
import sys
from pathlib import Path

from jobs.train.memory import memory_needed
from jobs.train.run import TrainingOptions, train
from tests.model_keys import SIGNING_KEY
from tests.offline import a_store
from tests.peak_memory import peak_memory
from tests.unit.trained_models import FEATURES

if __name__ == "__main__":
    options = TrainingOptions(revision=1, key=SIGNING_KEY)
    model = train(a_store(Path(sys.argv[1])), FEATURES, options)
    orders = model.training.orders + model.hold_out.orders
    peak = peak_memory()
    bound = memory_needed(orders, model.training.orders, len(model.features))
    sys.stdout.write(json.dumps([peak, bound]))
