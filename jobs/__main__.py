"""`python -m jobs JOB`: the batch jobs, as a schedule starts them."""

import sys

import click

from jobs.lazy_group import CommandEntry, LazyGroup

JOBS = {
    "night": CommandEntry(
        "jobs.snapshot.night_commands",
        "night",
        "Build the snapshot of the newest day and publish it; what is done is not done again.",
    ),
    "nights": CommandEntry(
        "jobs.snapshot.night_commands",
        "nights",
        "List the newest runs of nights and other jobs: how they ended and how long they took.",
    ),
    "extract": CommandEntry(
        "jobs.extract.commands",
        "extract",
        "Append what is new in PostgreSQL to the offline store.",
    ),
    "publish": CommandEntry(
        "jobs.snapshot.commands",
        "publish",
        "Publish again what requests may ask for, after Redis lost its data.",
    ),
    "unpublish": CommandEntry(
        "jobs.snapshot.commands",
        "unpublish",
        "Withdraw the newest published snapshot for good; requests read the one before it.",
    ),
    "snapshots": CommandEntry(
        "jobs.snapshot.commands",
        "snapshots",
        "List all snapshots of the offline store, and the loads that were made from them.",
    ),
    "store": CommandEntry(
        "jobs.store.commands",
        "store",
        "Look after the offline store.",
    ),
    "training-set": CommandEntry(
        "jobs.training_set.commands",
        "training_set",
        "Build the training set of the orders of a period.",
    ),
    "emr": CommandEntry("jobs.emr.commands", "emr", "Run jobs on Amazon EMR."),
    "train": CommandEntry("jobs.train.commands", "train", "Train a model on a training set."),
    "retrain": CommandEntry(
        "jobs.train.retraining",
        "retrain",
        "Build the training set of the last half year, and train a model on it.",
    ),
}


@click.command(cls=LazyGroup, entries=JOBS)
def main() -> None:
    """Ontem's batch jobs."""


if __name__ == "__main__":
    sys.exit(main(prog_name="python -m jobs"))
