"""Each definition is one sentence, in English and in Portuguese."""

from datetime import timedelta

import pytest

from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.velocity import parse_name
from features_pkg.errors import DefinitionError
from ontem.feature_store.words import LanguageUnknown, definition_in_words

NAMES = FeatureSet("UTC", timedelta(hours=4)).names


@pytest.mark.parametrize("language", ["en", "pt"])
def test_each_feature_has_a_sentence_of_its_own(language):
    sentences = [definition_in_words(name, language) for name in NAMES]

    assert len(set(sentences)) == len(NAMES)
    assert all(sentence.endswith(".") and "{" not in sentence for sentence in sentences)
    assert not [sentence for sentence in sentences if "  " in sentence or " ." in sentence]


SENTENCES = [
    (
        "card_orders_24h_recent",
        "How many other orders had this card in the 24 hours before this order.",
        "Quantos outros pedidos tiveram este cartão nas 24 horas antes deste pedido.",
    ),
    (
        "device_distinct_card_orders_1h_recent",
        "How many different cards other orders with this device had in the hour before this order.",
        (
            "Quantos cartões diferentes outros pedidos com este aparelho tiveram na hora antes "
            "deste pedido."
        ),
    ),
    (
        "zip_code_chargebacks_30d_distant",
        (
            "How many chargebacks of orders with this postal code (CEP) became known in the 30 "
            "whole days before the cutoff."
        ),
        (
            "Quantos chargebacks de pedidos com este CEP ficaram conhecidos nos 30 dias inteiros "
            "antes do corte."
        ),
    ),
    (
        "user_orders_1d_distant",
        "How many other orders had this user on the last whole day before the cutoff.",
        "Quantos outros pedidos tiveram este usuário no último dia inteiro antes do corte.",
    ),
    (
        "ip_orders_since_cutoff_recent",
        "How many other orders had this IP address since the cutoff, where the distant past ends.",
        "Quantos outros pedidos tiveram este IP desde o corte, onde acaba o passado distante.",
    ),
    (
        "seller_amount_cents_orders_ever_recent",
        (
            "The total amount, in cents, of the other orders with this seller at any time before "
            "this order."
        ),
        (
            "O valor total, em centavos, dos outros pedidos com este vendedor em qualquer momento "
            "antes deste pedido."
        ),
    ),
    (
        "card_amount_cents_orders_400d_recent",
        (
            "The total amount, in cents, of the other orders with this card in the 400 days of 24 "
            "hours before this order."
        ),
        (
            "O valor total, em centavos, dos outros pedidos com este cartão nos 400 dias de 24 "
            "horas antes deste pedido."
        ),
    ),
]


@pytest.mark.parametrize(("name", "english", "portuguese"), SENTENCES)
def test_a_definition_says_what_is_measured_and_when(name, english, portuguese):
    assert definition_in_words(name) == english
    assert definition_in_words(parse_name(name), "pt") == portuguese


def test_another_language_is_refused_in_a_sentence():
    with pytest.raises(
        LanguageUnknown, match="language 'fr': definitions are written in en and pt"
    ):
        definition_in_words("local_hour", "fr")


def test_a_name_without_a_definition_is_refused_in_a_sentence():
    with pytest.raises(DefinitionError, match="no definition has this name"):
        definition_in_words("card_orderz_7d_distant")
