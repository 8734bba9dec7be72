"""What a page says of data that are odd, and of each chart."""

import warnings
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from features_pkg.models.bundle import PAGE, READABLE_REPORT
from features_pkg.models.manifest import made_by
from features_pkg.models.validation import ThresholdRule
from jobs.train.commands import describe_model
from jobs.train.page.costs import review_costs, rule_costs
from jobs.train.page.curves import model_curves, outcome_bins, score_bins
from jobs.train.page.figures import NO_FIGURES, FeatureBins, OutcomeBins
from jobs.train.page.over_time import recalls
from jobs.train.page.score_charts import _outcome_words
from stores.offline.models import StoredModels
from tests.e2e.a_model import a_manifest
from tests.offline import a_store
from tests.unit.made_up_page import DAY, EXTENT, LABELS, ORDERS, SCORES, WHOLE, a_report, read
from tests.unit.page_reader import PageReader
from tests.unit.trained_models import FEATURES, manifest_of


def test_data_of_one_outcome_have_a_page_that_says_so(constant_model: Path) -> None:
    page = PageReader((constant_model / PAGE).read_bytes())

    for name in ("roc", "precision-recall", "calibration", "recall", "cost"):
        assert not page.figures[name].has_svg
        assert page.figures[name].words.startswith("Nothing to draw:")
    assert page.figures["scores"].has_svg
    assert "Fewer than 10 orders are charged back" in page.figures["scores"].words
    assert "No feature moves the scores" in page.text
    assert "orders of one outcome only, so it gives all orders one score" in page.text
    assert "nobody knows whether the scores tell outcomes apart" in page.text


def test_no_words_name_an_estimator_where_orders_of_one_outcome_left_nothing_to_fit(
    constant_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = manifest_of(constant_model)
    describe_model(manifest, StoredModels(a_store(tmp_path).files))
    words = {
        "printed": capsys.readouterr().out,
        "report": (constant_model / READABLE_REPORT).read_text(),
        "page": PageReader((constant_model / PAGE).read_bytes()).text,
    }

    for where, text in words.items():
        assert "by no estimator (its orders have one outcome only, so all get" in text, where
        assert "boosting" not in text, where
    fitted = replace(manifest, training=replace(manifest.training, charged_back=1))
    assert made_by(fitted) == "boosting"


def test_without_a_comparison_the_page_says_why_and_draws_one_model() -> None:
    page = read(replace(WHOLE, current=None, recalls=recalls(ORDERS, (SCORES, 0.5), None)))

    assert "Not compared with a model in use: no model is current." in page.text
    assert "model in use" not in page.figures["roc"].words
    assert page.figures["recall"].columns == ["days", "charged back", "this model"]


def test_with_a_comparison_both_models_have_a_column() -> None:
    page = read(WHOLE, a_report(compared=True))

    assert "The model in use is the-old-one" in page.text
    assert "so it looks better than it is" in page.text
    for name in ("roc", "precision-recall"):
        assert page.figures[name].columns[1:] == ["this model", "model in use"]
    assert "model in use" in page.figures["recall"].columns


def test_a_hold_out_of_one_day_has_a_page_that_says_so() -> None:
    one_day = replace(ORDERS, days=np.full(2000, 17591))

    page = read(replace(WHOLE, recalls=recalls(one_day, (SCORES, 0.5), None)))
    assert "All of it is one period, 2018-03-01: it takes more days" in page.figures["recall"].words
    assert page.figures["recall"].has_svg


def test_days_without_orders_are_named_and_the_longest_of_many() -> None:
    gaps = tuple((DAY + timedelta(days=10 * n), DAY + timedelta(days=10 * n)) for n in range(1, 20))
    long = (DAY + timedelta(days=500), DAY + timedelta(days=520))

    page = read(replace(WHOLE, extent=replace(EXTENT, gaps=(*gaps, long))))
    words = page.figures["extent"].words
    assert "40 days have no order, the longest stretches of them: 2018-03-11" in words
    assert words.endswith("2019-07-14 to 2019-08-03.")
    assert "27 orders (30 %) are too young for a label" in words
    assert "40 days of the training set had no order." in page.text


def test_a_feature_of_only_nulls_has_a_chart_that_says_so() -> None:
    nulls = outcome_bins(np.zeros((2, 3), np.int64), (1.0, 2.0), nulls=(900, 100))
    assert nulls

    page = read(replace(WHOLE, features=(FeatureBins("card_orders_7d_distant", 0.1, nulls),)))
    figure = page.figures["feature-1"]
    assert figure.words.endswith("No order of the hold-out has a value.")
    assert figure.has_svg


def test_a_feature_s_chart_names_bounds_nulls_and_what_is_most_apart() -> None:
    figure = read(WHOLE).figures["feature-1"]

    assert figure.title == "device_first_order_age_seconds"
    assert "Most apart at “below 2 s”: 7.14 % of the charged back orders" in figure.words
    text = read(WHOLE).text
    assert "2 s to 1 d" in text
    assert "1 d and more" in text
    assert "fewer than 10 orders" in text


def test_an_outcome_with_few_orders_is_not_shown() -> None:
    counts = np.array([[300, 200, 100], [4, 3, 2]])
    few = outcome_bins(counts, (1.0, 2.0))
    assert few is not None
    assert (few.honest, few.charged_back, few.shown) == ((300, 200, 100), (0, 0, 0), (True, False))

    page = read(replace(WHOLE, features=(FeatureBins("card_orders_7d_distant", 0.1, few),)))
    assert "Fewer than 10 orders are charged back" in page.figures["feature-1"].words


def test_the_card_says_what_the_model_knows_and_what_it_does_not() -> None:
    first, manifest = FEATURES.names[0], a_manifest(FEATURES)
    metrics = replace(manifest.metrics, roc_auc=0.9)
    medians = (None, None, *manifest.medians[2:])

    text = read(WHOLE, a_report(replace(manifest, medians=medians, metrics=metrics))).text
    for heading in ("What it is for", "What it was trained on", "What it must not be used for"):
        assert heading in text
    assert f"2 features had no value in training and can't move a score, such as {first}" in text
    assert "Only 100 orders of the hold-out were charged back" in text


def test_the_cost_chart_says_what_the_chosen_threshold_costs() -> None:
    words = read(WHOLE).figures["cost"].words

    # All 200 charged back orders score 0.6 and more, and no other one more than 0.35.
    assert "At the chosen threshold, 0.5000, the missed chargebacks cost R$ 0" in words
    assert "and the reviews R$ 2,000: R$ 2,000 together" in words
    assert "Without a model the chargebacks cost R$ 10,000." in words


ODD_FIGURES = {
    "usual": WHOLE,
    "amounts of zero": replace(WHOLE, costs=review_costs(LABELS, SCORES, np.zeros(2000), 2.0)),
    "one score": replace(
        WHOLE,
        own=model_curves(LABELS, np.ones(2000)),
        current=model_curves(LABELS, np.zeros(2000)),
        scores=score_bins(LABELS, np.ones(2000)),
    ),
    "two orders": replace(
        NO_FIGURES,
        own=model_curves(LABELS[9:11], SCORES[9:11]),
        scores=score_bins(LABELS[9:11], SCORES[9:11]),
        costs=rule_costs(LABELS[9:11], SCORES[9:11], 0.5, ThresholdRule(None, 9_000, 1_000)),
    ),
}


def test_a_hold_out_of_two_orders_has_a_page_that_says_so() -> None:
    figures = read(ODD_FIGURES["two orders"]).figures

    for name in ("scores", "calibration"):
        assert "fewer than 10 orders of each outcome" in figures[name].words
    assert figures["extent"].words == "Nothing to draw: the training set has no order."


@pytest.mark.parametrize("name", ODD_FIGURES)
def test_nothing_is_warned_of_as_odd_figures_are_drawn(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        page = read(ODD_FIGURES[name], a_report(compared=True))

    assert page.figures["cost"].has_svg


def test_the_cost_chart_has_the_costs_that_the_training_was_given() -> None:
    rule = ThresholdRule(missed_fraud_cents=9_000, refused_order_cents=1_000)

    figure = read(replace(WHOLE, costs=rule_costs(LABELS, SCORES, 0.5, rule))).figures["cost"]
    assert "the refused honest orders R$ 0" in figure.words
    assert "R$ 90 for a missed chargeback, R$ 10 for a refused honest order." in figure.words


def test_outcomes_that_fill_the_last_bin_are_told_from_below() -> None:
    edges = np.array([-4.0, -1.0, 0.0, 1.0])
    bins = OutcomeBins(bounds=(-1.0, 0.0), honest=(20, 0, 0), charged_back=(0, 10, 20))

    assert _outcome_words(bins, edges) == (
        "Half of the honest orders score below 0.091. "
        "More than half of the charged back orders score 0.5 and more."
    )
