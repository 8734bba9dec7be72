"""Trials in a real store: what they cost and are worth, and a journal that forgets none."""

import ast
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from features_pkg.errors import DefinitionError
from jobs.job import Job
from ontem.cli import main
from ontem.lab import journal, trial
from ontem.lab.errors import (
    BudgetRefused,
    LooksAhead,
    NoTrainingSet,
    OrdersNotExtracted,
    OtherTrainingSet,
    QuestionMissing,
    ValuesRefused,
)
from ontem.lab.journal_table import State, read_rows
from ontem.lab.laboratory import Laboratory
from tests.integration.lab_shop import a_lab_shop, environment_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PAGE = Path(__file__).resolve().parents[2] / "docs" / "lab.md"
QUESTION = "do many documents share a device?"
NEW = "device_distinct_document_orders_6h_recent"
"""A feature that the catalogue lacks."""


@pytest.fixture(scope="module")
def job(
    module_database_url: str, spark: "SparkSession", tmp_path_factory: pytest.TempPathFactory
) -> Job:
    """A shop with a training set."""
    return a_lab_shop(module_database_url, tmp_path_factory.mktemp("lab").as_uri(), spark)


@pytest.fixture
def laboratory(job: Job) -> Laboratory:
    return Laboratory(job.settings)


def test_check_says_what_a_candidate_costs_and_what_is_like_it(laboratory: Laboratory) -> None:
    names = [NEW, "device_distinct_phone_orders_30d_distant", "device_orders_36h_recent"]
    recent, distant, long = trial(names, QUESTION, laboratory=laboratory).check().candidates

    assert recent.not_servable is None
    assert recent.timeline is None
    assert recent.rows_read is not None
    assert not recent.rows_read.more
    assert recent.rows_read.most > 0
    assert recent.nearest == "device_orders_6h_recent"  # most documents order once in six hours
    assert recent.correlation == pytest.approx(1, abs=0.1)
    assert distant.timeline is not None
    assert distant.timeline.more > 0
    assert distant.rows_read is None
    assert long.not_servable is not None
    assert long.not_servable.startswith("a recent window that is served is at most 24h")


def test_a_feature_that_timelines_keep_costs_no_byte(laboratory: Laboratory) -> None:
    (checked,) = trial("card_orders_3d_distant", QUESTION, laboratory=laboratory).check().candidates

    assert checked.timeline is not None
    assert checked.timeline.more == 0
    assert checked.timeline.mean > 10


def test_peek_shows_the_orders_behind_a_value(laboratory: Laboratory) -> None:
    names = ["ip_orders_12h_recent", "zip_code_orders_14d_delay_3d_distant",
             "zip_code_chargebacks_60d_distant"]  # fmt: skip
    peeked = trial(names, QUESTION, laboratory=laboratory).peek()

    for candidate in peeked.candidates:
        assert candidate.of_all.orders == candidate.charged_back.orders + candidate.others.orders
        assert candidate.of_all.quantiles[-1] == candidate.examples[-1].value > 0
        for example in candidate.examples:
            (behind,) = example.behind
            assert behind.count == example.value
            assert len(set(behind.order_ids)) == min(behind.count, 10)
            assert example.order_id not in behind.order_ids
    assert "charged back orders and all of" in repr(peeked)


def test_lift_measures_with_and_without_singly_and_together(laboratory: Laboratory) -> None:
    def whose_chargeback(order: Any) -> Any:
        return order.amount_cents % 100

    lifted = trial(
        ["device_chargebacks_12h_recent", whose_chargeback], QUESTION, laboratory=laboratory
    ).lift(budget=0.05)

    figures = lifted.figures
    counted, function = figures.candidates
    for estimate in (figures.without.average_precision, counted.figures.recall):
        assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
    assert counted.gain.average_precision.value == pytest.approx(
        counted.figures.average_precision.value - figures.without.average_precision.value
    )
    assert counted.leak is not None
    assert function.leak is None
    assert figures.together is not None
    assert "the merchant's own times would give the same values" in repr(lifted)
    assert f"measured on {figures.hold_out}, of {figures.hold_out_days} days" in repr(lifted)


def test_a_trial_is_on_record_as_running_before_it_trains(
    laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = []

    def look(*_: object, **__: object) -> None:
        rows.extend(list(read_rows(laboratory.store))[-1:])
        raise BudgetRefused(budget=7)

    monkeypatch.setattr("ontem.lab.trials.lift", look)
    with pytest.raises(BudgetRefused):
        trial(NEW, QUESTION, laboratory=laboratory).lift()

    assert [(row.step, row.state, row.candidates) for row in rows] == [
        ("lift", State.RUNNING, (NEW,))
    ]
    entry = journal(laboratory, most=1).entries[0]
    assert (entry.state, entry.question) == (State.FAILED, QUESTION)
    assert entry.error is not None
    assert entry.error.startswith("the budget 7 is not a share")


def test_failed_steps_are_in_the_journal_with_their_sentence(laboratory: Laboratory) -> None:
    def looks_ahead(order: Any) -> Any:
        return order.chargeback_at

    def buggy(order: Any) -> Any:
        raise ZeroDivisionError(order.amount_cents)

    for given, error in (
        ("card_ordres_7d_distant", DefinitionError),
        (looks_ahead, LooksAhead),
        (buggy, ZeroDivisionError),
    ):
        with pytest.raises(error):
            trial(given, QUESTION, laboratory=laboratory).check()

    newest = journal(laboratory, most=3).entries
    assert [entry.state for entry in newest] == [State.FAILED] * 3
    assert newest[0].error == "ZeroDivisionError"
    assert str(newest[1].error).startswith("looks_ahead reads chargeback_at, which comes after")
    assert newest[2].candidates == ("card_ordres_7d_distant",)


def test_the_results_in_the_journal_are_those_of_the_step(laboratory: Laboratory) -> None:
    asked = trial(NEW, QUESTION, laboratory=laboratory)
    checked = asked.check()

    (entry,) = asked.journal().entries
    assert entry.result["candidates"][0]["nearest"] == checked.candidates[0].nearest
    assert entry.source is not None
    assert entry.source.startswith("training_sets_")


def test_a_training_set_of_other_features_is_refused(laboratory: Laboratory) -> None:
    settings = replace(laboratory.settings, snapshot_lag=timedelta(hours=5))
    other = Laboratory(settings)
    name = journal(laboratory, most=1).entries[0].source

    with pytest.raises(OtherTrainingSet, match=r"has the feature set .* the settings and this"):
        trial(NEW, QUESTION, training_set=name, laboratory=other).check()
    with pytest.raises(NoTrainingSet, match="run `ontem training-set --from DAY --to DAY`"):
        trial(NEW, QUESTION, laboratory=other).check()


def test_orders_that_the_events_lack_are_told(
    laboratory: Laboratory,
) -> None:
    settings = replace(laboratory.settings, entity_secret=bytes(32))

    with pytest.raises(OrdersNotExtracted, match=r"lacks .* orders of the training set"):
        trial(NEW, QUESTION, laboratory=Laboratory(settings)).check()


def test_a_candidate_that_no_order_has_is_refused(laboratory: Laboratory) -> None:
    def unknown(order: Any) -> Any:
        return np.full(len(order.amount_cents), np.nan)

    with pytest.raises(ValuesRefused, match=r"unknown is unknown \(null\) for all"):
        trial(unknown, QUESTION, laboratory=laboratory).check()


@pytest.mark.parametrize("name", [1, "1", "r1"])
def test_a_training_set_is_named_by_its_number_too(laboratory: Laboratory, name: Any) -> None:
    peeked = trial(NEW, QUESTION, training_set=name, laboratory=laboratory).peek()

    assert peeked.candidates


@pytest.mark.parametrize("budget", ["much", None])
def test_a_budget_is_a_number(laboratory: Laboratory, budget: Any) -> None:
    with pytest.raises(BudgetRefused, match="is not a share of the orders"):
        trial(NEW, QUESTION, laboratory=laboratory).lift(budget=budget)


def test_a_trial_needs_a_question(laboratory: Laboratory) -> None:
    with pytest.raises(QuestionMissing, match="the question is empty"):
        trial(NEW, "  ", laboratory=laboratory)


def test_the_blocks_of_the_page_run(
    ontem_trial: Callable[..., Result], capsys: pytest.CaptureFixture[str]
) -> None:
    block = r"<!-- run: \w+ -->\n```python\n(.*?)```(?:\n```\n(.*?)```)?"
    blocks = re.findall(block, PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    shown = []
    for code, output in blocks:
        *statements, last = ast.parse(code).body
        exec(compile(ast.Module(statements, []), "lab.md", "exec"), names)  # noqa: S102
        assert isinstance(last, ast.Expr)
        result = eval(compile(ast.Expression(last.value), "lab.md", "eval"), names)  # noqa: S307
        shown.append((repr(result), output))

    assert len(blocks) == 4
    for found, output in shown:
        if output:
            assert [line.partition(":")[0] for line in found.splitlines()] == [
                line.partition(":")[0] for line in output.splitlines()
            ]
    assert len(capsys.readouterr().out.split()) == 3
    assert "lift device_distinct_document_orders_6h_recent: done" in shown[-1][0]


@pytest.fixture
def ontem_trial(job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs `ontem trial` with its words."""
    (tmp_path / ".ontem").mkdir()
    monkeypatch.chdir(tmp_path)
    environ = environment_of(job.settings)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return lambda *words: CliRunner(env=environ).invoke(main, ["trial", *words])


def test_the_command_does_the_same(ontem_trial: Callable[..., Result]) -> None:
    checked = ontem_trial("check", NEW, "--question", "by the command?")
    failed = ontem_trial("peek", "nonsense", "--question", "by the command?")
    listed = ontem_trial("journal", "--most", "2")

    assert "nearest feature: device_orders_6h_recent, rank correlation 0.9" in checked.stdout
    assert failed.exit_code == 1
    told = "ontem: there is no feature 'nonsense' (no definition has this name): the nearest names"
    assert failed.stderr.startswith(told)
    assert f"check {NEW}: done" in listed.stdout
    assert "peek nonsense: failed" in listed.stdout
    assert listed.stdout.count("by the command?") == 2
