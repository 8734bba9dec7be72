"""The demo's service on the ordinary clock, also days later."""

from __future__ import annotations

import os
import subprocess
import time
from datetime import date

import click
import redis

from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from ontem.demo.errors import NoDemo
from ontem.demo.folder import Place, command
from stores.redis.publish import read_published
from stores.settings import Settings


def serve_demo(place: Place, bind: str) -> None:
    """Start the stack, run the night that is missing, then become the service."""
    if not place.report_file.exists():
        raise NoDemo(place.folder)
    for sentence in place.up():
        click.echo(sentence)
    settings, environ = place.settings(), place.variables()
    missing = missing_night(settings, time.time_ns() // 1_000)
    if missing is not None:
        click.echo(f"The snapshot of {missing} is not published: running its night …")
        words = command("jobs", "snapshot", "--as-of", missing.isoformat())
        subprocess.run(words, env=environ, check=True)
    click.echo(f"POST /evaluate on http://{bind} until Ctrl-C; the API key is in {place.key_file}")
    words = command("ontem", "serve", "--bind", bind)
    os.execve(words[0], words, environ)  # noqa: S606  no shell is wanted


def missing_night(settings: Settings, now_us: int) -> date | None:
    """The snapshot that a request would ask for at `now_us`, if it is not published."""
    calendar = Calendar(settings.timezone)
    features = FeatureSet(settings.timezone, settings.snapshot_lag)
    due_day = calendar.as_of(now_us, settings.snapshot_lag)
    newest = read_published(redis.Redis.from_url(settings.redis_url), features.timelines_id).newest
    if newest is not None and newest.as_of >= due_day:
        return None
    return date.fromordinal(due_day)
