"""What a feature means, in a sentence."""

from __future__ import annotations

from features_pkg.definitions.velocity import EVER, Measure, Past, Velocity, Window, parse_name
from ontem.feature_store.words.errors import LanguageUnknown
from ontem.feature_store.words.texts import ENGLISH, TEXTS, Texts


def definition_in_words(feature: Velocity | str, language: str = ENGLISH) -> str:
    """What a feature, or the feature of a name, means: one sentence in `en` or `pt`.

    Raises:
        DefinitionError: when no definition has this name.
        LanguageUnknown: for another language.
    """
    texts = TEXTS.get(language)
    if texts is None:
        raise LanguageUnknown(language, tuple(TEXTS))
    if isinstance(feature, str):
        if feature in texts.order_features:
            return texts.order_features[feature]
        feature = parse_name(feature)
    return _velocity(feature, texts)


def _velocity(velocity: Velocity, texts: Texts) -> str:
    sentences = {
        Measure.COUNT: texts.count,
        Measure.DISTINCT: texts.distinct,
        Measure.AMOUNT: texts.amount,
        Measure.FIRST_AGE: texts.first,
        Measure.LAST_AGE: texts.last,
    }[velocity.measure]
    return sentences[velocity.event].format(
        one=texts.nouns[velocity.identifier].one,
        several=texts.nouns[velocity.target].several if velocity.target else "",
        when=when(velocity, texts),
    )


def when(velocity: Velocity, texts: Texts) -> str:
    """The window of a velocity in words; empty for an age, which has none."""
    window, past = velocity.window, velocity.past
    if window is None:
        return ""
    if window.is_since_cutoff:
        return texts.since_cutoff
    if window.text == EVER:
        return texts.ever_distant if past is Past.DISTANT else texts.ever_recent
    return _length(window, past, texts)


def _length(window: Window, past: Past | None, texts: Texts) -> str:
    number, unit = window.text[:-1], window.text[-1]
    words = texts.whole_days if past is Past.DISTANT else texts.spans[unit]
    return (words.one if number == "1" else words.several).format(number=number)
