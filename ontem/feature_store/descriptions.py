"""All that is known of one feature."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pyarrow.compute as pc

from ontem.feature_store.costs import Costs
from ontem.feature_store.figures import Figure
from ontem.feature_store.sheet import FeatureSheet
from ontem.feature_store.shown import html_table, text_table
from ontem.feature_store.training_sets import TrainingSet
from ontem.feature_store.usage import KnownModel, Usage

HEAD: Final = ("", "")


@dataclass(frozen=True, slots=True)
class Rates:
    """The shares of orders for which a feature is null, and for which it is 0."""

    null: Figure
    zero: Figure


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class FeatureDescription:
    """A feature: what it means, costs and holds, and who uses it.

    Each `Figure` was measured, and says of what; where its value is None, it says why.
    """

    sheet: FeatureSheet
    """What its definition alone says."""
    identifier: str
    past: str
    window: str | None
    feature_set: str
    """The version of the feature set that it is described for."""
    costs: Costs
    rates: Rates
    usage: Usage

    @property
    def name(self) -> str:
        """The name of the feature."""
        return self.sheet.name

    @property
    def words(self) -> str:
        """The definition in words."""
        return self.sheet.words

    @property
    def formula(self) -> str:
        """The definition as a formula; `asked_at` is the instant of the question."""
        return self.sheet.formula

    @property
    def entity_bytes(self) -> Figure:
        """The bytes of an entity's whole timeline, which features share."""
        return self.costs.entity_bytes

    @property
    def own_bytes(self) -> Figure:
        """The bytes of a timeline that serves this feature alone."""
        return self.costs.own_bytes

    @property
    def microseconds(self) -> Figure:
        """How long it takes to read it for one entity."""
        return self.costs.microseconds

    @property
    def null_rate(self) -> Figure:
        """The share of orders for which it is null."""
        return self.rates.null

    @property
    def zero_rate(self) -> Figure:
        """The share of orders for which it is 0."""
        return self.rates.zero

    @property
    def models(self) -> tuple[KnownModel, ...]:
        """The models that use it."""
        return self.usage.models

    @property
    def served_since(self) -> datetime | None:
        """When the first model that uses it served; `usage.reason` says why there is none."""
        return self.usage.served_since

    def __repr__(self) -> str:
        return text_table(self.name, HEAD, self._rows)

    def _repr_html_(self) -> str:
        return html_table(self.name, HEAD, self._rows)

    @property
    def _rows(self) -> list[tuple[str, str]]:
        since = self.usage.served_since
        shown = f"{since:%Y-%m-%d %H:%M}Z, {self.usage.reason}" if since else self.usage.reason
        return [
            ("means", self.words),
            ("why", self.sheet.reason),
            ("formula", self.formula),
            ("group", f"{self.identifier}, {self.past}"),
            ("window", self.window or "none"),
            ("bytes of an entity", self.entity_bytes.sentence),
            ("bytes for it alone", self.own_bytes.sentence),
            ("microseconds", self.microseconds.sentence),
            ("null for", "; ".join(self.sheet.null_for) or "no order"),
            ("null", self.null_rate.sentence),
            ("zero", self.zero_rate.sentence),
            ("models", ", ".join(map(str, self.models)) or "none"),
            ("served since", shown),
        ]


def rates_of(name: str, training_set: TrainingSet | None) -> Rates:
    """The rates of a feature in a training set, if there is one."""
    if training_set is None:
        unknown = Figure(None, "not known before there is a training set: run `ontem training-set`")
        return Rates(unknown, unknown)
    column = training_set.read([name])[name]
    orders = f"of {len(column):,} orders of {training_set.name}"
    if not len(column):
        return Rates(Figure(None, orders), Figure(None, orders))
    zeros = pc.sum(pc.equal(column, 0)).as_py() or 0
    return Rates(
        Figure(column.null_count / len(column), orders), Figure(zeros / len(column), orders)
    )
