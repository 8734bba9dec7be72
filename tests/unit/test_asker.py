"""Questions that are given up when the answer takes too long."""

import threading
from datetime import timedelta

import pytest

from service.asker import Asker, Pending

LONG = timedelta(seconds=30)
SHORT = timedelta(milliseconds=1)


def test_an_answer_in_time_is_the_answer():
    assert Asker(LONG).ask(lambda: "yes", "nothing") == "yes"


def test_what_a_question_raises_is_raised_where_it_was_asked():
    with pytest.raises(ZeroDivisionError):
        Asker(LONG).ask(lambda: 1 // 0, 0)


def test_while_one_question_hangs_no_other_is_asked_and_later_ones_are():
    asker, asked = Asker(SHORT), threading.Event()
    hangs, frozen = threading.Event(), threading.Event()

    def hang() -> None:
        hangs.set()
        frozen.wait()

    hanging = asker.begin(hang)
    assert hangs.wait(60)  # on a busy machine the thread may start later than the limit
    assert hanging.answer("nothing") == "nothing"
    assert asker.ask(asked.set, "nothing") == "nothing"
    frozen.set()
    while asker.ask(lambda: "yes", "nothing") == "nothing":
        pass  # the thread may need a while to come round
    assert not asked.is_set()


def test_questions_that_are_begun_together_are_waited_for_together():
    answers = [Asker(LONG).begin(lambda: "yes") for _ in range(3)]

    assert [each.answer("nothing") for each in answers] == ["yes"] * 3


def test_an_answer_is_not_waited_for_after_its_time():
    frozen = threading.Event()
    asked = Asker(LONG).begin(frozen.wait)
    overdue = Pending(asked.future, until=0.0)

    assert overdue.answer("nothing") == "nothing"
    frozen.set()


def test_a_closed_asker_has_no_thread():
    before = threading.active_count()
    asker = Asker(LONG)
    asker.ask(lambda: "yes", "nothing")
    asker.close()

    assert threading.active_count() == before
