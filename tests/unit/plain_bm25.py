"""What a plain text search finds: BM25 over names and definitions, without any lexicon."""

from collections import Counter
from math import log

from ontem.feature_store.words import definition_in_words
from ontem.feature_store.words.tokens import singulars, tokens_of

K1, B = 1.5, 0.75
"""The usual values."""


class PlainIndex:
    """The texts of features. `stemmed` counts plurals as their singular, in both languages."""

    def __init__(self, names, *, stemmed):
        self.names, self.stemmed = names, stemmed
        texts = [[name, *(definition_in_words(name, each) for each in ("en", "pt"))]
                 for name in names]  # fmt: skip
        self.counts = [Counter(self.words(" ".join(text))) for text in texts]
        self.lengths = [sum(count.values()) for count in self.counts]
        self.mean = sum(self.lengths) / len(names)
        self.having = Counter(word for count in self.counts for word in count)

    def words(self, text):
        tokens = tokens_of(text.replace("_", " "))
        return [singulars(token)[-1] for token in tokens] if self.stemmed else tokens

    def search(self, query):
        """The names by their scores, the best first; of equal ones the first in `names`."""
        words = set(self.words(query))
        scores = {
            name: self._score(words, count, length / self.mean)
            for name, count, length in zip(self.names, self.counts, self.lengths, strict=True)
        }
        return sorted(self.names, key=lambda name: -scores[name])

    def _score(self, words, count, length):
        return sum(
            self._rarity(word) * count[word] * (K1 + 1) / (count[word] + K1 * (1 - B + B * length))
            for word in words & set(count)
        )

    def _rarity(self, word):
        without = len(self.names) - self.having[word]
        return log(1 + (without + 0.5) / (self.having[word] + 0.5))
