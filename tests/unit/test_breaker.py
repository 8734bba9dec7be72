"""A store that does not answer is not asked, and one question finds out when it does again."""

import threading

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
)

from service.breaker import (
    FAILURES_TO_OPEN,
    FAIR_SECONDS,
    FIRST_OPEN_SECONDS,
    LONGEST_OPEN_SECONDS,
    Admission,
    Breaker,
)
from tests.unit.clocks import Clock


def fail(breaker: Breaker, times: int = 1) -> list[bool]:
    """Of each of so many failures, whether it was one of a probe."""
    probed = []
    for _ in range(times):
        admission = breaker.admit()
        assert admission is not None
        probed.append(breaker.record(admission, is_answered=False))
    return probed


def test_it_opens_after_failures_in_a_row_and_tells_when_a_probe_fails():
    clock = Clock()
    breaker = Breaker(clock)

    assert fail(breaker, FAILURES_TO_OPEN) == [False] * FAILURES_TO_OPEN
    assert (breaker.state, breaker.refuses, breaker.admit()) == ("open", True, None)
    clock.now += FIRST_OPEN_SECONDS
    assert fail(breaker) == [True]
    assert breaker.state == "open"


def test_an_answer_between_failures_keeps_it_closed():
    breaker = Breaker(Clock())
    for _ in range(3):
        fail(breaker, FAILURES_TO_OPEN - 1)
        breaker.record(Admission.ORDINARY, is_answered=True)

    assert breaker.state == "closed"


def test_of_many_threads_one_probes():
    clock = Clock()
    breaker = Breaker(clock)
    fail(breaker, FAILURES_TO_OPEN)
    clock.now += FIRST_OPEN_SECONDS
    barrier, admitted = threading.Barrier(8), []

    def ask() -> None:
        barrier.wait()
        admitted.append(breaker.admit())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(map(str, admitted)) == sorted(map(str, [Admission.PROBE] + [None] * 7))


def test_it_opens_for_longer_after_each_failed_probe_and_shortly_again_after_an_answer():
    clock = Clock()
    breaker = Breaker(clock)

    def seconds_open() -> float:
        opened = clock.now
        while breaker.refuses:
            clock.now += 0.01
        return round(clock.now - opened, 2)

    fail(breaker, FAILURES_TO_OPEN)
    assert seconds_open() == FIRST_OPEN_SECONDS
    pauses = []
    for _ in range(6):
        fail(breaker)
        pauses.append(seconds_open())
    assert pauses == [0.2, 0.4, 0.8, *[LONGEST_OPEN_SECONDS] * 3]

    assert breaker.admit() is Admission.PROBE
    breaker.record(Admission.PROBE, is_answered=True)
    fail(breaker, FAILURES_TO_OPEN)
    assert seconds_open() == FIRST_OPEN_SECONDS


class Questions(RuleBasedStateMachine):
    """Questions of any threads, answered or not in any order, beside the rules in plain words."""

    open_questions = Bundle("open_questions")

    @initialize()
    def start(self) -> None:
        self.clock = Clock()
        self.breaker = Breaker(self.clock)
        self.opened_at: float | None = None
        self.open_seconds = FIRST_OPEN_SECONDS
        self.failures_in_a_row = 0
        self.probes_outstanding = 0

    @rule(target=open_questions)
    def ask(self) -> Admission | None:
        refused = self.breaker.refuses
        admission = self.breaker.admit()
        assert refused == (admission is None)
        if self.opened_at is None:
            assert admission is Admission.ORDINARY
        elif self.clock.now < self.opened_at + self.open_seconds or self.probes_outstanding:
            assert admission is None
        else:
            assert admission is Admission.PROBE
            self.probes_outstanding += 1
        return admission

    @rule(
        admission=consumes(open_questions),
        is_answered=st.booleans(),
        seconds_given=st.sampled_from([FAIR_SECONDS / 2, FAIR_SECONDS, FAIR_SECONDS, 1.0]),
    )
    def end(self, admission: Admission | None, *, is_answered: bool, seconds_given: float) -> None:
        if admission is None:
            return
        has_failed_probe = self.breaker.record(
            admission, is_answered=is_answered, seconds_given=seconds_given
        )
        if not is_answered and seconds_given < FAIR_SECONDS:  # as if it was never asked
            self.probes_outstanding -= admission is Admission.PROBE
            assert not has_failed_probe
            return
        assert has_failed_probe == self._model(admission, is_answered=is_answered)

    def _model(self, admission: Admission, *, is_answered: bool) -> bool:
        """Whether a probe has failed."""
        if admission is Admission.PROBE:
            self.probes_outstanding -= 1
        elif self.opened_at is not None:
            return False  # a straggler of before says nothing about now
        if is_answered:
            self.failures_in_a_row, self.opened_at = 0, None
            self.open_seconds = FIRST_OPEN_SECONDS
            return False
        self.failures_in_a_row += 1
        if self.failures_in_a_row < FAILURES_TO_OPEN and admission is Admission.ORDINARY:
            return False
        if self.opened_at is not None:
            self.open_seconds = min(2 * self.open_seconds, LONGEST_OPEN_SECONDS)
        self.opened_at = self.clock.now
        return admission is Admission.PROBE

    @rule(seconds=st.sampled_from([0.0, FIRST_OPEN_SECONDS / 2, FIRST_OPEN_SECONDS, 1.0]))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @invariant()
    def at_most_one_probe(self) -> None:
        assert getattr(self, "probes_outstanding", 0) in (0, 1)

    @invariant()
    def the_state_is_said(self) -> None:
        if hasattr(self, "breaker"):
            is_closed = self.opened_at is None
            is_open = not is_closed and self.clock.now < self.opened_at + self.open_seconds
            expected = "closed" if is_closed else "open" if is_open else "half-open"
            assert self.breaker.state == expected


TestQuestions = Questions.TestCase
TestQuestions.settings = settings(max_examples=100, stateful_step_count=40)
