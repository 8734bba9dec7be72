"""CPF and CNPJ."""

import re

from stdnum.br import cnpj, cpf

_SEPARATORS = str.maketrans("", "", " .-/")
_ELEVEN_OR_FOURTEEN_DIGITS = re.compile(r"[0-9]{11}(?:[0-9]{3})?")
_CNPJ_SHAPE = re.compile(r"[0-9A-Z]{12}[0-9]{2}")


def canonical_document(text: str) -> str:
    """A clean text without separators when it is as long as a CPF or CNPJ, else as it stands.

    A CNPJ may have letters (since 2026), but only a right one is taken for it: a foreign document
    keeps its own way of writing.
    """
    compact = text.translate(_SEPARATORS)
    if _ELEVEN_OR_FOURTEEN_DIGITS.fullmatch(compact):
        return compact
    upper = compact.upper()
    return upper if _CNPJ_SHAPE.fullmatch(upper) and cnpj.is_valid(upper) else text


def is_valid_document(canonical: str) -> bool:
    """Whether the check digits of a CPF or CNPJ are right, and its digits not all equal."""
    if len(set(canonical)) == 1:
        return False
    if len(canonical) == 11:
        return canonical.isascii() and canonical.isdigit() and bool(cpf.is_valid(canonical))
    return _CNPJ_SHAPE.fullmatch(canonical) is not None and bool(cnpj.is_valid(canonical))
