"""What a trial looks at: features by their names, or plain functions of the order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from features_pkg.definitions.derived import Derived
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.order_features import ORDER_FEATURES
from features_pkg.definitions.velocity import Velocity
from features_pkg.identifiers import IDENTIFIERS, Identifier
from ontem.feature_store.sheet import SHIPPED
from ontem.feature_store.words.nearest import read_name
from ontem.lab.errors import CandidatesRefused

MOST_CANDIDATES: Final = 5

Function = Callable[[Any], Any]
"""Takes an `OrderView`; gives a number for each of its orders."""


@dataclass(frozen=True, slots=True)
class NamedCandidate:
    """A feature that its name defines, and the velocities that its value is made of.

    `derived` has it if it is a derived one. An order feature has neither.
    """

    name: str
    velocities: tuple[Velocity, ...]
    derived: tuple[Derived, ...] = ()

    def feature_set(self, settings: FeatureSet) -> FeatureSet:
        """A set that has it, under the zone and the lag of `settings`."""
        return FeatureSet(settings.timezone, settings.snapshot_lag, self.velocities, self.derived)

    @property
    def identifiers(self) -> frozenset[Identifier]:
        """Those whose entities it looks at or counts."""
        found = {velocity.identifier for velocity in self.velocities}
        found |= {velocity.target for velocity in self.velocities if velocity.target}
        return frozenset(each for each in IDENTIFIERS if each in found)


@dataclass(frozen=True, slots=True)
class FunctionCandidate:
    """A function of the order, under its own name."""

    name: str
    function: Function


Candidate = NamedCandidate | FunctionCandidate


def names_of(given: object) -> tuple[str, ...]:
    """The names of what was given, as far as it has any: for the journal."""
    return tuple(_name(each) for each in _listed(given))


def read_candidates(given: object) -> tuple[Candidate, ...]:
    """The candidates. Raises CandidatesRefused, and NameUnknown for a name that means nothing.

    >>> [each.name for each in read_candidates("card_orders_3h_recent")]
    ['card_orders_3h_recent']
    """
    listed = _listed(given)
    if not listed:
        raise CandidatesRefused("there is no candidate: name a feature, or give a function")
    if len(listed) > MOST_CANDIDATES:
        raise CandidatesRefused(
            f"{len(listed)} candidates are too many: a trial takes at most {MOST_CANDIDATES}, "
            "because each is trained with and without; make two trials of them"
        )
    candidates = tuple(_read(each) for each in listed)
    names = [candidate.name for candidate in candidates]
    for name in names:
        if names.count(name) > 1:
            raise CandidatesRefused(f"{name} appears twice: leave one out")
    return candidates


def _listed(given: object) -> Sequence[object]:
    return list(given) if isinstance(given, (list, tuple)) else [given]


def _name(each: object) -> str:
    return each if isinstance(each, str) else getattr(each, "__name__", repr(each))


def _read(each: object) -> Candidate:
    if callable(each) and not isinstance(each, type):
        return _function(each)
    if not isinstance(each, str):
        raise CandidatesRefused(
            f"{each!r} is neither a name nor a function: name a feature such as "
            "'card_orders_3h_recent', or give a function of the order"
        )
    feature = read_name(each, SHIPPED.names)
    if isinstance(feature, str):
        return NamedCandidate(feature, ())
    if isinstance(feature, Derived):
        velocities = tuple(dict.fromkeys(feature.velocities))
        return NamedCandidate(feature.name, velocities, (feature,))
    return NamedCandidate(feature.name, (feature,))


def _function(function: Function) -> FunctionCandidate:
    name = _name(function)
    if not name.isidentifier():
        raise CandidatesRefused(
            f"the function {name} has no name that a feature can have: define it with `def`"
        )
    if name in ORDER_FEATURES:
        raise CandidatesRefused(f"an order feature is called {name} already: rename the function")
    return FunctionCandidate(name, function)
