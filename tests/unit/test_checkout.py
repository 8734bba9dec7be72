"""What an installed package says to do next does not need a checkout."""

from pathlib import Path

import pytest

from stores import checkout

PROJECT = Path(__file__).resolve().parents[2]
INSTALLED = ("features_pkg", "stores", "service", "jobs", "sql")
OF_A_CHECKOUT = ("`ontem up`", "`ontem status`", "`make setup`", "`make demo`")
REMEDIES = (
    lambda: checkout.server_remedy("ONTEM_POSTGRES_URL"),
    checkout.variable_remedy,
    checkout.log_remedy,
    checkout.model_keys_remedy,
    checkout.connector_remedy,
    checkout.empty_database_remedy,
)


@pytest.mark.parametrize("remedy", REMEDIES)
def test_a_remedy_names_a_command_of_a_checkout_only_there(remedy, monkeypatch) -> None:
    def names_one() -> bool:
        return any(command in remedy() for command in OF_A_CHECKOUT)

    assert names_one()
    monkeypatch.setattr(checkout, "IS_CHECKOUT", False)
    assert not names_one()


def test_no_other_module_that_is_installed_names_such_a_command() -> None:
    there = {
        str(file.relative_to(PROJECT))
        for room in INSTALLED
        for file in (PROJECT / room).rglob("*.py")
        if any(command in file.read_text(encoding="utf-8") for command in OF_A_CHECKOUT)
    }

    # ExtraMissing says of a command that only a checkout has that it is one of those
    assert there == {"stores/checkout.py", "jobs/errors.py"}
