"""Texts that systems and clerks write where they have no value: the only list of them."""

import re

from features_pkg.orders.normalising.texts import DASHES

_AS_HYPHENS = str.maketrans(dict.fromkeys(DASHES, "-"))

WORDS = frozenset(
    {
        *(
            "",
            "(null)",
            "<na>",
            "<null>",
            "[null]",
            "#n/a",
            "n.a.",
            "n/a",
            "n/d",
            "na",
            "nan",
            "nil",
        ),
        *("null", "none", "empty", "missing", "undefined", "unknown", "unspecified"),
        *("not available", "not provided", "not set"),
        *("not_available", "not_provided", "not_set"),
        *("desconhecido", "nao informado", "não informado", "nenhum", "vazio"),
        *("sem cpf", "sem documento", "sem email", "sem e-mail", "sem telefone"),
    }
)
ONLY_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~ ]+")
ONLY_ZEROS = re.compile(r"\+?(55)?[ .()/:-]*0[0 .()/:-]*")
FEWEST_ZEROS = {"document": 1, "phone": 1, "zip_code": 1, "device": 8, "card": 1, "ip": 4}
"""From how many zeros on a text of only zeros is no value. One is enough where it may be a number,
which has one zero for all of a document's. Users, sellers and products may be called 0."""


def is_placeholder(identifier: str, text: str) -> bool:
    """Whether a clean `text` says that the order has no such identifier.

    A document of equal digits other than zero is not a placeholder: somebody typed it, so it
    counts, as an invalid document.
    """
    text = text if text.isascii() else text.translate(_AS_HYPHENS)
    if text.lower() in WORDS or ONLY_PUNCTUATION.fullmatch(text):
        return True
    fewest = FEWEST_ZEROS.get(identifier)
    if fewest is None or text.count("0") < fewest:
        return False
    return ONLY_ZEROS.fullmatch(text) is not None
