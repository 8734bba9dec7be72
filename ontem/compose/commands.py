"""`ontem compose`: the steps of docker-compose.yml, each of which does its work once."""

import re
from pathlib import Path

import click

from stores.postgres.sessions import open_session
from stores.settings import settings_here
from stores.urls import storage_problem

SEED = 1


class HostAndPort(click.ParamType[str]):
    """An address, such as postgres:5432."""

    name = "host:port"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The address; one without host or port ends the command with a sentence."""
        found = re.fullmatch(r"[A-Za-z0-9.-]+:([0-9]{1,5})", value)
        if found is None or not 1 <= int(found[1]) <= 65_535:
            self.fail(f"{value!r} is not an address; write it like postgres:5432")
        return value


class StorageUrl(click.ParamType[str]):
    """The URL of an offline store, such as s3://bucket/folder."""

    name = "url"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The URL; one that no setting may have ends the command with a sentence."""
        problem = storage_problem(value)
        if problem is not None:
            self.fail(f"{value!r} is not the URL of an offline store: {problem}")
        return value


@click.group()
def compose() -> None:
    """Do one step of docker-compose.yml; a step that is done is not done again."""


@compose.command(name="secrets")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--postgres", type=HostAndPort(), required=True, help="Where PostgreSQL will be.")
@click.option("--redis", type=HostAndPort(), required=True, help="Where Redis will be.")
@click.option("--storage", type=StorageUrl(), required=True, help="The URL of the offline store.")
def secrets_(folder: Path, postgres: str, redis: str, storage: str) -> None:
    """Make the secrets of the stack in FOLDER, and the file for ONTEM_ENV_FILE.

    A secret that is there stays. None is printed.
    """
    from ontem.compose.secrets import StackAddresses, make_secrets

    addresses = StackAddresses(postgres=postgres, redis=redis, storage_url=storage)
    written = make_secrets(folder, addresses)
    click.echo(
        f"{folder}: wrote {', '.join(written)}" if written else f"{folder} has all secrets already"
    )


@compose.command()
def bucket() -> None:
    """Make the bucket of the offline store."""
    from jobs.entry import hand_on_aws_variables
    from ontem.compose.bucket import make_bucket
    from stores.settings import environment_of, project_here

    hand_on_aws_variables(environment_of(project_here()))
    name, is_new = make_bucket(settings_here())
    click.echo(f"the bucket {name} is {'new' if is_new else 'there already'}")


@compose.command()
@click.argument("name")
def merchant(name: str) -> None:
    """Create a merchant and print its API key. The key is not shown again."""
    from stores.policy import USUAL_POLICY
    from stores.postgres.issued_keys import issue_key
    from stores.postgres.merchants import MerchantExists, add_merchant

    url = settings_here().postgres_url
    with open_session(url, application_name="ontem compose", autocommit=True) as connection:
        try:
            with connection.transaction():
                key = issue_key(connection, add_merchant(connection, name, USUAL_POLICY))
        except MerchantExists:
            click.echo(
                f"the merchant {name} is there already; one more key for it is what "
                f"`ontem merchant rotate {name}` prints"
            )
            return
    click.echo(f"the merchant {name} is new. Its API key, which is not shown again:\n{key.text}")


@compose.command()
@click.option("--merchant", required=True, help="The merchant whose orders they will be.")
@click.option(
    "--orders", type=click.IntRange(1_000, 2_000_000), required=True, help="How many orders."
)
@click.option("--days", type=click.IntRange(30, 1_000), required=True, help="In how many days.")
@click.pass_context
def history(context: click.Context, merchant: str, orders: int, days: int) -> None:
    """Import made-up orders that end now, unless there are any orders.

    They are never mixed with orders of a shop.
    """
    import tempfile

    from jobs.importing.commands import import_
    from ontem.compose.orders import has_orders
    from ontem.generating.commands import generate

    url = settings_here().postgres_url
    with open_session(url, application_name="ontem compose", autocommit=True) as connection:
        if has_orders(connection):
            click.echo("there are orders already: no made-up ones are imported")
            return
    with tempfile.TemporaryDirectory(prefix="ontem-history-") as folder:
        file = Path(folder) / "orders.parquet"
        context.invoke(generate, orders=orders, days=days, seed=SEED, output=file)
        context.invoke(import_, file=file, merchant=merchant, rejects=file.with_name("rejects.csv"))


@compose.command(name="night")
@click.pass_context
def night_(context: click.Context) -> None:
    """Run the night of the newest day.

    A snapshot of that day from before an import stays and is served: that is no error here.
    """
    from jobs.snapshot.errors import SnapshotOutdated
    from jobs.snapshot.night_commands import night

    try:
        context.invoke(night)
    except SnapshotOutdated as outdated:
        click.echo(f"{outdated}. Until then, or until the next night, the service goes on with it")


@compose.command()
@click.option("--again", is_flag=True, help="Train another one in the place of the one there.")
@click.pass_context
def model(context: click.Context, again: bool) -> None:  # noqa: FBT001  click gives flags by name
    """Build a training set and train the model that ONTEM_MODEL names, unless it is there.

    Two at once train one after the other.
    """
    from jobs.train.folder_lock import only_writer
    from ontem.compose.model_folder import is_trained, model_folder

    folder = model_folder(settings_here())
    with only_writer(folder.parent, click.echo):
        if is_trained(folder) and not again:
            click.echo(f"there is a model in {folder}")
            return
        _train(context, folder)
    click.echo(f"the model is in {folder}")


def _train(context: click.Context, folder: Path) -> None:
    from jobs.entry import job_here
    from jobs.train.commands import let_waiting_threads_sleep
    from jobs.training_set.commands import training_set

    let_waiting_threads_sleep()
    from ontem.compose.model_folder import a_draft
    from ontem.compose.training import first_training_day, train_newest

    job = job_here()
    context.invoke(training_set, first_day=first_training_day(job))
    with a_draft(folder) as draft:
        train_newest(job, draft)
