"""A query in words finds the feature that it means among the first three."""

from datetime import timedelta
from fnmatch import fnmatch

import pytest

from features_pkg.definitions.feature_set import FeatureSet
from ontem.feature_store.words import NothingFound, definition_in_words, search
from tests.unit.plain_bm25 import PlainIndex
from tests.unit.search_queries import (
    HELD_OUT,
    HELD_OUT_DELAYED,
    HELD_OUT_DERIVED,
    LATER,
    MENDED,
    REQUIRED,
)

NAMES = FeatureSet("UTC", timedelta(hours=4)).names


def first_three(query):
    return [hit.name for hit in search(query, NAMES, limit=3)]


ALL = REQUIRED | HELD_OUT | HELD_OUT_DERIVED | HELD_OUT_DELAYED | LATER | MENDED


@pytest.mark.parametrize(("query", "meant"), ALL.items())
def test_the_feature_that_is_meant_is_among_the_first_three(query, meant):
    assert [name for name in first_three(query) if fnmatch(name, meant)], first_three(query)


@pytest.mark.parametrize("meant", sorted({*ALL.values()}))
def test_what_the_queries_mean_is_in_the_catalogue(meant):
    assert any(fnmatch(name, meant) for name in NAMES)


@pytest.mark.parametrize("stemmed", [False, True])
def test_a_plain_text_search_finds_less_than_two_thirds_of_them(stemmed):
    plain = PlainIndex(NAMES, stemmed=stemmed)
    found = [q for q, meant in ALL.items() if any(fnmatch(n, meant) for n in plain.search(q)[:3])]

    assert len(ALL) / 3 < len(found) < len(ALL) * 2 / 3


def test_every_feature_is_found_by_its_name_in_words():
    lost = [name for name in NAMES if name not in first_three(name.replace("_", " "))]

    assert lost == []


@pytest.mark.parametrize("language", ["en", "pt"])
def test_every_feature_is_found_by_its_definition(language):
    lost = [name for name in NAMES if name not in first_three(definition_in_words(name, language))]

    assert lost == []


def test_a_whole_name_finds_itself_first():
    assert [search(name, NAMES)[0].name for name in NAMES] == [*NAMES]


@pytest.mark.parametrize(
    ("query", "same"),
    [
        ("quantos cartões neste celular", "QUANTOS CARTOES NESTE CELULAR"),
        ("telefones com vários CPFs", "telefone com vario cpf"),
        ("chargebacks on this e-mail", "chargeback on this email"),
        ("orders in the last hour", "orders in 1h"),
        ("pedidos em um mês", "pedidos em 30 dias"),
    ],
)
def test_accents_plurals_and_spellings_do_not_matter(query, same):
    assert first_three(query) == first_three(same)


def test_the_words_of_a_hit_are_in_the_language_of_the_query():
    portuguese, english = (search(query, NAMES)[0] for query in ("CEP estorno", "CEP chargeback"))

    assert portuguese.words == definition_in_words(portuguese.name, "pt")
    assert english.words == definition_in_words(english.name, "en")


def test_the_scores_fall_and_the_limit_holds():
    hits = search("card", NAMES, limit=7)

    assert len(hits) == 7
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


CARDS_OF_DEVICE = "device_distinct_card_orders_7d_distant"
DEVICES_OF_CARD = "card_distinct_device_orders_7d_distant"


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ("many cards on one device", CARDS_OF_DEVICE),
        ("many devices of one card", DEVICES_OF_CARD),
        ("one device with many cards", CARDS_OF_DEVICE),
        ("cards on device", CARDS_OF_DEVICE),
        ("cards per device", CARDS_OF_DEVICE),
        ("cartões por aparelho", CARDS_OF_DEVICE),
        ("cartão usado por aparelhos", DEVICES_OF_CARD),
        ("card used by devices", DEVICES_OF_CARD),
        ("cartões diferentes no aparelho", CARDS_OF_DEVICE),
        ("aparelhos diferentes do cartão", DEVICES_OF_CARD),
        ("aparelho novo do cartão", DEVICES_OF_CARD),
        ("mesmo aparelho, vários cartões", CARDS_OF_DEVICE),
        ("card and device", DEVICES_OF_CARD),
        ("card per device", CARDS_OF_DEVICE),
        ("cards and device", CARDS_OF_DEVICE),
        ("cards in devices", CARDS_OF_DEVICE),
    ],
)
def test_words_say_which_identifier_is_counted(query, meant):
    for names in ((CARDS_OF_DEVICE, DEVICES_OF_CARD), (DEVICES_OF_CARD, CARDS_OF_DEVICE)):
        assert search(query, names)[0].name == meant


@pytest.mark.parametrize(
    ("query", "first", "second"),
    [
        # How many, where nothing else is said.
        ("orders of this card in 30 days", "card_orders_30d_distant",
         "card_amount_cents_orders_30d_distant"),
        # What happened is not a chargeback unless that is said.
        ("money spent with this card", "card_amount_cents_orders_1h_recent",
         "card_amount_cents_chargebacks_30d_distant"),
        # A feature of the identifier that is named, before what is right but for that.
        ("chargebacks on this card a week ago", "card_chargebacks_30d_distant",
         "device_chargebacks_ever_distant"),
        # What "new" says of one, and of one beside another.
        ("new email", "email_first_order_age_seconds", "email_orders_30d_distant"),
        ("new address for a known CPF",
         "document_first_order_age_seconds_minus_zip_code_first_order_age_seconds",
         "document_distinct_zip_code_orders_30d_distant"),
        ("mean amount of this card", "card_orders_ever_distant",
         "ip_mean_amount_cents_orders_7d_distant"),
    ],
)  # fmt: skip
def test_one_feature_fits_better_than_another(query, first, second):
    assert search(query, (second, first))[0].name == first


def test_a_query_about_what_no_feature_has_gets_the_features_that_fit_best():
    hits = search("disputes of this user", ("card_orders_30d_distant",))

    assert [(hit.name, hit.score < 0) for hit in hits] == [("card_orders_30d_distant", True)]


def test_a_long_query_is_cut_in_the_sentence():
    with pytest.raises(NothingFound, match=r"about 'x{80}…': "):
        search("x" * 5_000, NAMES)


def test_features_with_equal_scores_keep_their_order():
    names = ("ip_orders_1h_recent", "user_orders_1h_recent", "card_orders_1h_recent")

    assert [hit.name for hit in search("orders in an hour", names)] == [*names]
    assert [hit.name for hit in search("orders in an hour", names[::-1])] == [*names[::-1]]


@pytest.mark.parametrize("query", ["", "  ", "?!", "xyzzy plugh"])
def test_a_search_without_hits_gives_the_nearest_names(query):
    with pytest.raises(NothingFound) as refused:
        search(query, NAMES)

    assert str(refused.value).startswith(f"no feature is about {query!r}: ")
    assert set(refused.value.nearest) <= set(NAMES)


def test_a_misspelt_name_has_the_right_one_as_the_nearest():
    with pytest.raises(NothingFound) as refused:
        search("lokal_hourr", NAMES)

    assert refused.value.nearest[0] == "local_hour"
