"""The discover run as a Prefect flow; `discover.py` beside this file starts it.

What is done and in which order is said in `nucleate.stages.discover`; this file adds what Prefect
is for: retries where the network is concerned, a record of every run with its states and times,
artifacts to look at, and schedules (`flows/prefect.yaml`).

Tasks have no Prefect cache: each stage decides by the digest of its settings, inputs and code
whether its folder is current (`nucleate.core.manifest`), so that a run resumes with and without
Prefect.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
from prefect import flow, get_run_logger, task
from prefect.artifacts import create_link_artifact, create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.settings import get_current_settings
from rich.console import Console

from artifacts import is_fetch_failure, show_funnel
from nucleate.cli.show.run import BEST, Announcer
from nucleate.core.errors import ResultsError
from nucleate.core.manifest import Manifest
from nucleate.report.collect import MatterData, collect
from nucleate.report.formatting import candidate_title, number
from nucleate.settings.run import DiscoverSettings
from nucleate.stages.discover import StageCall, fetch_all, run_all, run_matter
from nucleate.stages.run_folder import open_run
from nucleate.stages.run_settings import load_settings


@task(
    name="fetch",
    cache_policy=NO_CACHE,
    retries=2,
    retry_delay_seconds=[2, 15],
    retry_condition_fn=is_fetch_failure,
)
def fetch(settings: DiscoverSettings) -> None:
    """Have every dataset file here, verified, before any work starts."""
    for path in fetch_all(settings):
        get_run_logger().info("have %s", path)


@task(name="stage", cache_policy=NO_CACHE)
def stage(call: StageCall) -> Manifest:
    """Do one stage of one kind of matter, or nothing if its folder is current."""
    with _unwound_by_interrupt():
        manifest = call()
    get_run_logger().info("%s of %s: %s", call.stage, call.matter, manifest.metrics)
    return manifest


@task(name="artifacts", cache_policy=NO_CACHE)
def publish_artifacts(page: Path) -> None:
    """Show the funnels, the best candidates and the report's address in Prefect."""
    run = collect(page.parent)
    for data in run.matter:
        if data.funnel:
            show_funnel(data.funnel, _key(f"funnel-{data.name}"))
    create_markdown_artifact(_markdown(run.matter), key="discover-summary")
    create_link_artifact(page.resolve().as_uri(), link_text="report.html", key="discover-report")


@flow(name="discover", flow_run_name="discover {settings}")
def discover(
    settings: str = "flows/discover.toml",
    fresh: bool = False,
    run: str | None = None,
    results: str | None = None,
    seed: int | None = None,
    device: str | None = None,
) -> str:
    """Every stage for every kind of matter, then the report.

    Args:
        settings: path of the run's settings file; the other parameters override it.
        fresh: start anew instead of resuming.

    Returns:
        Path of `report.html`.

    Raises:
        NucleateError: of the first kind of matter that failed, after the others are done.
    """
    chosen = load_settings(Path(settings), run=run, results=results, seed=seed, device=device)
    out = Console(highlight=False, soft_wrap=True)

    def call_stage(call: StageCall) -> Manifest:
        return stage.with_options(name=call.stage, task_run_name=f"{call.matter}: {call.stage}")(
            call
        )

    announcer = Announcer(out, call_stage)
    with open_run(chosen, fresh=fresh) as opened:

        @flow(name="discover one kind of matter", flow_run_name="{matter}")
        def one_kind(matter: str) -> None:
            run_matter(opened, matter, announcer)

        fetch(chosen)
        page = run_all(opened, one_kind)
    publish_artifacts(page)
    return str(page)


def _key(text: str) -> str:
    return text.lower().replace("_", "-")


def _markdown(matter: list[MatterData]) -> str:
    lines = []
    for data in matter:
        lines.append(f"## {data.name}: {data.candidate_count} candidates\n")
        if data.candidate_count:
            lines += ["| candidate | score |", "|---|---|"]
            lines += [
                f"| `{candidate_title(data, row)}` | {number(row.get('score'))} |"
                for row in data.best(BEST)
            ]
            lines.append("")
    return "\n".join(lines)


def end_at_once(_signal: int, _frame: Any) -> None:
    """Leave on Ctrl-C without Prefect's farewell.

    The same Ctrl-C reaches the temporary server, and Prefect would wait minutes for its answer. All
    that a run keeps is on disk already, so that nothing is lost.
    """
    print("\nnucleate: interrupted; the same command resumes where it stopped", file=sys.stderr)
    sys.stdout.flush()
    for process in psutil.Process().children(recursive=True):  # the server, and workers
        process.terminate()
    os._exit(130)


_OF_SERVERS = re.compile(r"Prefect API|proxy", re.IGNORECASE)


@contextmanager
def server_explained() -> Iterator[None]:
    """Turn Prefect's own words about its server into one message.

    Raises:
        ResultsError: its temporary server did not start, or a server could not be reached.
    """
    try:
        yield
    except (RuntimeError, ImportError, ValueError, httpx.HTTPError) as error:
        # Of these kinds are Prefect's own word, and what httpx says of a proxy that it cannot use.
        if not isinstance(error, httpx.HTTPError) and not _OF_SERVERS.search(str(error)):
            raise
        address = get_current_settings().api.url
        which = f"the Prefect server at {address}" if address else "Prefect's temporary server"
        raise ResultsError(
            f"{which} cannot be reached ({str(error).splitlines()[0]}); `nucleate discover` does "
            "the same without a server"
        ) from error


@contextmanager
def _unwound_by_interrupt() -> Iterator[None]:
    """Let Ctrl-C unwind a stage, so that its files and worker processes are closed; then leave."""
    if signal.getsignal(signal.SIGINT) is not end_at_once:  # called by a server
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        end_at_once(signal.SIGINT, None)
    finally:
        signal.signal(signal.SIGINT, end_at_once)
