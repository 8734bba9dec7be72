"""What `/readyz` and `/statusz` say, and what refuses a start.

`/readyz` is about this process: what another one may have right. `/statusz` is about what all
processes share; with none of it would another process fare better, so it leaves this one ready.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec
import psycopg

from features_pkg.calendar import to_us
from service.asker import Asker
from service.check_session import CheckSession
from service.clock import MOST_SKEW_US, RequestClock
from service.drain import Drain
from service.model_age import ModelAge
from service.served_model import ServedModel
from service.states import OK, UNKNOWN, State
from stores.postgres.card_key import CardKeyChanged, check_card_key
from stores.postgres.clock import database_clock
from stores.postgres.connection import Connection, LoginRefused, PostgresUnavailable
from stores.postgres.loads import published_key_ids
from stores.postgres.schema import SchemaRefused, check_schema
from stores.postgres.service_role import RoleRefused, check_role
from stores.settings import Environment

LIVE: Final = b'{"live":true}'
"""What a process answers that runs."""


class Readiness(msgspec.Struct, frozen=True):
    """Whether this process should get orders, and the state of each thing that decides it."""

    ready: bool
    checks: dict[str, State]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessChecks:
    """The checks of this process; each asks PostgreSQL or the process itself, now."""

    environment: Environment
    served_model: ServedModel
    model_age: ModelAge
    card_key: bytes = field(repr=False)
    postgresql: CheckSession
    asker: Asker
    clock: RequestClock
    drain: Drain

    def readiness(self) -> Readiness:
        """The result of all checks. A thing that PostgreSQL would have to tell may be unknown.

        The limit of the asker is that of all checks together.
        """
        questions = {
            "model": self.model_age.check,
            "schema": self._schema,
            "role": self._role,
            "entity_key": self._entity_key,
            "card_key": self._card_key,
            "clock": self._clock,
        }
        answers = dict.fromkeys(questions, UNKNOWN)
        if self.model_age.is_confirmed:
            answers["model"] = OK
            del questions["model"]

        def ask_all() -> None:
            for name, question in questions.items():
                answers[name] = self._asked(question)

        self.asker.ask(ask_all, None)
        drain = State("draining", "send orders elsewhere") if self.drain.has_begun else OK
        checks = {**answers, "drain": drain}
        return Readiness(all(state in (OK, UNKNOWN) for state in checks.values()), checks)

    def _asked(self, check: Callable[[Connection], State]) -> State:
        try:
            return self.postgresql.call(check)
        except (LoginRefused, psycopg.errors.InsufficientPrivilege) as refused:
            return refusal_state(refused)
        except (psycopg.Error, PostgresUnavailable):
            return UNKNOWN

    def clock_skew_us(self) -> int | None:
        """By how much this clock is ahead of PostgreSQL's; None when that is not known."""
        try:
            return self.asker.ask(lambda: self.postgresql.call(self._skew_us), None)
        except (psycopg.Error, PostgresUnavailable):
            return None

    def _schema(self, session: Connection) -> State:
        try:
            check_schema(session, self.postgresql.address)
        except SchemaRefused as refused:
            return State(f"the database has {refused.state}", refused.remedy)
        row = session.execute("SELECT environment FROM stack").fetchone()
        environment = row[0] if row else "nothing"
        if environment == self.environment:
            return OK
        return State(
            f"the database was migrated as {environment}, and ONTEM_ENVIRONMENT is "
            f"{self.environment}",
            f"set it to {environment}, or name another database",
        )

    def _role(self, session: Connection) -> State:
        """Whether row level security binds this process; on a development stack it need not."""
        if self.environment == "development":
            return OK
        try:
            check_role(session)
        except RoleRefused as refused:
            return State(refused.state, refused.remedy)
        return OK

    def _entity_key(self, session: Connection) -> State:
        """Whether this process can read what the nights publish; before the first night it can."""
        keys = self.served_model.keys
        key_ids = published_key_ids(session, keys.timelines_id)
        if not key_ids or keys.key_id in key_ids:
            return OK
        return State(
            f"no load is published under this ONTEM_ENTITY_KEY ({keys.key_id}), but under "
            f"{', '.join(sorted(key_ids))}",
            "set the key of the nights, or run a night under this one",
        )

    def _card_key(self, session: Connection) -> State:
        """Whether this process gives a card's number the fingerprint that it had before."""
        try:
            check_card_key(session, self.postgresql.address, self.card_key)
        except CardKeyChanged as changed:
            return State(f"the database has {changed.state}", changed.remedy)
        return OK

    def _clock(self, session: Connection) -> State:
        return skew_state(self._skew_us(session))

    def _skew_us(self, session: Connection) -> int:
        return self.clock.skew_us(lambda: to_us(database_clock(session)))


def refusal_state(refused: LoginRefused | psycopg.errors.InsufficientPrivilege) -> State:
    """The state of a PostgreSQL that answers, and is closed to the service."""
    if isinstance(refused, LoginRefused):
        return State(
            f"the service can't log in: {refused.reason}",
            "have the role made (sql/service_role.sql) with its password, and name them in "
            "ONTEM_SERVICE_LOGIN or ONTEM_POSTGRES_URL",
        )
    return State(
        f"the service's role lacks a right: {refused.diag.message_primary}",
        "run `ontem migrate`, which grants it",
    )


def skew_state(skew_us: int) -> State:
    """The state of a clock that is so far ahead of the database's; negative is behind."""
    if abs(skew_us) <= MOST_SKEW_US:
        return OK
    direction = "ahead of" if skew_us > 0 else "behind"
    return State(
        f"this machine's clock is {abs(skew_us) / 1e6:.1f} s {direction} PostgreSQL's",
        "set it, and keep it right with NTP",
    )


def faults(states: Mapping[str, State]) -> dict[str, State]:
    """Those of the states that are neither ok nor unknown."""
    return {name: state for name, state in states.items() if state not in (OK, UNKNOWN)}
