"""A trial: a question, and up to five candidates that may answer it."""

import uuid
from collections.abc import Callable
from functools import cached_property
from typing import Any, Final, TypeVar

from jobs.train.choice import DEFAULT_SEED
from jobs.train.thresholds import REVIEWED_SHARE
from ontem.lab.candidates import names_of, read_candidates
from ontem.lab.checking import check
from ontem.lab.computing import Computing
from ontem.lab.errors import BudgetRefused, QuestionMissing, TwoSources
from ontem.lab.given_orders import GivenSource
from ontem.lab.journal import Journal, journal
from ontem.lab.keeping import Kept, keep
from ontem.lab.laboratory import Laboratory
from ontem.lab.lifting import lift
from ontem.lab.peeking import peek
from ontem.lab.recording import Recording, TrialWords, on_record
from ontem.lab.results import Checked, Lifted, Peeked
from ontem.lab.source import Source, StoredSource

Result = TypeVar("Result")
_STEPS: Final = "check(), peek(), lift(), keep() and journal()"


class Trial:
    """Steps from an idea to a served feature; each is recorded in the journal.

    The first step looks for the orders and reads what the candidates need; later ones have it.
    """

    def __init__(
        self,
        candidates: object,
        question: str,
        *,
        training_set: int | str | None = None,
        orders: Any = None,
        laboratory: Laboratory | None = None,
        seed: int = DEFAULT_SEED,
    ) -> None:
        if not isinstance(question, str) or not question.strip():
            raise QuestionMissing
        if training_set is not None and orders is not None:
            raise TwoSources(training_set=training_set)
        self._given, self._training_set, self._seed = candidates, training_set, seed
        self._orders = orders
        self._laboratory = laboratory or Laboratory.here()
        names = names_of(candidates)
        self._words = TrialWords(uuid.uuid4().hex, names, " ".join(question.split()))

    def __repr__(self) -> str:
        names = ", ".join(self._words.candidates)
        return f"trial of {names}: {self._words.question}\nnext: {_STEPS}"

    @cached_property
    def _source(self) -> Source:
        if self._orders is None:
            return StoredSource(self._laboratory, self._training_set)
        settings = self._laboratory.settings
        return GivenSource(self._orders, self._laboratory.feature_set, settings.label_maturity)

    @cached_property
    def _computing(self) -> Computing:
        return Computing(self._source, read_candidates(self._given))

    def check(self) -> Checked:
        """Whether it can be served, what it would cost, and which feature is most like it."""
        return self._on_record("check", lambda computing: Checked(check(computing)))

    def peek(self) -> Peeked:
        """Nulls, zeros and quantiles by label, and five orders with the orders behind the value."""

        def peeked(computing: Computing) -> Peeked:
            figures = peek(computing, self._seed)
            return Peeked(figures.sample, figures.candidates)

        return self._on_record("peek", peeked)

    def lift(self, *, budget: float = REVIEWED_SHARE) -> Lifted:
        """What a model gains by the candidates; people review the share `budget` of all orders."""

        def lifted(computing: Computing) -> Lifted:
            if not isinstance(budget, (int, float)) or not 0 < budget < 1:
                raise BudgetRefused(budget=budget)
            return Lifted(lift(computing, budget=budget, seed=self._seed))

        return self._on_record("lift", lifted, takes_long=True)

    def keep(self) -> Kept:
        """The change to the catalogue, and what the checks of CI say of it. Raises KeepRefused."""
        with on_record(self._laboratory, self._words, "keep", takes_long=True) as recording:
            kept = keep(read_candidates(self._given), self._laboratory.feature_set)
            recording.result = kept
        return kept

    def journal(self) -> Journal:
        """The steps of this trial."""
        entries = journal(self._laboratory).entries
        return Journal(tuple(e for e in entries if e.trial_id == self._words.trial_id))

    def _on_record(
        self, step: str, work: Callable[[Computing], Result], *, takes_long: bool = False
    ) -> Result:
        with on_record(self._laboratory, self._words, step, takes_long=takes_long) as recording:
            result = work(self._known(recording))
            recording.result = result
        return result

    def _known(self, recording: Recording) -> Computing:
        """What computes the candidates; the record gets to know the source as soon as it is."""
        read_candidates(self._given)  # before anything is looked for
        recording.source = self._source.name
        return self._computing


def trial(
    name: Any,
    question: str,
    *,
    training_set: int | str | None = None,
    orders: Any = None,
    laboratory: Laboratory | None = None,
    seed: int = DEFAULT_SEED,
) -> Trial:
    """A trial of a candidate: a feature's name, a function of the order, or a list of up to five.

    Args:
        name: the candidates. A name need not be in the catalogue. A function takes columns of
            orders (`order.amount_cents`, `order["local_hour"]`) and gives a number for each order.
        question: what you want to know, for the journal.
        training_set: whose orders; its name or its revision, None for the newest.
        orders: a table in the place of a training set, as `features_pkg.point_in_time` takes it.
        laboratory: where; None is what the settings of this process name.
        seed: of samples, models and intervals: the same one gives the same figures.

    Raises:
        QuestionMissing, TwoSources, SettingsError. What is wrong with a candidate is said by the
        first step.
    """
    return Trial(
        name, question, training_set=training_set, orders=orders, laboratory=laboratory, seed=seed
    )
