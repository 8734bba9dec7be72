"""Whether a model may serve after those that served before it.

The signature of an older model is good: who can put files where the service looks could bring back
one whose weaknesses they know. PostgreSQL knows which one is the newest that ever served.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC

import psycopg

from features_pkg.models.manifest import ModelManifest
from service.errors import ModelOutdated
from service.states import OK, State
from stores.postgres.api_keys import ApiKey
from stores.postgres.connection import Connection
from stores.postgres.merchants import Merchant, authenticate
from stores.postgres.served_models import newer_model, record_served


class ModelAge:
    """Whether a model may serve, by the models that served before it.

    Once it may, it may for the life of the process: a process of the old model is not in the way
    while a newer model is rolled out.
    """

    def __init__(self, manifest: ModelManifest) -> None:
        self.manifest = manifest
        self.is_confirmed = False

    def check(self, session: Connection) -> State:
        """The state of the model; one that may serve is recorded."""
        newer = newer_model(session, self.manifest)
        if newer is not None:
            return older_state(self.manifest, newer.name)
        record_served(session, self.manifest)
        self.is_confirmed = True
        return OK

    def merchant_of(self, session: Connection, key: ApiKey) -> Merchant | None:
        """The merchant of an API key, once the model may serve; raises ModelOutdated until then.

        Each order needs a key that was looked up in its process. So none is scored by a model that
        PostgreSQL was not asked about, also when it was away as the process started.
        """
        if not self.is_confirmed:
            with suppress(psycopg.errors.ReadOnlySqlTransaction):  # no model served since, then
                if self.check(session) != OK:
                    raise ModelOutdated
        return authenticate(session, key)

    def is_older_than(self, other: ModelAge) -> bool:
        """Whether it was trained on an earlier training set than another one."""
        built_at = self.manifest.training_set_built_at
        return built_at < other.manifest.training_set_built_at


def older_state(manifest: ModelManifest, newer: str) -> State:
    """The state of a model that is older than one that served."""
    built_at = manifest.training_set_built_at.astimezone(UTC)
    return State(
        f"the model {manifest.name}, of a training set of {built_at:%Y-%m-%d %H:%M}Z, is older "
        f"than {newer}, which has served",
        f"serve {newer} or a newer one; to go back on purpose run "
        f"`ontem models roll-back {manifest.name}`",
    )
