"""`ontem serve`: the entry point of the online service."""

from datetime import timedelta

import click

from service import log, start
from service.address import check_address
from service.app import EXTENSION
from service.build import Build
from service.clock import RequestClock
from service.drain import Drain
from service.head_checks import HeadChecks
from service.hot.keeper import MEGABYTE, HotLimits
from service.metrics.files import SharedCounts
from service.metrics.gauges import observe
from service.model_in_use import ModelInUse
from service.rate_limits import RateLimits
from service.server import (
    WAITING_PER_THREAD,
    Binding,
    Front,
    Lifecycle,
    Server,
    machine_clocks,
    options,
)
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
    "--queue",
    type=click.IntRange(0, 1_000),
    help="Requests that wait for a thread; more get a 503.  [default: 4 for each thread]",
)
@click.option(
    "--connections",
    type=click.IntRange(1, 10_000),
    default=1_000,
    show_default=True,
    help="Clients that one process has at the same time.",
)
@click.option(
    "--client-timeout-ms",
    type=click.IntRange(1, 60_000),
    default=5_000,
    show_default=True,
    envvar="ONTEM_CLIENT_TIMEOUT_MS",
    help="How long a client may take for a head, for a body, and to take an answer.",
)
@click.option(
    "--deadline-ms",
    type=click.IntRange(10, 60_000),
    default=150,
    show_default=True,
    envvar="ONTEM_DEADLINE_MS",
    help="How long a request may take, whatever the stores do.",
)
@click.option(
    "--statement-timeout-ms",
    type=click.IntRange(1, 30_000),
    default=500,
    show_default=True,
    envvar="ONTEM_STATEMENT_TIMEOUT_MS",
    help="When PostgreSQL gives up a statement that no request waits for any more.",
)
@click.option(
    "--health-timeout-ms",
    type=click.IntRange(1, 60_000),
    default=300,
    show_default=True,
    envvar="ONTEM_HEALTH_TIMEOUT_MS",
    help="How long all checks of one /readyz or /statusz together wait for the stores.",
)
@click.option(
    "--recent-rows",
    type=click.IntRange(100, 100_000),
    default=4_000,
    show_default=True,
    envvar="ONTEM_RECENT_ROWS",
    help="How many recent rows of one entity a request reads; those of an entity with an "
    "eighth of that are held in memory.",
)
@click.option(
    "--hot-megabytes",
    type=click.IntRange(1, 10_000),
    default=64,
    show_default=True,
    envvar="ONTEM_HOT_MEGABYTES",
    help="How much memory the entities take that one process holds.",
)
@click.option(
    "--key-grace-minutes",
    type=click.IntRange(0, 1_440),
    default=15,
    show_default=True,
    envvar="ONTEM_KEY_GRACE_MINUTES",
    help="How long known API keys stay valid while PostgreSQL can't be read.",
)
@click.option(
    "--drain-seconds",
    type=click.IntRange(0, 600),
    default=0,
    show_default=True,
    envvar="ONTEM_DRAIN_SECONDS",
    help="How long to answer after a TERM while /readyz says no.",
)
@click.option(
    "--pods",
    type=click.IntRange(1, 1_000),
    default=1,
    show_default=True,
    envvar="ONTEM_PODS",
    help="How many services share the load; each grants its share of a merchant's requests.",
)
@click.pass_context
def serve(
    context: click.Context,
    bind: str,
    workers: int,
    threads: int,
    queue: int | None,
    connections: int,
    client_timeout_ms: int,
    deadline_ms: int,
    statement_timeout_ms: int,
    health_timeout_ms: int,
    recent_rows: int,
    hot_megabytes: int,
    key_grace_minutes: int,
    drain_seconds: int,
    pods: int,
) -> None:
    """Answer POST /evaluate until stopped."""
    settings = settings_here()
    log.configure(settings.log_level)
    check_address(bind)
    clocks, drain, rate_limits = machine_clocks(), Drain(), RateLimits(pods)
    model = ModelInUse(settings, clocks.wall_us, lambda: settings_here().model_path)
    process = start.Process(
        settings=settings,
        limits=start.Limits(
            deadline=timedelta(milliseconds=deadline_ms),
            statement_timeout=timedelta(milliseconds=statement_timeout_ms),
            health_timeout=timedelta(milliseconds=health_timeout_ms),
            hot=HotLimits(most_rows=recent_rows, most_bytes=hot_megabytes * MEGABYTE),
            key_grace=timedelta(minutes=key_grace_minutes),
        ),
        model=model,
        clock=RequestClock(clocks),
        drain=drain,
        threads=threads,
        build=_build(context),
    )
    process.check()
    binding = Binding(address=bind, workers=workers, threads=threads, connections=connections)
    name = model.served_model.model.manifest.name
    log.info("serving", bind=bind, workers=workers, model=name)
    lifecycle = Lifecycle(
        reload=process.reload, drain=drain, drain_time=timedelta(seconds=drain_seconds)
    )
    front = Front(
        waiting=threads * WAITING_PER_THREAD if queue is None else queue,
        time_limit=deadline_ms / 1_000,
        client_seconds=client_timeout_ms / 1_000,
        make_gate=lambda app: HeadChecks(app, app.extensions[EXTENSION].keys, rate_limits),
        observe=lambda app, loop: observe(app.extensions[EXTENSION].stores, loop),
        is_draining=lambda: drain.has_begun,
    )
    Server(process.application, options(binding), lifecycle, front, SharedCounts()).run()


def _build(context: click.Context) -> Build:
    """What the command's group says that it is of; nothing if none says it."""
    version = context.find_root().obj
    return Build(*version()) if callable(version) else Build()
