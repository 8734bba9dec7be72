"""`ontem serve`: the entry point of the online service."""

from datetime import timedelta

import click

from service import log, start
from service.address import check_address
from service.clock import SteadyClock
from service.server import Binding, Server, options, wall_clock_us
from stores.settings import settings_here


@click.command()
@click.option("--bind", default="127.0.0.1:8080", show_default=True, help="HOST:PORT to listen on.")
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Worker processes."
)
@click.option(
    "--threads",
    type=click.IntRange(1, 64),
    default=4,
    show_default=True,
    help="Requests that one process handles at the same time.",
)
@click.option(
    "--redis-timeout-ms",
    type=click.IntRange(1, 5_000),
    default=50,
    show_default=True,
    envvar="ONTEM_REDIS_TIMEOUT_MS",
    help="How long a request waits for Redis.",
)
@click.option(
    "--statement-timeout-ms",
    type=click.IntRange(1, 30_000),
    default=500,
    show_default=True,
    envvar="ONTEM_STATEMENT_TIMEOUT_MS",
    help="How long a request waits for one statement of PostgreSQL.",
)
def serve(
    bind: str, workers: int, threads: int, redis_timeout_ms: int, statement_timeout_ms: int
) -> None:
    """Answer POST /evaluate until stopped."""
    settings = settings_here()
    limits = start.Limits(
        redis_timeout=timedelta(milliseconds=redis_timeout_ms),
        statement_timeout=timedelta(milliseconds=statement_timeout_ms),
    )
    log.configure(settings.log_level)
    check_address(bind)
    served_model = start.load(settings)
    start.check(settings, served_model, now_us=wall_clock_us())
    served_model.warm_up(wall_clock_us())
    clock = SteadyClock(wall_clock_us)
    binding = Binding(address=bind, workers=workers, threads=threads)
    log.info("serving", bind=bind, workers=workers, model=served_model.model.manifest.name)
    Server(lambda: start.application(settings, served_model, limits, clock), options(binding)).run()
