"""What differs between two sides, and what it takes to switch from the first to the second."""

from __future__ import annotations

from dataclasses import dataclass

from ontem.feature_store.comparing.side import Side, SideKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The features that only `after`, only `before`, or both have, in the order of their side.

    `new_load` and `new_training_set` say whether a switch from `before` to `after` needs one;
    `sentences` say that in words, and what else differs.
    """

    before: Side
    after: Side
    added: tuple[str, ...]
    removed: tuple[str, ...]
    same: tuple[str, ...]
    new_load: bool
    new_training_set: bool
    sentences: tuple[str, ...]


def compare(before: Side, after: Side) -> Comparison:
    """The comparison of two sides; nothing is read."""
    new_load = before.timelines != after.timelines
    new_training_set = after.kind is SideKind.CODE and before.feature_set != after.feature_set
    return Comparison(
        before=before,
        after=after,
        added=_only_in(after, before),
        removed=_only_in(before, after),
        same=tuple(name for name in after.features if name in set(before.features)),
        new_load=new_load,
        new_training_set=new_training_set,
        sentences=(
            _of_load(before, after, new_load=new_load),
            _of_training_set(before, after, needed=new_training_set),
            *_of_settings(before, after),
            *_of_order(before, after),
        ),
    )


def _only_in(side: Side, other: Side) -> tuple[str, ...]:
    known = set(other.features)
    return tuple(name for name in side.features if name not in known)


def _of_load(before: Side, after: Side, *, new_load: bool) -> str:
    if not new_load:
        return f"no new load: both read timelines {after.timelines}"
    return (
        f"a new load: timelines {after.timelines} in the place of {before.timelines}; run "
        f"`ontem night` once before {after.title} serves. The loads of both stay side by side"
    )


def _of_training_set(before: Side, after: Side, *, needed: bool) -> str:
    if needed:
        return (
            f"a new training set and a new model: {after.title} has feature set "
            f"{after.feature_set}, {before.title} has {before.feature_set}; run "
            "`ontem training-set`, then `ontem train`"
        )
    if after.kind is SideKind.MODEL:
        return f"no new training set: {after.title} was trained on {after.training_set}"
    if before.feature_set == after.feature_set:
        return f"no new training set: both have feature set {after.feature_set}"
    return f"no new training set: {after.name} is there to train on"


def _of_settings(before: Side, after: Side) -> list[str]:
    differences = []
    if before.timezone != after.timezone:
        differences.append(f"BUSINESS_TIMEZONE: {before.timezone}, then {after.timezone}")
    if before.snapshot_lag_seconds != after.snapshot_lag_seconds:
        differences.append(
            f"SNAPSHOT_LAG_SECONDS: {before.snapshot_lag_seconds:g}, then "
            f"{after.snapshot_lag_seconds:g}"
        )
    return differences


def _of_order(before: Side, after: Side) -> list[str]:
    """Why two sides with the same features have different versions, if that is not said yet."""
    if set(before.features) != set(after.features) or before.feature_set == after.feature_set:
        return []
    if before.features != after.features:
        return ["the order of the features differs"]
    if _of_settings(before, after):
        return []
    return ["the features are the same, but not the set that they are chosen from, or its meaning"]
