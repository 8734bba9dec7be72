"""Each definition is one sentence, in English and in Portuguese."""

import json
from datetime import timedelta

import pytest

from features_pkg.definitions.derived import parse_feature
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.errors import DefinitionError
from ontem.feature_store.words import LanguageUnknown, definition_in_words
from tests.unit.golden_files import is_golden

NAMES = FeatureSet("UTC", timedelta(hours=4)).names


@pytest.mark.parametrize("language", ["en", "pt"])
def test_each_feature_has_a_sentence_of_its_own(language):
    sentences = [definition_in_words(name, language) for name in NAMES]

    assert len(set(sentences)) == len(NAMES)
    assert all(sentence.endswith(".") and "{" not in sentence for sentence in sentences)
    assert not [sentence for sentence in sentences if "  " in sentence or " ." in sentence]


PINNED = (
    "product_orders_30d_distant",
    "product_first_order_age_seconds",
    "card_mean_amount_cents_orders_7d_distant",
    "product_chargeback_share_ever_distant",
    "amount_to_seller_mean_amount_30d_distant",
    "card_orders_1h_recent_per_card_orders_30d_distant",
    "document_first_order_age_seconds_minus_zip_code_first_order_age_seconds",
    "card_orders_24h_recent",
    "device_distinct_card_orders_1h_recent",
    "zip_code_chargebacks_30d_distant",
    "user_orders_1d_distant",
    "ip_orders_since_cutoff_recent",
    "seller_amount_cents_orders_ever_recent",
    "card_amount_cents_orders_400d_recent",
)


def test_the_sentences_are_those_of_the_golden_file():
    sentences = {
        name: {language: definition_in_words(name, language) for language in ("en", "pt")}
        for name in PINNED
    }
    content = json.dumps(sentences, ensure_ascii=False, indent=1)

    assert is_golden("definitions_in_words.json", f"{content}\n")


def test_a_definition_and_its_name_have_the_same_sentence():
    assert all(definition_in_words(parse_feature(n)) == definition_in_words(n) for n in PINNED)


def test_another_language_is_refused_in_a_sentence():
    with pytest.raises(
        LanguageUnknown, match="language 'fr': definitions are written in en and pt"
    ):
        definition_in_words("local_hour", "fr")


def test_a_name_without_a_definition_is_refused_in_a_sentence():
    with pytest.raises(DefinitionError, match="no definition has this name"):
        definition_in_words("card_orderz_7d_distant")
