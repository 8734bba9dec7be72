"""`ontem features` says what it found, or what is wrong, in a sentence."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner

from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.velocity import parse_name
from ontem.cli import main
from ontem.feature_store.sheet import SHIPPED as CODE
from ontem.feature_store.sheet import sheet_of
from ontem.feature_store.words import definition_in_words, search
from tests.model_keys import TRUST
from tests.unit.model_manifests import a_signed_manifest

LAG = timedelta(hours=4)


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for variable in (
        "ONTEM_POSTGRES_URL",
        "ONTEM_STORAGE_URL",
        "ONTEM_MODEL",
        "ONTEM_MODEL_VERIFY_KEYS",
    ):
        monkeypatch.delenv(variable, raising=False)
    return lambda *words, **environ: CliRunner().invoke(main, ["features", *words], env=environ)


def test_a_search_prints_each_feature_with_its_score_and_words(run):
    done = run("search", "telefone", "usado", "por", "vários", "CPFs", "--limit", "1")

    name, *words = done.stdout.splitlines()
    assert name.split() == ["13.0", "phone_distinct_document_orders_30d_distant"]
    assert " ".join(line.strip() for line in words) == definition_in_words(name.split()[1], "pt")


def test_a_search_as_json_is_the_hits(run):
    done = run("search", "CEP with chargebacks", "--json")

    hits = search("CEP with chargebacks", CODE.names)
    assert [each["name"] for each in json.loads(done.stdout)] == [hit.name for hit in hits]
    assert json.loads(done.stdout)[0] == {
        "name": hits[0].name,
        "score": hits[0].score,
        "words": hits[0].words,
    }


def test_a_search_without_hits_is_a_sentence_with_the_nearest_names(run):
    done = run("search", "xyzzy")

    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("ontem: no feature is about 'xyzzy': name an identifier")
    assert "the nearest names are " in done.stderr


def test_a_search_without_a_query_is_a_usage_error(run):
    assert run("search").exit_code == 2


def test_the_sheet_of_a_feature_has_all_that_its_definition_says(run):
    done = run("show", "card_distinct_zip_code_orders_30d_distant")

    text = " ".join(done.stdout.split())
    assert "means How many different postal codes (CEP) other orders with this card had" in text
    assert "why Stolen identity: others order in a person's name" in text
    assert "formula count(distinct zip_code of orders with the same card) where" in text
    assert "null for the order has no card; `missing` has distant or distant:card" in text
    assert "served yes, it is in the catalogue" in text
    assert "nearest card_distinct_zip_code_orders_24h_recent" in text


def test_the_sheet_as_json_has_the_same_in_the_other_language(run):
    name = "card_orders_24h_recent"
    sheet = json.loads(run("show", name, "--language", "pt", "--json").stdout)

    assert sheet["words"] == definition_in_words(name, "pt")
    assert sheet["reason"].startswith("Rajada: ")
    assert name not in sheet["nearest"]


def test_figures_without_stores_are_a_sentence_that_names_the_setting(run):
    done = run("show", "card_orders_24h_recent", "--figures")

    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr.startswith("ontem: ONTEM_POSTGRES_URL is not set")


def test_a_misspelt_name_is_a_sentence_with_the_right_one(run):
    done = run("show", "card_ordrs_24h_recent")

    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == (
        "ontem: there is no feature 'card_ordrs_24h_recent' (no definition has this name): the "
        "nearest names are card_orders_24h_recent, card_orders_1h_recent, card_orders_6h_recent\n"
    )


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("card_orders_24h_recent", "asked_at - 24h <= event_at < asked_at"),
        ("card_orders_since_cutoff_recent", "cutoff <= event_at < asked_at"),
        ("card_orders_30d_distant", "cutoff - 30 days <= event_at < cutoff"),
        ("card_chargebacks_ever_distant", "event_at < cutoff"),
        ("card_orders_ever_recent", "event_at < asked_at"),
        ("card_last_order_age_seconds", "event_at < asked_at"),
        ("local_hour", "local_hour(order)"),
        ("card_mean_amount_cents_orders_30d_distant", "/ card_orders_30d_distant"),
        ("product_orders_ever_distant", "< cutoff, the greatest of the order's products"),
        ("product_first_order_age_seconds", "< asked_at, the least of the order's products"),
    ],
)
def test_a_formula_ends_with_its_time(name, formula):
    assert sheet_of(name).formula.endswith(formula)


@pytest.mark.parametrize(
    ("name", "reasons"),
    [
        ("card_orders_24h_recent", ("the order has no card", "`missing` has recent")),
        (
            "card_first_order_age_seconds",
            (
                "the order has no card",
                "there was no such order before",
                "`missing` has distant or distant:card",
                "`missing` has recent",
            ),
        ),
        ("amount_cents", ()),
        (
            "phone_area_matches_zip_code",
            ("the order has no phone", "the order has no zip_code"),
        ),
        ("different_products", ()),
        ("merchant_history_days", ("`missing` has distant or distant:merchant",)),
        (
            "card_mean_amount_cents_orders_24h_recent",
            (
                "the order has no card",
                "`missing` has recent",
                "card_orders_24h_recent is 0",
            ),
        ),
        (
            "amount_to_card_mean_amount_24h_recent",
            (
                "the order has no card",
                "`missing` has recent",
                "card_orders_24h_recent is 0",
                "card_amount_cents_orders_24h_recent is 0",
            ),
        ),
        (
            "amount_cents_minus_card_amount_cents_orders_24h_recent",
            ("the order has no card", "`missing` has recent"),
        ),
    ],
)
def test_a_sheet_says_for_which_orders_there_is_no_value(name, reasons):
    assert sheet_of(name).null_for == reasons


@pytest.mark.parametrize(
    ("name", "served"),
    [
        ("card_orders_24h_recent", "yes, it is in the catalogue"),
        ("card_orders_5d_distant", "it takes no new load and a training"),
        ("card_distinct_phone_orders_5d_distant", "it takes a new load (`ontem night`)"),
        ("card_distinct_phone_orders_5h_recent", "it takes no new load and a training"),
        ("card_mean_amount_cents_orders_5d_distant", "it takes no new load and a training"),
        ("card_orders_25h_recent", "no: a recent window that is served is at most 24h"),
    ],
)
def test_a_sheet_says_what_it_takes_to_serve_a_feature(name, served):
    assert served in sheet_of(name).served


@pytest.fixture
def weekly(tmp_path):
    """A model of a weekly count in a store, and the variables that name both."""
    week = FeatureSet("UTC", LAG, (parse_name("card_orders_7d_distant"),))
    a_signed_manifest(tmp_path / "store" / "models" / "weekly", week)
    return week, {**TRUST, "ONTEM_STORAGE_URL": (tmp_path / "store").as_uri()}


def test_a_comparison_lists_what_differs_and_what_a_switch_needs(run, weekly):
    week, environ = weekly

    done = run("diff", "code", "weekly", **environ)

    lines = done.stdout.splitlines()
    before, after = lines[0].split(), lines[1].strip()
    assert before[:4] == ["the", "code:", str(len(CODE.names)), "features"]
    assert after == (
        f"model weekly: {len(week.names)} features of feature set {week.version}, "
        f"timelines {week.timelines_id}"
    )
    removed = [f"- {name}" for name in CODE.names if name not in week.names]
    assert lines[2 : 2 + len(removed)] == removed
    text = " ".join(" ".join(lines[2 + len(removed) :]).split())
    assert text.startswith(f"0 added, {len(removed)} removed, {len(week.names)} the same switch a")
    assert f"a new load: timelines {week.timelines_id} in the place of" in text
    assert "no new training set: model weekly was trained on none" in text
    assert "BUSINESS_TIMEZONE: America/Sao_Paulo, then UTC" in text


def test_a_comparison_as_json_has_ids_names_and_what_a_switch_needs(run, weekly):
    week, environ = weekly

    done = run("diff", "weekly", "code", "--json", **environ)

    answer = json.loads(done.stdout)
    assert answer["before"]["feature_set"] == week.version
    assert "features" not in answer["before"]
    assert answer["same"] == [*week.names]
    assert (answer["new_load"], answer["new_training_set"]) == (True, True)


def test_a_comparison_with_what_is_unknown_is_a_sentence(run, weekly):
    done = run("diff", "code", "monthly", **weekly[1])

    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == (
        "ontem: 'monthly' is neither a model nor the version of a feature set: name `code`, "
        "`current` or one of weekly\n"
    )


def test_a_comparison_without_settings_says_what_is_missing(run):
    done = run("diff", "code", "monthly")

    assert done.exit_code == 1
    assert (
        "or the name of a model; the offline store was not looked at: ONTEM_STORAGE_URL"
        in done.stderr
    )
