"""Why no model is trained."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from jobs.errors import JobError


class PeriodTooShort(JobError):
    """The orders span too little time for a training part, a gap for labels, and a hold-out."""

    def __init__(self, *, labelled_days: float, maturity: timedelta, least_days: float) -> None:
        days = maturity.total_seconds() / 86_400
        super().__init__(
            f"the orders that are old enough for a label span {labelled_days:.1f} days and must "
            f"span at least {least_days:g}, because a label takes {days:g} days "
            f"(LABEL_MATURITY_DAYS): begin the training set at least {2 * days + 2:g} days before "
            "its label instant"
        )
        self.labelled_days, self.maturity = labelled_days, maturity
        self.least_days = least_days


class SampleTooSmall(JobError):
    """A sample that has no room for all orders that were charged back and one other."""

    def __init__(self, *, size: int, charged_back: int, orders: int) -> None:
        example = 11 * charged_back
        larger = f"Write a larger number with --sample, such as {example}, or leave it out"
        super().__init__(
            f"a sample of {size:,} orders has no room: of the {orders:,} orders of the training "
            f"part {charged_back:,} were charged back, and all of them are kept. "
            f"{larger if example < orders else 'Leave out --sample'} to train on all"
        )
        self.size, self.charged_back, self.orders = size, charged_back, orders


class NotEnoughMemory(JobError):
    """A training that may need more memory than there is."""

    def __init__(
        self, *, orders: int, features: int, needed: int, present: int, remedy: str
    ) -> None:
        super().__init__(
            f"training on {orders:,} orders with {features} features takes up to "
            f"{needed / 1e9:.2f} GB of memory, and there are {max(present, 0) / 1e9:.2f}: {remedy}"
        )
        self.orders, self.features = orders, features
        self.needed, self.present = needed, present


class OtherFeatureSet(JobError):
    """A training set of another feature set than the settings give."""

    def __init__(self, *, key: str, found: str, expected: str) -> None:
        super().__init__(
            f"{key} has feature set {found}, the settings give {expected}: "
            "run `ontem training-set` again"
        )
        self.key, self.found, self.expected = key, found, expected


class TrainingSetNotNamed(JobError):
    """No training set was named, and the newest may be an audit of one day."""

    def __init__(self, newest: Sequence[str]) -> None:
        super().__init__(
            "name the training set with --training-set REVISION; the newest with these settings: "
            f"{', '.join(newest) or 'none'}. `ontem training-set --from DAY --to DAY` builds one"
        )
        self.newest = tuple(newest)


class ModelNameTaken(JobError):
    """The store has another model of the same name."""

    def __init__(self, *, name: str, location: str) -> None:
        super().__init__(
            f"{location} has another model of the name {name}: look at both reports; give this one "
            "another --seed"
        )
        self.name, self.location = name, location


class FolderTaken(JobError):
    """The folder for a copy of the model has another one."""

    def __init__(self, *, folder: Path) -> None:
        super().__init__(
            f"{folder} has another model, which is not replaced: remove it, or name another folder "
            "with --output"
        )
        self.folder = folder


class OutputUnusable(JobError):
    """The folder for a copy of the model can't be written into."""

    def __init__(self, *, folder: Path, place: Path, reason: str | None) -> None:
        super().__init__(
            f"the model can't be copied into --output {folder}: nothing can be written into "
            f"{place} ({reason}); name a folder that you may write into, or leave out --output, "
            "because the model goes into the offline store all the same"
        )
        self.folder, self.place, self.reason = folder, place, reason
