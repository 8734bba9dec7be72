"""The commands of a delivery."""

import os
from pathlib import Path

import click

from features_pkg.models.signing import VerifyKeys
from ontem.version import PROJECT
from stores.model_keys import verify_keys_of
from stores.settings import environment_of


@click.command()
def package() -> None:
    """Build the wheel with the model that serves, and that of merchants' client.

    They are built into dist, from a commit that the clone has the whole history of.
    """
    from ontem.delivery.client_wheel import client_wheel_of
    from ontem.delivery.package import make_package

    wheel = make_package(PROJECT, _keys())
    click.echo(f"{wheel.summary}\n{client_wheel_of(wheel).summary}")


@click.command()
@click.argument("wheel", required=False, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--index",
    required=True,
    envvar="ONTEM_INDEX",
    show_envvar=True,
    help="Where to, such as s3://bucket/simple.",
)
def publish(wheel: Path | None, index: str) -> None:
    """Upload a wheel and the client's beside it to the index, once.

    Without WHEEL it is the one in dist. The same bytes again change nothing.
    """
    from ontem.delivery.client_wheel import client_wheel_of
    from ontem.delivery.index import Index
    from ontem.delivery.wheel import read_wheel

    content = read_wheel(wheel or _only_wheel(PROJECT / "dist"), _keys())
    client, there = client_wheel_of(content), Index(index)
    is_new = [there.publish(each) for each in (client, content)]
    state = "is published at" if any(is_new) else "was there already at"
    click.echo(f"{content.summary}\n{client.summary}\n{content.version.number} {state} {index}")


def _keys() -> VerifyKeys:
    return verify_keys_of(environment_of(PROJECT))


def _only_wheel(dist: Path) -> Path:
    wheels = sorted(dist.glob("ontem-*.whl"))
    if len(wheels) != 1:
        raise click.UsageError(f"dist has {len(wheels)} wheels: run `make package`, or name one")
    return wheels[0]


@click.command()
def pin_images() -> None:
    """Write the digest of each image of others where the image is named."""
    from ontem.delivery.images import pin

    for line in pin(PROJECT):
        click.echo(line)


@click.command(context_settings={"allow_interspersed_args": False})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def with_role(command: tuple[str, ...]) -> None:
    """Run COMMAND as the role ONTEM_AWS_ROLE, by the OIDC token of a CircleCI job."""
    from ontem.delivery.role import role_variables

    environ = role_variables(os.environ)
    os.execvpe(command[0], command, environ)  # noqa: S606  a command line of ours
