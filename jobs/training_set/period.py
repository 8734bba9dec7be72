"""Whether a training period has orders, found out before Spark starts."""

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.calendar import from_us
from jobs.extract.facts import Extractions
from jobs.extract.reading import read_newest_first
from jobs.extract.rows import EVALUATION, ORDER
from jobs.training_set.questions import TrainingQuestions
from stores.offline.files import Files

COLUMNS: Final = ("kind", "event_at", "evaluated_at")


def may_have_questions(files: Files, extracted: Extractions, questions: TrainingQuestions) -> bool:
    """Whether an order happened or was evaluated in the period; without any it has no question.

    The other way round it may have none all the same, as when each has read an old snapshot.
    Raises EventsMissing, EventsDamaged.
    """
    for table in read_newest_first(files, extracted, COLUMNS):
        is_order = pc.is_in(table["kind"], pa.array((ORDER, EVALUATION)))
        is_asked = pc.or_kleene(
            _is_within(table["event_at"], questions), _is_within(table["evaluated_at"], questions)
        )
        if pc.any(pc.and_kleene(is_order, is_asked)).as_py():
            return True
    return False


def _is_within(instants: pa.ChunkedArray, questions: TrainingQuestions) -> pa.ChunkedArray:
    start, end = (
        pa.scalar(from_us(each), instants.type) for each in (questions.from_us, questions.to_us)
    )
    return pc.and_(pc.greater_equal(instants, start), pc.less(instants, end))
