"""Whatever features can be made of has its sentences, its reason and its words in the lexicon."""

import pytest

from features_pkg.definitions.catalogue import DISTINCT_PAIRS
from features_pkg.definitions.order_features import ORDER_FEATURES
from features_pkg.definitions.reason_groups import DISTINCT_GROUPS, reason_of
from features_pkg.definitions.reasons import ORDER_FEATURE_REASONS, REASONS
from features_pkg.definitions.velocity import Measure, Velocity
from features_pkg.identifiers import EVENTS, IDENTIFIERS, Event
from ontem.feature_store.words.concepts import Kind, Role, Said
from ontem.feature_store.words.definition import definition_in_words
from ontem.feature_store.words.languages import TEXTS
from ontem.feature_store.words.lexicon import ENTRIES
from ontem.feature_store.words.phrases import LONGEST, meanings, reasons
from ontem.feature_store.words.spans import span_at
from ontem.feature_store.words.tokens import tokens_of


def velocities():
    for identifier in IDENTIFIERS:
        for event in EVENTS:
            for measure in Measure:
                if measure.is_age:
                    yield Velocity(identifier, event, measure=measure)
                elif measure is not Measure.DISTINCT:
                    yield Velocity(identifier, event, "7d", "distant", measure)
            for target in IDENTIFIERS:
                if target is not identifier:
                    yield Velocity(identifier, event, "7d", "distant", Measure.DISTINCT, target)


@pytest.mark.parametrize("language", TEXTS)
def test_every_velocity_has_a_sentence_of_its_own(language):
    sentences = [definition_in_words(velocity, language) for velocity in velocities()]

    assert len(set(sentences)) == len(sentences)


def test_every_velocity_and_order_feature_has_a_reason_in_both_languages():
    found = [reason_of(each) for each in (*velocities(), *ORDER_FEATURES)]

    assert all(reason.english.endswith(".") and reason.portuguese.endswith(".") for reason in found)
    assert {*REASONS} <= {*found} | {*REASONS[-4:]}  # the last are of derived and delayed ones


def test_a_pair_has_one_reason_and_its_chargebacks_another():
    assert len(set(DISTINCT_PAIRS)) == len(DISTINCT_PAIRS)
    for reason, pairs in DISTINCT_GROUPS:
        for identifier, target in pairs:
            counted = Velocity(identifier, Event.ORDER, "7d", "distant", Measure.DISTINCT, target)
            assert reason_of(counted) is reason


@pytest.mark.parametrize("kind", [Kind.IDENTIFIER, Kind.EVENT, Kind.ORDER_FEATURE])
def test_the_lexicon_has_words_in_both_languages_for_each(kind):
    entries = {entry.value: entry for entry in ENTRIES if entry.kind is kind}

    expected = {
        Kind.IDENTIFIER: IDENTIFIERS,
        Kind.EVENT: EVENTS,
        Kind.ORDER_FEATURE: ORDER_FEATURES,
    }
    assert {*entries} == {*expected[kind]}
    assert all(entry.english and entry.portuguese for entry in entries.values())


def test_the_lexicon_has_words_for_whatever_can_be_asked():
    values = {entry.value for entry in ENTRIES}

    assert {*Said, *Role} <= values
    assert {*ORDER_FEATURE_REASONS} == {*ORDER_FEATURES}


def test_every_phrase_can_be_met_in_a_query():
    phrases = [*meanings(), *reasons()]

    assert all(1 <= len(phrase) <= LONGEST for phrase in phrases)


@pytest.mark.parametrize(
    ("text", "seconds", "window", "is_delay"),
    [
        ("24h", 86_400, "24h", False),
        ("10 min", 600, "", False),
        ("ten minutes", 600, "", False),
        ("last hour", 3_600, "", False),
        ("last 7 days", 604_800, "", False),
        ("a month", 2_592_000, "", False),
        ("half an hour", 1_800, "", False),
        ("per hour", 3_600, "", False),
        ("por dia", 86_400, "", False),
        ("past week", 604_800, "", False),
        ("última hora", 3_600, "", False),
        ("últimos 7 dias", 604_800, "", False),
        ("um mês", 2_592_000, "", False),
        ("dez minutos", 600, "", False),
        ("meia hora", 1_800, "", False),
        ("7 dias inteiros", 604_800, "", False),
        ("3 meses", 7_776_000, "", False),
        ("hoje", None, "since_cutoff", False),
        ("since the cutoff", None, "since_cutoff", False),
        ("yesterday", None, "1d", False),
        ("ontem", None, "1d", False),
        ("ever", None, "ever", False),
        ("todos os dias", None, "ever", False),
        ("7 days ago", 604_800, "", True),
        ("a week old", 604_800, "", True),
        ("7 dias de atraso", 604_800, "", True),
        ("30d delay 7d", 2_592_000, "30d", False),
    ],
)
def test_a_window_in_words_is_a_length_a_word_of_its_own_or_a_delay(
    text, seconds, window, is_delay
):
    found = span_at(tokens_of(text), 0)

    assert (found.seconds, found.window, found.is_delay) == (seconds, window, is_delay)


@pytest.mark.parametrize(
    "text", ["orders", "o último pedido", "day of the week", "10", "hour", "5x"]
)
def test_what_is_no_window_is_not_read_as_one(text):
    assert span_at(tokens_of(text), 0) is None


@pytest.mark.parametrize(
    "text",
    [
        "older than 7 days",
        "that end 7 days before",
        "que terminam 7 dias antes",
        "sem a última semana",
        "há 7 dias",
    ],
)
def test_a_word_before_a_window_makes_it_a_delay(text):
    tokens = tokens_of(text)

    found = next(filter(None, (span_at(tokens, at) for at in range(len(tokens)))))
    assert found.is_delay
