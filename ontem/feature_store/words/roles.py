"""Words of queries that say how an identifier is meant, and words that say nothing."""

from __future__ import annotations

from typing import Final

from ontem.feature_store.words.concepts import Entry, Kind, Role

ROLE_WORDS: Final = (
    Entry(
        Kind.ROLE,
        Role.TARGET,
        "many, several, different, distinct, various, multiple, unique, how many, number, lots, "
        "number of different",
        "muito, muita, varios, varias, vario, varia, diferente, distinto, distinta, quantos, "
        "quantas, quanto, quanta, diverso, diversa, multiplo",
    ),
    Entry(
        Kind.ROLE,
        Role.SUBJECT,
        "this, same, one, single, given, known, each, particular",
        "este, esta, neste, nesta, deste, desta, mesmo, mesma, unico, unica, conhecido, "
        "conhecida, esse, essa, nesse, nessa, desse, dessa, cada",
    ),
    Entry(Kind.ROLE, Role.NEW, "new, newly, unseen", "novo, nova, inedito"),
)
PAST_WORDS: Final = (
    Entry(
        Kind.PAST,
        "recent",
        "recent, recently, lately, now, before order",
        "recente, recentemente, agora, antes pedido",
    ),
    Entry(
        Kind.PAST,
        "distant",
        "distant, historical, before cutoff",
        "distante, historico, antes corte",
    ),
)
AFTER_ITS_NOUN: Final = frozenset(
    """
    diferente diferentes distinto distinta distintos distintas novo nova novos novas unico unica
    conhecido conhecida
    """.split()  # noqa: SIM905  a list of words reads better as words
)
"""Words of roles that follow the identifier in Portuguese: "cartões diferentes"."""

WEAK_SUBJECT: Final = frozenset(
    """
    a an on at in of from
    o as os um uma no na nos nas do da dos das em num numa ao pelo pela
    """.split()  # noqa: SIM905
)
"""Words after which an identifier is rather what is looked at than what is counted."""
BY: Final = frozenset(("by", "per", "por"))
"""Words before what is counted, if it is several ("by people"), or looked at ("per card")."""
SILENT: Final = frozenset(
    """
    the did does is was were are be been we our it its his her their and or to for with than which
    who what when where used use uses using have has had there within during over seen appear
    appears appeared goes go only whose into through
    que foi foram se e ou com de para pra qual onde quando usado usada usados usar houve tem ter
    teve ser so seu sua seus suas ate nele nela
    """.split()  # noqa: SIM905
)
"""Words that say nothing for a search."""
