"""`ontem trial`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from jobs.train.commands import let_waiting_threads_sleep

if TYPE_CHECKING:
    from ontem.lab.trials import Trial

NAMES = click.argument("names", nargs=-1, required=True, metavar="NAME...")
QUESTION = click.option(
    "--question", required=True, help="What you want to know; the journal shows it."
)
TRAINING_SET = click.option(
    "--training-set", help="Whose orders: its name or revision.  [default: the newest]"
)


@click.group()
def trial() -> None:
    """Try candidate features: what they cost, look like and are worth; each step is on record.

    A NAME is that of a feature, which need not be in the catalogue; at most five.
    """
    let_waiting_threads_sleep()


def _step(function: Callable[..., Any]) -> Callable[..., Any]:
    return NAMES(QUESTION(TRAINING_SET(function)))


def _trial(names: tuple[str, ...], question: str, training_set: str | None) -> "Trial":
    from ontem.lab.trials import trial as of

    return of(list(names), question, training_set=training_set)


@trial.command()
@_step
def check(names: tuple[str, ...], question: str, training_set: str | None) -> None:
    """Whether they can be served, what they would cost, and the features most like them."""
    click.echo(_trial(names, question, training_set).check())


@trial.command()
@_step
def peek(names: tuple[str, ...], question: str, training_set: str | None) -> None:
    """Nulls, zeros and quantiles by label, and five orders with the orders behind the value."""
    click.echo(_trial(names, question, training_set).peek())


@trial.command()
@_step
@click.option(
    "--budget",
    type=float,
    default=0.02,
    show_default=True,
    help="The share of all orders that people review.",
)
def lift(names: tuple[str, ...], question: str, training_set: str | None, budget: float) -> None:
    """What a model gains by them, singly and together, with intervals."""
    click.echo(_trial(names, question, training_set).lift(budget=budget))


@trial.command()
@_step
def keep(names: tuple[str, ...], question: str, training_set: str | None) -> None:
    """Print the change to the catalogue, and run the checks of CI that it may break."""
    kept = _trial(names, question, training_set).keep()
    click.echo(kept)
    if not kept.passed:
        raise click.exceptions.Exit(1)


@trial.command()
@click.option("--most", type=click.IntRange(min=1), default=20, show_default=True,
              help="How many steps are listed.")  # fmt: skip
def journal(most: int) -> None:
    """List the newest steps of all trials, failed and killed ones too."""
    from ontem.lab.journal import journal as read

    click.echo(read(most=most))
