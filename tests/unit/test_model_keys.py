"""The pair of keys for models that a stack makes."""

import pytest

from ontem.variables import fixed_variables, model_keys
from tests.model_keys import BOTH, SIGNING_KEY

SECRET, PUBLIC = "ONTEM_MODEL_SIGNING_KEY", "ONTEM_MODEL_VERIFY_KEYS"


def keys_of(**known: str) -> dict[str, str]:
    """The variables of models beside those that are known."""
    variables = fixed_variables("file:///x", known)
    return {name: value for name, value in variables.items() if name in (SECRET, PUBLIC)}


def test_a_new_stack_gets_a_pair_of_its_own() -> None:
    first, second = keys_of(), keys_of()

    assert first == model_keys(bytes.fromhex(first[SECRET]))
    assert first[PUBLIC] != second[PUBLIC]


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (BOTH, BOTH),
        ({SECRET: BOTH[SECRET]}, BOTH),
        ({PUBLIC: BOTH[PUBLIC]}, {PUBLIC: BOTH[PUBLIC]}),
        ({SECRET: "typo"}, {SECRET: "typo"}),
    ],
    ids=["both", "the secret one", "the public one", "a typo"],
)
def test_a_key_that_is_there_stays(known: dict[str, str], expected: dict[str, str]) -> None:
    assert keys_of(**known) == expected


def test_neither_repr_nor_sentence_shows_the_secret() -> None:
    assert repr(SIGNING_KEY.seed) not in repr(SIGNING_KEY)
