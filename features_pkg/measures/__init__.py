"""The measures, a file each: what is said of the events in a window, for every engine.

To add one, see "A new measure" in CONTRIBUTING.md.
"""

from collections.abc import Mapping
from typing import Final

from features_pkg.definitions.velocity import Measure
from features_pkg.measures.age import FirstAge, LastAge
from features_pkg.measures.amount import Amount
from features_pkg.measures.count import Count
from features_pkg.measures.distinct import Distinct
from features_pkg.measures.measure import MeasureEngines

MEASURES: Final[Mapping[Measure, MeasureEngines]] = {
    Measure.COUNT: Count(),
    Measure.DISTINCT: Distinct(),
    Measure.AMOUNT: Amount(),
    Measure.FIRST_AGE: FirstAge(),
    Measure.LAST_AGE: LastAge(),
}
