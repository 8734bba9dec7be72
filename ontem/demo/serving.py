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
from features_pkg.entity_keys import EntityKeys
from ontem.demo.errors import NightFailed, NoDemo
from ontem.demo.folder import DemoFolder
from ontem.demo.stages import python_module
from service.address import check_address
from stores.redis.keys import Namespace
from stores.redis.published import read_published
from stores.settings import Settings


def serve_demo(folder: DemoFolder, bind: str) -> None:
    """Start the stack, run the night that is missing, then become the service.

    Raises NoDemo, AddressUnusable or NightFailed.
    """
    if not folder.report_file.exists():
        raise NoDemo(folder.path)
    check_address(bind)
    for sentence in folder.up():
        click.echo(sentence)
    environ = folder.environ()
    missing = missing_night(folder.settings(), time.time_ns() // 1_000)
    if missing is not None:
        click.echo(f"The snapshot of {missing} is not published: running its night …")
        night = python_module("jobs", "night", "--as-of", missing.isoformat())
        if code := subprocess.run(night, env=environ, check=False).returncode:
            raise NightFailed(missing, code)
    click.echo(f"POST /evaluate on http://{bind} until Ctrl-C; the API key is in {folder.key_file}")
    service = python_module("ontem", "serve", "--bind", bind)
    os.execve(service[0], service, environ)  # noqa: S606  no shell is wanted


def missing_night(settings: Settings, now_us: int) -> date | None:
    """The day of the snapshot that a request at `now_us` needs, None if it is published."""
    calendar = Calendar(settings.timezone)
    features = FeatureSet(settings.timezone, settings.snapshot_lag)
    due_day = calendar.due_day(now_us, settings.snapshot_lag)
    with redis.Redis.from_url(settings.redis_url) as client:
        namespace = Namespace.of(EntityKeys(settings.entity_secret, features.timelines_id))
        newest = read_published(client, namespace).newest
    if newest is not None and newest.as_of >= due_day:
        return None
    return date.fromordinal(due_day)
