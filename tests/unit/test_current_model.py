"""The current model beside which a training is reported, where it can't be loaded."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from jobs.job import Job
from jobs.train.recorded import current_model
from tests.model_keys import VERIFY_KEYS
from tests.unit.stores_nowhere import STORES_NOWHERE


def test_why_it_is_refused_is_told_without_a_path_of_the_machine(tmp_path: Path) -> None:
    """The reason stands in the new model's reports, which ship with it."""
    (tmp_path / "served").mkdir()

    found = current_model(job_of(tmp_path / "served"))

    assert found.model is None
    assert found.reason == (
        "served is refused: manifest.json can't be read (No such file or directory)"
    )


def test_before_the_first_training_none_is_refused(tmp_path: Path) -> None:
    found = current_model(job_of(tmp_path / "served"))

    assert found.model is None
    assert found.reason == "none is in served yet, where ONTEM_MODEL says"


def test_a_place_that_can_not_be_looked_at_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    found = current_model(job_of(tmp_path / "file" / "served"))

    assert found.reason == "served is refused: manifest.json can't be read (Not a directory)"


def job_of(model_path: Path) -> Job:
    settings = replace(STORES_NOWHERE, model_path=model_path, model_verify_keys=VERIFY_KEYS.keys)
    return Job(settings=settings, spark=no_spark, say=lambda _: None)


def no_spark(_: str) -> Any:
    raise AssertionError("it is not asked for")
