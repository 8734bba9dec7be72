"""The page of a model: whole by itself, readable by everybody, and silent about single orders."""

import re
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pyarrow as pa
import pytest

from features_pkg.models.bundle import PAGE
from features_pkg.models.loading import load_model
from jobs.train.page.figures import (
    NO_FIGURES,
)
from jobs.train.page.html import render_page
from jobs.train.report import CurrentModel
from jobs.train.run import TrainingOptions, train
from stores.offline.models import StoredModels
from tests.e2e.a_model import a_manifest
from tests.model_keys import SIGNING_KEY, VERIFY_KEYS
from tests.offline import a_store
from tests.unit.made_up_page import WHOLE, a_report, read
from tests.unit.page_reader import PageReader
from tests.unit.trained_models import FEATURES, a_training_set, committed

CHARTS = ("roc", "precision-recall", "calibration", "scores", "recall", "cost", "extent")


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory, trained_model: Path) -> bytes:
    """The page of a model that is compared with another one, on data with a few odd orders."""
    store = a_store(tmp_path_factory.mktemp("compared"))
    committed(store, odd_orders(a_training_set(orders=3000)), files=2)
    current = CurrentModel(load_model(trained_model, FEATURES, VERIFY_KEYS))
    options = TrainingOptions(revision=1, key=SIGNING_KEY, current=current)
    manifest = train(store, FEATURES, options)
    return store.files.read(f"models/{manifest.name}/{PAGE}")


def odd_orders(table: pa.Table) -> pa.Table:
    """The same orders with ids and keys that are nowhere else, and one with a value of its own."""
    rows = table.num_rows
    columns = {
        "order_id": pa.array([f"pedido-{row}" for row in range(rows)]),
        "order_pk": pa.array(770_000_000_000 + np.arange(rows)),
        "card_code": pa.array(880_000_000_000 + np.arange(rows)),
    }
    for name in FEATURES.names[:2]:
        values = table[name].to_numpy(zero_copy_only=False).copy()
        values[-5] = 987_654_321
        columns[name] = pa.array(values, pa.int64(), from_pandas=True)
    for name, values in columns.items():
        table = table.set_column(table.schema.get_field_index(name), name, values)
    return table


def test_a_trained_model_has_a_page_with_all_charts(compared: bytes) -> None:
    page = PageReader(compared)

    assert set(CHARTS) | {"feature-1", "feature-2"} <= set(page.figures)
    assert [name for name, figure in page.figures.items() if not figure.has_svg] == []
    assert page.figures["feature-1"].title in FEATURES.names[:2]
    assert "the model in use" in page.figures["roc"].words
    assert "model in use" in page.figures["calibration"].words


@pytest.mark.parametrize("source", ["trained", "made up", "empty"])
def test_a_page_loads_nothing_and_runs_nothing(compared: bytes, source: str) -> None:
    pages = {"trained": compared, "made up": render_page(a_report(), WHOLE)}
    content = pages.get(source) or render_page(a_report(), NO_FIGURES)
    page = PageReader(content)

    inside = {f"#{name}" for name in page.ids} | {"data:,"}
    assert set(page.references) <= inside
    assert b"//" not in content
    assert b"@import" not in content
    assert {tag for tag, _ in page.tags} & {"script", "iframe", "object", "img", "form"} == set()
    assert [name for _, attributes in page.tags for name in attributes if name[:2] == "on"] == []
    assert len(page.ids) == len(set(page.ids))
    policy = next(each for tag, each in page.tags if "http-equiv" in each)
    assert policy["content"].startswith("default-src 'none';")


def test_each_chart_has_a_title_its_numbers_in_words_and_a_table_with_headers(
    compared: bytes,
) -> None:
    page = PageReader(compared)

    for name, figure in page.figures.items():
        assert figure.title
        assert figure.title == figure.svg_title
        assert (figure.labelled_by, figure.described_by) == (f"{name}-title", f"{name}-words")
        assert {figure.labelled_by, figure.described_by} <= set(page.ids)
        assert re.search(r"\d", figure.words), figure.words
        assert len(figure.columns) > 1, name
        assert figure.drawn > 5, name
    assert page.tables == page.captions > len(page.figures)
    scopes = [each.get("scope") for tag, each in page.tags if tag == "th"]
    assert set(scopes) == {"col", "row"}


def test_all_colours_are_variables_which_both_schemes_define(compared: bytes) -> None:
    style = re.search(r"<style>(.*?)</style>", compared.decode(), re.DOTALL)
    assert style
    light, _, dark = style[1].partition("prefers-color-scheme: dark")
    used = set(re.findall(r"var\(--([a-z]+)\)", compared.decode()))

    assert used == set(re.findall(r"--([a-z]+):", light)) - {"panel"}
    assert used <= set(re.findall(r"--([a-z]+):", dark))
    body = compared.decode().replace(style[0], "")
    assert re.findall(r"#[0-9a-fA-F]{6}\b", body) == []


def test_a_page_has_nothing_of_a_single_order(compared: bytes) -> None:
    page = compared.decode()

    assert "pedido-" not in page
    assert not re.search(r"(77|88)0,?000,?000", page)
    assert "987,654" not in page
    assert "987654" not in page
    # All other values are below 3,001, so millions would be of the one odd order.
    assert not re.search(r"\d[MG]\b", PageReader(compared).text)


def test_the_same_report_and_figures_give_the_same_bytes_whatever_a_user_has_set() -> None:
    first = render_page(a_report(), WHOLE)

    with matplotlib.rc_context({"font.size": 30, "axes.grid": False, "lines.linewidth": 9}):
        assert render_page(a_report(), WHOLE) == first


def test_the_same_training_gives_the_same_page(tmp_path: Path) -> None:
    pages = []
    for name in ("one", "two"):
        store = a_store(tmp_path / name)
        committed(store, a_training_set(orders=1500), files=1 if name == "one" else 3)
        (model,) = [train(store, FEATURES, TrainingOptions(revision=1, key=SIGNING_KEY)).name]
        pages.append(store.files.read(f"models/{model}/{PAGE}"))
        location = StoredModels(store.files).page(model)
        assert Path(location).read_bytes() == pages[-1]

    first, second = (PageReader(page) for page in pages)
    assert [each.words for each in first.figures.values()] == [
        each.words for each in second.figures.values()
    ]


def test_a_page_is_small(compared: bytes) -> None:
    assert len(compared) < 250_000


def test_names_are_text_whatever_they_have(tmp_path: Path) -> None:
    manifest = replace(a_manifest(FEATURES), name="<b>&model</b>")

    page = read(NO_FIGURES, a_report(manifest))
    assert "b" not in {tag for tag, _ in page.tags}
    assert "Model <b>&model</b>" in page.text
