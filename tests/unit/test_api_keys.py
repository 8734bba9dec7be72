"""API keys: created, parsed, checked."""

import pytest

from stores.postgres.api_keys import ApiKey


def test_a_key_reads_back_from_its_text():
    key = ApiKey.new()

    assert ApiKey.read(key.text) == key


def test_two_keys_differ_in_both_parts():
    first, second = ApiKey.new(), ApiKey.new()

    assert first.key_id != second.key_id
    assert first.secret != second.secret


@pytest.mark.parametrize("position", range(6, 75, 4))
def test_one_wrong_character_is_found_without_any_database(position: int):
    text = ApiKey.new().text
    wrong = "0" if text[position] != "0" else "1"

    assert ApiKey.read(text[:position] + wrong + text[position + 1 :]) is None


@pytest.mark.parametrize("text", ["", "ontem_", "ontem__", "Bearer x", "ontem_\N{DIGIT ONE}"])
def test_what_does_not_look_like_a_key_is_not_one(text: str):
    assert ApiKey.read(text) is None
    assert ApiKey.read(ApiKey.new().text + text + "\n") is None


def test_only_the_hash_of_its_own_secret_proves_a_key():
    key, other = ApiKey.new(), ApiKey.new()

    assert key.proves(key.secret_hash)
    assert not key.proves(other.secret_hash)
    assert not key.proves(b"")


def test_neither_the_stored_hash_nor_the_repr_has_the_secret():
    key = ApiKey.new()

    assert key.secret.encode() not in key.secret_hash
    assert key.secret not in repr(key)
