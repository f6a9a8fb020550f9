"""The discover run as a Prefect flow: `python flows/discover.py flows/discover.toml [--fresh]`.

What is done and in which order is said in `nucleate.stages.discover`; this file adds what Prefect
is for: retries where the network is concerned, a record of every run with its states and times,
artifacts to look at, and schedules (`flows/prefect.yaml`). Without a Prefect server a temporary one
is started and ended by itself; with `PREFECT_API_URL` set, that server is used.

Tasks have no Prefect cache: each stage decides by the digest of its settings, inputs and code
whether its folder is current (`nucleate.core.manifest`), so that a run resumes with and without
Prefect.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Prefect reads these when it is imported; a person's own values win. Nothing is sent anywhere,
# starting the server may take a while on a busy machine, and the terminal shows our lines only
# (what Prefect logs still reaches its server).
for _name, _value in {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
}.items():
    os.environ.setdefault(_name, _value)

from pathlib import Path  # noqa: E402

from rich.console import Console  # noqa: E402

from nucleate.cli.failures import explained_failures  # noqa: E402
from nucleate.cli.show.run import BEST, Announcer, show_end, show_start  # noqa: E402
from nucleate.stages.discover import finished_page, load_settings  # noqa: E402


def _arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="flows/discover.py", description=__doc__.splitlines()[0])
    parser.add_argument("settings", help="the run's settings, e.g. flows/discover.toml")
    parser.add_argument("--fresh", action="store_true", help="start anew instead of resuming")
    parser.add_argument("--run", metavar="NAME", help="name the run")
    parser.add_argument("--results", metavar="DIR", help="folder that holds runs")
    parser.add_argument("--seed", type=int, help="seed of all randomness")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"))
    return parser.parse_args(given)


def _overrides(arguments: argparse.Namespace) -> dict[str, Any]:
    return {name: getattr(arguments, name) for name in ("run", "results", "seed", "device")}


def _show_finished(arguments: argparse.Namespace) -> bool:
    """Show a run that has nothing left to do; whether it is one."""
    out = Console(highlight=False, soft_wrap=True)
    with explained_failures():
        settings = load_settings(Path(arguments.settings), **_overrides(arguments))
        page = None if arguments.fresh else finished_page(settings)
        if page is None:
            return False
        out.print("Nothing has changed since this run finished; --fresh starts anew.")
        show_end(out, page)
        return True


if __name__ == "__main__" and _show_finished(_arguments(sys.argv[1:])):
    sys.exit()  # without importing Prefect, which takes seconds, and without a server

from prefect import flow, get_run_logger, task  # noqa: E402
from prefect.artifacts import (  # noqa: E402
    create_link_artifact,
    create_markdown_artifact,
    create_table_artifact,
)
from prefect.cache_policies import NO_CACHE  # noqa: E402
from prefect.server.api.server import SubprocessASGIServer  # noqa: E402

from nucleate.core.errors import DatasetError  # noqa: E402
from nucleate.core.manifest import Manifest  # noqa: E402
from nucleate.report.collect import MatterData, collect  # noqa: E402
from nucleate.report.formatting import candidate_title, number, reasons, words  # noqa: E402
from nucleate.settings.run import DiscoverSettings  # noqa: E402
from nucleate.stages.discover import StageCall, fetch_all, run_all, run_matter  # noqa: E402
from nucleate.stages.run_folder import open_run  # noqa: E402


def _is_fetch_failure(_task: Any, _run: Any, state: Any) -> bool:
    """Whether trying again may help: a dataset could not be had."""
    return isinstance(state.result(raise_on_failure=False), DatasetError)


@task(
    name="fetch",
    cache_policy=NO_CACHE,
    retries=2,
    retry_delay_seconds=[2, 15],
    retry_condition_fn=_is_fetch_failure,
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
            create_table_artifact(_funnel(data), key=_key(f"funnel-{data.name}"))
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


def _funnel(data: MatterData) -> list[dict[str, Any]]:
    return [
        {
            "check": words(row["check"]),
            "in": row["entered"],
            "passed": row["passed"],
            "rejected for": reasons(row.get("reasons", {})),
        }
        for row in data.funnel
    ]


def _markdown(matter: list[MatterData]) -> str:
    lines = []
    for data in matter:
        lines.append(f"## {data.name}: {data.kept} candidates\n")
        if data.kept:
            lines += ["| candidate | score |", "|---|---|"]
            lines += [
                f"| `{candidate_title(data, row)}` | {number(row.get('score'))} |"
                for row in data.best(BEST)
            ]
            lines.append("")
    return "\n".join(lines)


def _end_at_once(_signal: int, _frame: Any) -> None:
    """Leave on Ctrl-C without Prefect's farewell.

    The same Ctrl-C reaches the temporary server, and Prefect would wait minutes for its answer. All
    that a run keeps is on disk already, so that nothing is lost; worker processes end with us.
    """
    print("\nnucleate: interrupted; the same command resumes where it stopped", file=sys.stderr)
    sys.stdout.flush()
    for server in list(SubprocessASGIServer._instances.values()):
        server.stop()
    os._exit(130)


@contextmanager
def _unwound_by_interrupt() -> Iterator[None]:
    """Let Ctrl-C unwind a stage, so that its files and worker processes are closed; then leave."""
    if signal.getsignal(signal.SIGINT) is not _end_at_once:  # called by a server, not by `main`
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        _end_at_once(signal.SIGINT, None)
    finally:
        signal.signal(signal.SIGINT, _end_at_once)


def main(arguments: list[str] | None = None) -> None:
    """The command: check the settings, run the flow, show the results."""
    given = _arguments(arguments)
    out = Console(highlight=False, soft_wrap=True)
    signal.signal(signal.SIGINT, _end_at_once)
    with explained_failures():
        show_start(out, load_settings(Path(given.settings), **_overrides(given)))
        page = discover(given.settings, fresh=given.fresh, **_overrides(given))
        show_end(out, Path(page))


if __name__ == "__main__":
    # Worker processes import the main module's file anew: without it they do not load Prefect.
    del globals()["__file__"]
    main(sys.argv[1:])
