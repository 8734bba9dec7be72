"""The table `served_models`: which models served, so that no older one comes back unnoticed."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from features_pkg.models.manifest import ModelManifest
from stores.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class NewerModel:
    """A model that served, and was trained on a later training set than another one."""

    name: str
    training_set_built_at: datetime


def newer_model(connection: Connection, model: ModelManifest) -> NewerModel | None:
    """The newest model that ever served, if this one is older and nobody let it serve again since.

    By when their training sets were built: models of the same one are equally old.
    """
    row = connection.execute(
        "SELECT newest.name, newest.training_set_built_at FROM ("
        " SELECT * FROM served_models ORDER BY training_set_built_at DESC, served_id LIMIT 1"
        ") AS newest"
        " WHERE newest.training_set_built_at > %s AND NOT EXISTS ("
        " SELECT FROM served_models AS since"
        " WHERE since.name = %s AND since.served_id > newest.served_id)",
        (model.training_set_built_at, model.name),
    ).fetchone()
    return None if row is None else NewerModel(str(row[0]), cast(datetime, row[1]))


def record_served(connection: Connection, model: ModelManifest) -> None:
    """Record that a model serves, if it is newer than all that did."""
    connection.execute(
        "INSERT INTO served_models (name, training_set_built_at) SELECT %s, %s"
        " WHERE NOT EXISTS (SELECT FROM served_models WHERE training_set_built_at >= %s)",
        (model.name, model.training_set_built_at, model.training_set_built_at),
    )


def let_serve_again(connection: Connection, model: ModelManifest, *, allowed_by: str) -> None:
    """Record that an older model may serve again, until one serves that is newer than all."""
    connection.execute(
        "INSERT INTO served_models (name, training_set_built_at, allowed_by) VALUES (%s, %s, %s)",
        (model.name, model.training_set_built_at, allowed_by),
    )


def served_since(connection: Connection) -> dict[str, datetime]:
    """The models that served, each with when it first did; of equally old ones one is on record."""
    rows = connection.execute("SELECT name, min(recorded_at) FROM served_models GROUP BY name")
    return {str(name): cast(datetime, recorded_at) for name, recorded_at in rows}
