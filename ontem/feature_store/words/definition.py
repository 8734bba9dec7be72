"""What a feature means, in a sentence."""

from __future__ import annotations

from features_pkg.definitions.derived import Derived, DerivedKind, Feature, parse_feature
from features_pkg.definitions.velocity import Measure, Past, Velocity
from features_pkg.definitions.window import Window
from ontem.feature_store.words.languages import texts_of
from ontem.feature_store.words.texts import ENGLISH, Noun, Texts


def definition_in_words(feature: Feature, language: str = ENGLISH) -> str:
    """What a feature, or the feature of a name, means: one sentence in `en` or `pt`.

    Raises:
        DefinitionError: when no feature has this name.
        LanguageUnknown: for another language.
    """
    return _sentence(feature, texts_of(language))


def window_in_words(velocity: Velocity, language: str = ENGLISH) -> str:
    """The window of a velocity in words; empty for an age, which has none."""
    return _when(velocity, texts_of(language))


def _sentence(feature: Feature, texts: Texts) -> str:
    if isinstance(feature, str) and feature in texts.order_features:
        return texts.order_features[feature]
    if isinstance(feature, str):
        feature = parse_feature(feature)
    if isinstance(feature, Velocity):
        return _velocity(feature, texts)
    assert isinstance(feature, Derived)  # noqa: S101  an order feature has its sentence above
    return _derived(feature, texts)


def _velocity(velocity: Velocity, texts: Texts) -> str:
    sentences = {
        Measure.COUNT: texts.count,
        Measure.DISTINCT: texts.distinct,
        Measure.AMOUNT: texts.amount,
        Measure.FIRST_AGE: texts.first,
        Measure.LAST_AGE: texts.last,
    }[velocity.measure]
    sentence = _filled(sentences[velocity.event], velocity, texts)
    which = texts.least if velocity.measure.is_age else texts.greatest
    return _with(sentence, which) if velocity.identifier.several else sentence


def _derived(derived: Derived, texts: Texts) -> str:
    sentence = _of_operands(derived, texts)
    several = any(velocity.identifier.several for velocity in derived.velocities)
    return _with(sentence, texts.each_greatest) if several else sentence


def _of_operands(derived: Derived, texts: Texts) -> str:
    match derived.kind:
        case DerivedKind.QUOTIENT:
            return _of_two(texts.quotient, derived, texts)
        case DerivedKind.DIFFERENCE:
            return _of_two(texts.difference, derived, texts)
    velocity = derived.velocities[0]
    sentence = {
        DerivedKind.MEAN: texts.mean[velocity.event],
        DerivedKind.CHARGEBACK_SHARE: texts.chargeback_share,
        DerivedKind.AMOUNT_TO_MEAN: texts.amount_to_mean,
    }[derived.kind]
    return _filled(sentence, velocity, texts)


def _of_two(sentence: str, derived: Derived, texts: Texts) -> str:
    first, second = (_clause(_sentence(operand, texts)) for operand in derived.operands)
    return sentence.format(first=first, second=second[0].lower() + second[1:])


def _with(sentence: str, addition: str) -> str:
    return f"{sentence.removesuffix('.')}; {addition}."


def _clause(sentence: str) -> str:
    """A definition as a part of another: without its end and what it is null for."""
    return sentence.removesuffix(".").partition("; ")[0]


def _filled(sentence: str, velocity: Velocity, texts: Texts) -> str:
    return sentence.format(
        one=texts.nouns[velocity.identifier].one,
        several=texts.nouns[velocity.target].several if velocity.target else "",
        when=_when(velocity, texts),
    )


def _when(velocity: Velocity, texts: Texts) -> str:
    window, past = velocity.window, velocity.past
    if window is None:
        return ""
    if window.is_since_cutoff:
        return texts.since_cutoff
    if past is Past.RECENT:
        return texts.ever_recent if window.is_ever else _recent(window, texts)
    return _distant(window, texts)


def _recent(window: Window, texts: Texts) -> str:
    return _numbered(texts.spans[window.text[-1]], int(window.text[:-1]))


def _distant(window: Window, texts: Texts) -> str:
    if not window.delay_days:
        return texts.ever_distant if window.is_ever else _numbered(texts.whole_days, window.days)
    delay = _numbered(texts.days, window.delay_days)
    if window.is_ever:
        return texts.ever_delayed.format(delay=delay)
    return _numbered(texts.delayed_days, window.days, delay)


def _numbered(noun: Noun, number: int | None, delay: str = "") -> str:
    return (noun.one if number == 1 else noun.several).format(number=number, delay=delay)
