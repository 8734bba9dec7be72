"""`python -m jobs JOB`: the jobs by name, and what they exit with."""

import importlib
import sys
from typing import Any

import click

from features_pkg.errors import OntemError

JOBS = {
    "snapshot": "jobs.snapshot.commands",
    "publish": "jobs.snapshot.commands",
    "unpublish": "jobs.snapshot.commands",
    "snapshots": "jobs.snapshot.commands",
    "training-set": "jobs.training_set.commands",
    "train": "jobs.train.commands",
}

EXIT_CODES = {  # by the error's full name, so that no room is imported for it
    "stores.errors.SettingsError": 3,
    "stores.postgres.connection.PostgresUnavailable": 4,
    "stores.redis.connection.RedisUnavailable": 4,
    "jobs.errors.DayNotOver": 5,
    "jobs.errors.StillWriting": 5,
    "stores.postgres.loads.LoaderRunning": 5,
    "stores.redis.errors.PublishRefused": 6,
    "features_pkg.errors.OntemError": 1,
}


class Jobs(click.Group):
    """The jobs; each is imported only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        return list(JOBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The job of that name."""
        if cmd_name not in JOBS:
            return None
        module = importlib.import_module(JOBS[cmd_name])
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the job; a refusal is one sentence on stderr and an exit code."""
        try:
            return super().invoke(ctx)
        except OntemError as error:
            click.echo(f"ontem: {error}", err=True)
            ctx.exit(exit_code(error))


def exit_code(error: OntemError) -> int:
    """What a job exits with after `error`: its class's code, or its nearest base's."""
    names = (f"{base.__module__}.{base.__qualname__}" for base in type(error).__mro__)
    return next(EXIT_CODES[name] for name in names if name in EXIT_CODES)


@click.command(cls=Jobs)
def main() -> None:
    """Ontem's batch jobs."""


if __name__ == "__main__":
    sys.exit(main(prog_name="python -m jobs"))
