"""What spark-submit starts on a cluster: one job, whose end is written as a small object to S3."""

import json
import os
import sys
import traceback
from typing import Final, NamedTuple

import click

from jobs.emr.objects import S3Url, aws_client

ENTRY: Final = """from jobs.emr.driver import main

if __name__ == "__main__":  # an extraction starts processes, which import this file
    main(prog_name="ontem")
"""
"""The file that spark-submit gets: it takes no module."""
BUG: Final = 1


class Outcome(NamedTuple):
    """How a job ended: EMR itself tells only that it failed."""

    exit_code: int
    error: str | None = None

    def to_json(self) -> bytes:
        """The bytes of the object."""
        return json.dumps(self._asdict()).encode()

    @classmethod
    def from_json(cls, content: bytes) -> "Outcome":
        """The outcome that these bytes are."""
        found = json.loads(content)
        return cls(int(found["exit_code"]), found["error"])


@click.command(context_settings={"allow_interspersed_args": False})
@click.option("--set", "variables", multiple=True, metavar="NAME=VALUE", help="A setting.")
@click.option("--outcome", required=True, metavar="URL", help="Where to write how it ended.")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, required=True)
def main(variables: tuple[str, ...], outcome: str, words: tuple[str, ...]) -> None:
    """Run a job with its words, such as `night --as-of 2018-06-01`."""
    for variable in variables:
        name, _, value = variable.partition("=")
        os.environ[name] = value
    end = run(words)
    url = S3Url.of(outcome)
    client = aws_client("s3", os.environ)
    client.put_object(Bucket=url.bucket, Key=url.key, Body=end.to_json())
    sys.exit(end.exit_code)


def run(words: tuple[str, ...]) -> Outcome:
    """Run a job as `python -m jobs` does; of a bug the outcome has the kind, stderr the rest."""
    from jobs.__main__ import main as jobs
    from jobs.endings import ending_of

    try:
        with jobs.make_context("ontem", list(words)) as context:
            click.Group.invoke(jobs, context)  # the errors as they are, for their sentences
    except click.exceptions.Exit as end:
        return Outcome(end.exit_code)
    except click.ClickException as error:
        return _say(Outcome(error.exit_code, error.format_message()))
    except Exception as error:  # noqa: BLE001  it is told, whatever it is
        ending = ending_of(error)
        if ending is not None:
            return _say(Outcome(ending.exit_code, ending.sentence))
        from jobs.spark.failure import without_values

        click.echo(without_values(traceback.format_exc()), err=True)  # a message may name a buyer
        return Outcome(BUG, type(error).__qualname__)
    return Outcome(0)


def _say(outcome: Outcome) -> Outcome:
    click.echo(f"ontem: {outcome.error}", err=True)
    return outcome
