"""`keep`: the change that makes candidates features, and the checks of CI that it may break."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from features_pkg.definitions.feature_set import FeatureSet
from ontem.lab.candidates import Candidate, FunctionCandidate
from ontem.lab.catalogue_change import PATH, changed_text, difference, names_in, present_text
from ontem.lab.checking import why_not_servable
from ontem.lab.errors import KeepRefused
from ontem.lab.readable import Readable
from stores.checkout import IS_CHECKOUT

PROJECT: Final = Path(__file__).resolve().parents[2]
TESTS: Final = (
    "tests/parity/test_arrays_are_the_reference.py",
    "tests/parity/test_one_order_is_the_reference.py",
    "tests/parity/test_shuffle_is_the_reference.py",
    "tests/parity/test_stale_snapshot.py",
    "tests/unit/test_feature_set.py",
)
"""The tests that compare every engine with the reference over the catalogue."""
_SHARED: Final = (".venv", ".ontem")
_SHOWN_LINES: Final = 15


@dataclass(frozen=True, slots=True)
class CiCheck:
    """A check: its command, whether it passed, and the end of what it printed if not."""

    command: str
    passed: bool
    seconds: float
    output: str


@dataclass(frozen=True, slots=True, repr=False)
class Kept(Readable):
    """The change, and what the checks say of it. `steps` are for functions, which people write."""

    change: str
    checks: tuple[CiCheck, ...]
    steps: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether all checks passed."""
        return all(check.passed for check in self.checks)

    def lines(self) -> Iterator[str]:
        """The change, the checks, and what is left to do."""
        yield from self.change.splitlines()
        for check in self.checks:
            outcome = "passed" if check.passed else "FAILED"
            yield f"{outcome} in {check.seconds:.0f} s: {check.command}"
            yield from (f"    {line}" for line in check.output.splitlines())
        yield from self.steps


def keep(
    candidates: Sequence[Candidate], features: FeatureSet, tests: Sequence[str] = TESTS
) -> Kept:
    """The change for these candidates, checked in a copy of the checkout. Raises KeepRefused.

    `features` are those of the catalogue.
    """
    names = [each.name for each in candidates if not isinstance(each, FunctionCandidate)]
    functions = [each.name for each in candidates if isinstance(each, FunctionCandidate)]
    before = present_text()
    _refuse(candidates, features, names_in(before))
    after = changed_text(before, names)
    missing = set(names) - set(names_in(after))
    assert not missing, missing  # noqa: S101  a change that does not add it is a bug of ours
    steps = [f"`{each}`: write it as an order feature, see CONTRIBUTING.md" for each in functions]
    checks = _checks(after, tests) if names and IS_CHECKOUT else ()
    if names and not IS_CHECKOUT:
        steps.append("the checks of CI run in a checkout alone; the catalogue accepts the change")
    if names:
        steps.append("commit the change, then `ontem training-set` and `ontem train` use it")
    return Kept(difference(before, after), tuple(checks), tuple(steps))


def _refuse(candidates: Sequence[Candidate], features: FeatureSet, present: Sequence[str]) -> None:
    for each in candidates:
        reason = why_not_servable(each, features, candidates)
        if reason is not None:
            raise KeepRefused(candidate=each.name, reason=reason)
        if each.name in (*present, *features.order_features):
            raise KeepRefused(candidate=each.name, reason="it is in the catalogue already")


def _checks(catalogue: str, tests: Sequence[str]) -> list[CiCheck]:
    """Run the checks in a copy that has this catalogue; the checkout itself stays as it is."""
    with tempfile.TemporaryDirectory(prefix="ontem-keep-") as scratch:
        copy = Path(scratch)
        _copy_checkout(copy)
        (copy / PATH).write_text(catalogue, encoding="utf-8")
        tools = Path(sys.executable).parent
        return [
            _run(copy, f"{tools}/ruff", "check", PATH),
            _run(copy, f"{tools}/ruff", "format", "--check", PATH),
            _run(copy, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests),
        ]


def _copy_checkout(copy: Path) -> None:
    """All files that git knows, as they are now, and what `make setup` has installed."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, check=True)
    for name in listed.stdout.decode().split("\0"):
        source, target = PROJECT / name, copy / name
        if name and source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    for name in _SHARED:
        if (PROJECT / name).exists():
            (copy / name).symlink_to(PROJECT / name)


def _run(copy: Path, *command: str) -> CiCheck:
    # Those of a test that runs this are not for the tests of the copy.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    start = time.monotonic()
    done = subprocess.run(
        command,
        cwd=copy,
        env=environ | {"PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        check=False,
    )
    printed = (
        ""
        if done.returncode == 0
        else "\n".join((done.stdout + done.stderr).splitlines()[-_SHOWN_LINES:])
    )
    words = " ".join((Path(command[0]).name, *command[1:]))
    return CiCheck(words, done.returncode == 0, time.monotonic() - start, printed)
