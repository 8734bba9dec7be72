"""`ontem trial`."""

from collections.abc import Callable
from functools import wraps
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
ORDERS = click.option(
    "--orders",
    "orders_file",
    type=click.Path(exists=True, dir_okay=False),
    help="A Parquet file of orders in the place of a training set.",
)


@click.group()
def trial() -> None:
    """Try candidate features: what they cost, look like and are worth; each step is on record.

    A NAME is that of a feature, which need not be in the catalogue; at most five.
    """
    let_waiting_threads_sleep()


def _step(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def command(
        names: tuple[str, ...],
        question: str,
        training_set: str | None,
        orders_file: str | None,
        **options: Any,
    ) -> None:
        from ontem.lab.trials import trial as of

        orders = None if orders_file is None else _read_orders(orders_file)
        function(of(list(names), question, training_set=training_set, orders=orders), **options)

    return NAMES(QUESTION(TRAINING_SET(ORDERS(command))))


def _read_orders(path: str) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        reason = str(error).splitlines()[0]
        raise click.BadParameter(
            f"{path} is not a Parquet file ({reason}): convert it, or give the trial a table in "
            "a notebook",
            param_hint="--orders",
        ) from None


@trial.command()
@_step
def check(of_names: "Trial") -> None:
    """Whether they can be served, what they would cost, and the features most like them."""
    click.echo(of_names.check())


@trial.command()
@_step
def peek(of_names: "Trial") -> None:
    """Nulls, zeros and quantiles by label, and five orders with the orders behind the value."""
    click.echo(of_names.peek())


@trial.command()
@_step
@click.option(
    "--budget",
    type=float,
    default=0.02,
    show_default=True,
    help="The share of all orders that people review.",
)
def lift(of_names: "Trial", budget: float) -> None:
    """What a model gains by them, singly and together, with intervals."""
    click.echo(of_names.lift(budget=budget))


@trial.command()
@_step
def keep(of_names: "Trial") -> None:
    """Print the change to the catalogue, and run the checks of CI that it may break."""
    kept = of_names.keep()
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
