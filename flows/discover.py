"""Start the discover run with Prefect: `python flows/discover.py flows/discover.toml [--fresh]`.

Without a Prefect server a temporary one is started and ended by itself; with `PREFECT_API_URL` set,
that server is used. A run that has nothing left to do is shown without either.
"""

from __future__ import annotations

import argparse
import os
import signal
from pathlib import Path

import httpx
from rich.console import Console

from nucleate.cli.failures import explained_failures
from nucleate.cli.show.run import show_end, show_start
from nucleate.core.errors import ResultsError
from nucleate.core.progress import listening
from nucleate.stages.discover import finished_page
from nucleate.stages.run_settings import load_settings

PREFECT = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
}
"""What Prefect reads when it is imported, unless a person says otherwise: nothing is sent anywhere,
its server may take a while to start on a busy machine, and the terminal shows our lines only (what
Prefect logs still reaches its server)."""


OWN = ("127.0.0.1", "localhost")
"""Where the temporary server is: on this machine, where no proxy leads."""


def exempt_own_server() -> None:
    """Let no proxy stand between the run and its temporary server."""
    given = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    hosts = [host.strip() for host in given.split(",") if host.strip()]
    hosts += [host for host in OWN if host not in hosts]
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = ",".join(hosts)


def check_server(address: str | None) -> None:
    """Refuse a Prefect server that does not answer, at once; none is fine.

    Raises:
        ResultsError: says what to do.
    """
    if not address:
        return
    otherwise = "unset PREFECT_API_URL, or use `nucleate discover`, which needs no server"
    try:
        answer = httpx.get(f"{address.rstrip('/')}/health", timeout=10.0)
    except (httpx.HTTPError, httpx.InvalidURL, ImportError, ValueError) as error:
        raise ResultsError(
            f"no Prefect server answers at {address} ({error}); start it, {otherwise}"
        ) from None
    if answer.status_code == httpx.codes.NOT_FOUND and "/api" not in address:
        raise ResultsError(
            f"{address} is no Prefect API; does its address end in /api? Or {otherwise}"
        )


def main(arguments: list[str] | None = None, *, show_finished: bool = False) -> None:
    """Check the settings, run the flow, show the results.

    Args:
        arguments: of the command line; this process's own if None.
        show_finished: whether a run that has nothing left to do is only shown.
    """
    parser = argparse.ArgumentParser(prog="flows/discover.py", description=__doc__.splitlines()[0])
    parser.add_argument("settings", help="the run's settings, e.g. flows/discover.toml")
    parser.add_argument("--fresh", action="store_true", help="start anew instead of resuming")
    parser.add_argument("--run", metavar="NAME", help="name the run")
    parser.add_argument("--results", metavar="DIR", help="folder that holds runs")
    parser.add_argument("--seed", type=int, help="seed of all randomness")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"))
    given = vars(parser.parse_args(arguments))
    path, fresh = given.pop("settings"), given.pop("fresh")
    out = Console(highlight=False, soft_wrap=True)
    with explained_failures(), listening():
        settings = load_settings(Path(path), **given)
        page = finished_page(settings) if show_finished and not fresh else None
        if page is not None:
            out.print("Nothing has changed since this run finished; --fresh starts anew.")
        else:
            for name, value in PREFECT.items():
                os.environ.setdefault(name, value)
            exempt_own_server()
            check_server(os.environ.get("PREFECT_API_URL"))
            # Prefect takes seconds to import, and reads the environment as it does.
            from discover_flow import discover, end_at_once, server_explained

            signal.signal(signal.SIGINT, end_at_once)
            show_start(out, settings)
            with server_explained():
                page = Path(discover(path, fresh=fresh, **given))
        show_end(out, page)


if __name__ == "__main__":
    main(show_finished=True)
