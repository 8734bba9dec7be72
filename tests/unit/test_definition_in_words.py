"""Each definition is one sentence, in English and in Portuguese."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from features_pkg.definitions.derived import parse_feature
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.errors import DefinitionError
from ontem.feature_store.words import LanguageUnknown, definition_in_words

NAMES = FeatureSet("UTC", timedelta(hours=4)).names


@pytest.mark.parametrize("language", ["en", "pt"])
def test_each_feature_has_a_sentence_of_its_own(language):
    sentences = [definition_in_words(name, language) for name in NAMES]

    assert len(set(sentences)) == len(NAMES)
    assert all(sentence.endswith(".") and "{" not in sentence for sentence in sentences)
    assert not [sentence for sentence in sentences if "  " in sentence or " ." in sentence]


GOLDEN = Path(__file__).parent / "golden" / "definitions_in_words.json"
SENTENCES = json.loads(GOLDEN.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", SENTENCES)
def test_a_definition_says_what_is_measured_and_when(name):
    assert definition_in_words(name) == SENTENCES[name]["en"]
    assert definition_in_words(parse_feature(name), "pt") == SENTENCES[name]["pt"]


def test_another_language_is_refused_in_a_sentence():
    with pytest.raises(
        LanguageUnknown, match="language 'fr': definitions are written in en and pt"
    ):
        definition_in_words("local_hour", "fr")


def test_a_name_without_a_definition_is_refused_in_a_sentence():
    with pytest.raises(DefinitionError, match="no definition has this name"):
        definition_in_words("card_orderz_7d_distant")
