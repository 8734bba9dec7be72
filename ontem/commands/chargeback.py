"""`ontem chargeback`: what an operator tells by hand, as a merchant would report it."""

import click

from features_pkg.orders.fields.order_id import read_order_id
from features_pkg.orders.fields.refusals import ValueRefused
from stores.postgres.chargebacks import ChargebackKind, find_reports, record_chargeback
from stores.postgres.clock import database_clock
from stores.postgres.merchants import find_merchant
from stores.postgres.sessions import open_session
from stores.settings import settings_here


class OrderId(click.ParamType[str]):
    """The id of an order, by the rule of every door."""

    name = "order id"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The id; one that no order can have ends the command with a sentence."""
        try:
            return read_order_id(value)
        except ValueRefused as refused:
            self.fail(f"the order id {refused.reason}")


@click.command()
@click.argument("order_id", type=OrderId())
@click.option("--merchant", required=True, help="The merchant whose order it is.")
@click.option("--reversal", is_flag=True, help="Record that the order's chargeback was reversed.")
def chargeback(order_id: str, merchant: str, reversal: bool) -> None:  # noqa: FBT001  click gives flags by name
    """Record the chargeback of an order, or its reversal, as reported now.

    Of several chargebacks of an order the first one counts. A reversal changes labels, never a
    feature.
    """
    kind: ChargebackKind = "reversal" if reversal else "chargeback"
    url = settings_here().postgres_url
    with open_session(url, application_name="ontem chargeback", autocommit=True) as connection:
        merchant_id = find_merchant(connection, merchant).merchant_id
        with connection.transaction():
            before = find_reports(connection, merchant_id, order_id)
            now = database_clock(connection)
            record_chargeback(connection, merchant_id, order_id, now, kind)
    click.echo(f"{kind} of order {order_id} of {merchant} recorded at {now.isoformat()}")
    if not before.has_order:
        click.echo(f"  {merchant} has no order {order_id}: it waits for its order")
    if before.first_chargeback is None and reversal:
        click.echo("  no chargeback of that order is recorded: the reversal waits for one")
    if before.first_chargeback is not None and not reversal:
        first = before.first_chargeback.isoformat()
        click.echo(f"  the first one, of {first}, is the one that features count")
