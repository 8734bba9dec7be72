"""A training set whose first two features tell fraud, and what tests do to its trained model."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features_pkg.calendar import to_us
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.models.bundle import PICKLE, SIGNATURE
from features_pkg.models.manifest import MANIFEST, ModelManifest
from jobs.train.choice import Recipe
from jobs.training_set.facts import LabelCounts, TrainingSetFacts, training_set_slot
from stores.offline.commit import commit_run
from stores.offline.runs import Run, describe_files, provenance, run_folder
from stores.offline.table_definition import TableDefinition
from stores.offline.tables import OfflineStore
from tests.model_keys import SIGNING_KEY

FEATURES = FeatureSet(timezone="America/Sao_Paulo", snapshot_lag=timedelta(hours=4))
START = datetime(2018, 1, 1, 3, tzinfo=UTC)
DAY_US = 86_400_000_000
MATURITY = timedelta(days=7)
QUICK = Recipe(folds=0)
"""Without folds a training takes less than half as long."""


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
        "merchant_id": pa.array(random.integers(1, 3, orders), pa.int64()),
        "card_code": pa.array(random.integers(1, 300, orders), pa.int64()),
    }
    for position, name in enumerate(FEATURES.names):
        values = random.integers(0, 1000, orders) + (2000 * risky if position < 2 else 0)
        columns[name] = pa.array(values, pa.int64(), mask=random.random(orders) < 0.1)
    return pa.table(columns)


def committed(store: OfflineStore, table: pa.Table, *, files: int = 1, **changes: object) -> str:
    """The name of a training set of `table` in so many files, labelled long after."""
    slot = training_set_slot(FEATURES.version)
    run = f"run{len(store.files.list('runs'))}"
    folder = run_folder(slot.dataset, run)
    rows = -(-table.num_rows // files)
    for file in range(files):
        sink = pa.BufferOutputStream()
        pq.write_table(table.slice(file * rows, rows), sink)
        store.files.write(f"{folder}/part-{file}.parquet", sink.getvalue().to_pybytes())
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
    written = Run(
        slot=slot,
        id=run,
        files=describe_files(store.files, folder),
        facts=replace(facts, **changes),  # type: ignore[arg-type]
        provenance=provenance(at=START, by="test"),
    )
    return commit_run(store, TableDefinition(table.schema, "A test's."), written).name


def manifest_of(folder: Path) -> ModelManifest:
    return msgspec.json.decode((folder / MANIFEST).read_bytes(), type=ModelManifest)


def edit(folder: Path, **changes: object) -> None:
    """Change the manifest, and sign it as who trains would."""
    content = json.dumps(json.loads((folder / MANIFEST).read_bytes()) | changes).encode()
    (folder / MANIFEST).write_bytes(content)
    (folder / SIGNATURE).write_bytes(SIGNING_KEY.sign(content))


def replace_file(folder: Path, name: str, content: bytes) -> None:
    """Change another file: an attacker who has the key makes hash and signature fit, too."""
    (folder / name).write_bytes(content)
    files = manifest_of(folder).files
    edit(folder, files={**files, name: hashlib.sha256(content).hexdigest()})


def replace_pickle(folder: Path, content: bytes) -> None:
    """Change the pickle, as an attacker who has the key."""
    replace_file(folder, PICKLE, content)


def a_vector(**values: float) -> np.ndarray:
    return np.array([values.get(name, 10.0) for name in FEATURES.names])
