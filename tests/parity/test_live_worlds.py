"""Many live questions at once are answered with what each of them saw."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.velocity import Velocity
from features_pkg.engines.arrays import Visibility, charged_again
from features_pkg.engines.arrays.snapshots import chains
from features_pkg.history.ranked import NearestBelow, NextBelow, SumsFrom
from tests.parity.live_worlds import LiveWorld, live_worlds, revealed_world
from tests.parity.rows import FEATURES
from tests.parity.test_arrays_are_the_reference import velocities
from tests.parity.test_shuffle_is_the_reference import training_rows

definitions = st.lists(velocities, min_size=1, max_size=12, unique=True)


def check(world: LiveWorld, features: FeatureSet) -> None:
    found = training_rows(world.table(), features=features)
    assert len(found) == len(world.questions)
    for question in world.questions:
        for velocity in features.velocities:
            answer = found[question.order_id][velocity.name]
            assert answer == world.value(question, velocity), velocity.name


@given(world=live_worlds(one_server=True))
@settings(max_examples=25, deadline=None)
def test_the_catalogue_of_live_questions_is_what_they_saw(world: LiveWorld) -> None:
    check(world, FEATURES)


@given(world=live_worlds(one_server=True), some=definitions)
@settings(max_examples=120, deadline=None)
def test_any_definition_of_live_questions_is_what_they_saw(
    world: LiveWorld, some: list[Velocity]
) -> None:
    check(world, FeatureSet(FEATURES.timezone, FEATURES.snapshot_lag, some))


@given(world=live_worlds(one_server=False), some=definitions, most_pairs=st.sampled_from((1, 3)))
@settings(max_examples=60, deadline=None)
def test_snapshots_that_no_server_takes_are_answered_too(
    world: LiveWorld, some: list[Velocity], most_pairs: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(charged_again, "MOST_PAIRS", most_pairs)
        check(world, FeatureSet(FEATURES.timezone, FEATURES.snapshot_lag, some))


def test_the_recent_read_may_know_a_chargeback_from_before_the_cutoff_that_the_load_lacked() -> (
    None
):
    check(revealed_world(), FEATURES)


@given(world=live_worlds(one_server=True))
def test_the_snapshots_of_one_server_are_one_chain(world: LiveWorld) -> None:
    in_flight = [sorted(question.in_flight) for question in world.questions]
    keys = np.array([key for listed in in_flight for key in listed], dtype=np.int64)
    xmax = np.array([question.xmax for question in world.questions], dtype=np.int64)
    zeros = np.zeros(len(xmax), dtype=np.int64)
    starts = np.cumsum([0, *map(len, in_flight)])
    live = np.ones(len(xmax), dtype=np.bool_)
    found = list(chains(Visibility(live, zeros, zeros, xmax, keys, starts, zeros, zeros)))

    assert len(found) == (1 if world.questions else 0)
    for chain in found:
        for link, number in enumerate(chain.questions.tolist()):
            for key in range(13):
                seen = bool(chain.links(np.array([key]))[0] <= link)
                assert seen == world.questions[number].saw(key)


ranks = st.lists(st.integers(0, 5), max_size=40)


@given(rank=ranks, asked=st.data())
def test_nearest_and_sums_are_what_a_loop_finds(rank: list[int], asked: st.DataObject) -> None:
    positions = st.integers(0, len(rank))
    rows = asked.draw(st.lists(st.tuples(positions, positions, st.integers(-1, 7)), max_size=9))
    low, high, limit = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    high = np.maximum(low, high)
    weights = np.arange(len(rank)) ** 2 - 7
    given_ranks = np.array(rank, dtype=np.int64)

    before = NearestBelow(given_ranks).before(high, limit)
    after = NextBelow(given_ranks).at_or_after(low, limit)
    sums = SumsFrom(given_ranks).over(weights, low, high, limit)

    for row, (start, end, bound) in enumerate(zip(low, high, limit, strict=True)):
        below = [i for i in range(len(rank)) if rank[i] < bound]
        assert before[row] == max([i for i in below if i < end], default=-1)
        assert after[row] == min([i for i in below if i >= start], default=len(rank))
        assert sums[row] == sum(weights[i] for i in range(start, end) if rank[i] >= bound)
