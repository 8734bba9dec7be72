"""Which candidates a trial takes, and how one becomes a line of the catalogue."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.errors import DefinitionError
from ontem.lab import journal, trial
from ontem.lab.candidates import FunctionCandidate, names_of, read_candidates
from ontem.lab.catalogue_change import PATH, changed_text, difference, names_in, present_text
from ontem.lab.checking import why_not_servable
from ontem.lab.errors import (
    CandidatesRefused,
    KeepRefused,
    MostRefused,
    QuestionMissing,
    TwoSources,
)
from ontem.lab.keeping import keep

FEATURES = FeatureSet("America/Sao_Paulo", timedelta(hours=4))
NEW = next(
    name
    for name in (f"phone_distinct_card_orders_{hours}h_recent" for hours in range(6, 24))
    if name not in FEATURES.names
)
UNUSED = next(
    window
    for window in (f"{days}d" for days in range(3, 90))
    if not any(f"_{window}_" in name for name in FEATURES.names)
)
"""Those that the catalogue lacks: whoever keeps a feature need not change a test of the lab."""


def round_amount(order: Any) -> Any:
    return order.amount_cents % 1000 == 0


def test_a_candidate_is_a_name_a_function_or_a_list_of_them() -> None:
    (named,) = read_candidates(NEW)
    function, other = read_candidates([round_amount, "local_hour"])

    assert named.name == NEW
    assert function == FunctionCandidate("round_amount", round_amount)
    assert other.name == "local_hour"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], "there is no candidate"),
        ([f"card_orders_{n}h_recent" for n in range(1, 7)], "6 candidates are too many"),
        ([NEW, NEW], f"{NEW} appears twice"),
        (lambda order: order.amount_cents, "the function <lambda> has no name"),
        (3, "3 is neither a name nor a function"),
    ],
    ids=["none", "six", "twice", "lambda", "number"],
)
def test_what_is_not_a_candidate_is_refused(given: object, told: str) -> None:
    with pytest.raises(CandidatesRefused, match=told):
        read_candidates(given)


def test_a_function_with_the_name_of_an_order_feature_is_refused() -> None:
    def local_hour(order: Any) -> Any:
        return order.amount_cents

    with pytest.raises(CandidatesRefused, match="an order feature is called local_hour already"):
        read_candidates(local_hour)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("crad_orders_1h_recent_per_card_orders_30d_distant", "its part 'crad_orders_1h_recent'"),
        ("card_orders_90d_delay_7d_distant", "delay included, and timelines list 90"),
    ],
)
def test_wrong_parts_and_long_delays_are_refused_by_their_names(name: str, told: str) -> None:
    with pytest.raises(DefinitionError, match=told):
        read_candidates(name)


def test_a_derived_feature_is_served_if_its_parts_are() -> None:
    share, mean, part = read_candidates(
        ["card_chargeback_share_30d_distant", f"card_mean_amount_cents_orders_{UNUSED}_distant",
         f"card_amount_cents_orders_{UNUSED}_distant"]
    )  # fmt: skip

    assert why_not_servable(share, FEATURES, [share]) is None
    refused = why_not_servable(mean, FEATURES, [mean, share])
    assert refused is not None
    assert refused.startswith(
        f"it reads card_amount_cents_orders_{UNUSED}_distant, which the catalogue"
    )
    lacks_count = why_not_servable(mean, FEATURES, [mean, part])
    assert lacks_count is not None
    assert lacks_count.startswith(f"it reads card_orders_{UNUSED}_distant, which")


def test_a_divisor_that_can_not_be_served_is_named_with_the_reason() -> None:
    (long,) = read_candidates("card_orders_1h_recent_per_card_orders_36h_recent")

    refused = why_not_servable(long, FEATURES, [long])

    assert refused is not None
    assert refused.startswith("it reads card_orders_36h_recent, and a recent window that is served")


@pytest.mark.parametrize("question", [" ", None, 3])
def test_a_question_is_a_text(question: Any) -> None:
    with pytest.raises(QuestionMissing):
        trial(NEW, question)


def test_a_trial_takes_a_training_set_or_a_table() -> None:
    with pytest.raises(TwoSources, match="those of a table, not both"):
        trial(NEW, "why?", training_set=1, orders=[])


@pytest.mark.parametrize("most", [0, -1, "x", 1.5])
def test_a_journal_lists_a_whole_number_of_steps(most: Any) -> None:
    with pytest.raises(MostRefused, match="write a whole number from 1"):
        journal(most=most)


def test_a_name_that_means_nothing_is_refused_and_can_be_journalled() -> None:
    with pytest.raises(DefinitionError, match="no definition has this name"):
        read_candidates("card_ordres_7d_distant")
    assert names_of(["card_ordres_7d_distant", round_amount]) == (
        "card_ordres_7d_distant",
        "round_amount",
    )


NEW_OF_EACH_LIST = (
    NEW,
    "phone_amount_cents_orders_7d_distant",
    "email_last_order_age_seconds",
    f"card_orders_{UNUSED}_distant",
    "user_orders_7d_delay_3d_distant",
    "card_orders_6h_recent_per_card_orders_90d_distant",
)
LONG = "document_amount_cents_orders_30d_distant_per_document_amount_cents_orders_90d_distant"


@pytest.mark.parametrize("name", NEW_OF_EACH_LIST)
def test_the_change_adds_a_line_and_leaves_the_other_features(name: str) -> None:
    before = present_text().replace(f'    "{name}",\n', "")
    after = changed_text(before, [name])

    assert set(names_in(after)) == {*names_in(before), name}
    changed = [line for line in difference(before, after).splitlines()[2:] if line[0] == "+"]
    (line,) = [line for line in changed if name in line]
    assert line in (f'+    "{name}",', f'+OTHER_COUNTS: tuple[str, ...] = ("{name}",)')


@pytest.mark.parametrize(
    "names",
    [
        *((name,) for name in NEW_OF_EACH_LIST),
        NEW_OF_EACH_LIST,
        tuple(f"{identifier}_orders_{UNUSED}_distant" for identifier in ("card", "user", "email")),
    ],
)
def test_the_changed_catalogue_is_as_ruff_formats_it(names: tuple[str, ...]) -> None:
    _is_formatted(changed_text(present_text(), names))


def test_a_name_that_is_too_long_for_its_lists_line_has_a_line_of_its_own() -> None:
    changed = changed_text("DERIVED: tuple[str, ...] = ()\n", [LONG])

    assert changed.splitlines() == ["DERIVED: tuple[str, ...] = (", f'    "{LONG}",', ")"]
    _is_formatted(changed)


def _is_formatted(text: str) -> None:
    command = [sys.executable, "-m", "ruff", "format", "--check", "--stdin-filename", PATH, "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_keep_runs_checks_in_a_copy_that_has_the_change(tmp_path: Path) -> None:
    looks = tmp_path / "test_looks.py"
    looks.write_text(
        "from features_pkg.definitions.catalogue import CATALOGUE\n"
        "def test_it():\n"
        f"    assert '{NEW}' in [v.name for v in CATALOGUE]\n"
        "    raise RuntimeError('the copy has it')\n"
    )

    kept = keep(read_candidates(NEW), FEATURES, [str(looks)])

    assert f'+    "{NEW}",' in kept.change
    assert [check.command.split()[0] for check in kept.checks] == ["ruff", "ruff", "python"]
    assert [check.passed for check in kept.checks] == [True, True, False]
    assert not kept.passed
    assert "FAILED in" in repr(kept)
    assert "RuntimeError: the copy has it" in repr(kept)
    assert NEW not in present_text()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("card_orders_7d_distant", "it is in the catalogue already"),
        ("local_hour", "it is in the catalogue already"),
        ("card_orders_36h_recent", "a recent window that is served is at most 24h"),
    ],
)
def test_what_is_there_or_can_not_be_served_is_not_kept(name: str, told: str) -> None:
    with pytest.raises(KeepRefused, match=f"{name} can't be kept: {told}"):
        keep(read_candidates(name), FEATURES)


def test_of_a_function_the_steps_are_told() -> None:
    kept = keep(read_candidates(round_amount), FEATURES)

    assert kept.change == ""
    assert "`round_amount`: write it as an order feature" in repr(kept)


def test_the_lab_is_not_imported_with_the_command_line() -> None:
    program = "import sys, ontem.cli; print('ontem.lab' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout == "False\n"
