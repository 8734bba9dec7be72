"""Figures that are made up, and the pages that show them."""

from datetime import date, timedelta

import numpy as np

from features_pkg.models.manifest import ModelManifest
from jobs.train.orders import LabelledOrders
from jobs.train.page.costs import review_costs
from jobs.train.page.curves import model_curves, score_bins
from jobs.train.page.figures import (
    DaySpan,
    Extent,
    FeatureBins,
    Figures,
    OutcomeBins,
)
from jobs.train.page.html import render_page
from jobs.train.page.over_time import recalls
from jobs.train.report import Comparison, Report
from tests.e2e.a_model import a_manifest
from tests.unit.page_reader import PageReader
from tests.unit.trained_models import FEATURES

DAY = date(2018, 3, 1)
LABELS = np.arange(2000) % 10 == 0
SCORES = np.where(LABELS, 0.6, 0.05) + np.linspace(0, 0.3, 2000)
ORDERS = LabelledOrders(
    rows=np.arange(2000), order_pk=np.arange(2000), labels=LABELS, asked_us=np.arange(2000),
    known_us=np.arange(2000), days=17591 + np.arange(2000) // 100, cards=np.zeros(2000, np.int64),
)  # fmt: skip
EXTENT = Extent(
    first_day=DAY, last_day=DAY + timedelta(days=2), orders=90, gaps=(),
    spans=tuple(DaySpan(DAY + timedelta(days=day), DAY + timedelta(days=day), 30, 20 + day)
                for day in range(3)),
    too_young=27, charged_back_late=1,
)  # fmt: skip
BINS = OutcomeBins(bounds=(2.0, 86_400.0), honest=(50, 20, 30), charged_back=(10, 0, 90),
                   nulls=(None, 40))  # fmt: skip
WHOLE = Figures(
    own=model_curves(LABELS, SCORES),
    current=model_curves(LABELS, SCORES[::-1]),
    scores=score_bins(LABELS, SCORES),
    recalls=recalls(ORDERS, (SCORES, 0.5), (SCORES[::-1], 0.5)),
    costs=review_costs(LABELS, SCORES, np.full(2000, 5_000.0), 0.5),
    features=(FeatureBins("device_first_order_age_seconds", 0.4, BINS),),
    explained=200,
    extent=EXTENT,
)


def a_report(manifest: ModelManifest | None = None, *, compared: bool = False) -> Report:
    manifest = manifest or a_manifest(FEATURES)
    comparison = Comparison("the-old-one", manifest.metrics, knew_hold_out=True)
    return Report(manifest, comparison if compared else None, "no model is current")


def read(figures: Figures, report: Report | None = None) -> PageReader:
    return PageReader(render_page(report or a_report(), figures))
