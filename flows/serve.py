"""Serve every flow on this machine: `make serve`, or `python flows/serve.py [--discover TOML]`.

Starts a Prefect server if `PREFECT_API_URL` names none, deploys the flows on it, and runs what
its page or its schedules start until Ctrl-C. Runs of one kind never overlap.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from typing import Any

import httpx

from discover import PREFECT, check_server, exempt_own_server
from nucleate.cli.failures import explained_failures
from nucleate.core.errors import ResultsError

PORT = 4200
PATIENCE = 120
"""Seconds that a server may take to start on a busy machine."""


def start_server(port: int) -> subprocess.Popen[bytes]:
    """Start a Prefect server of our own, and wait until it answers.

    Raises:
        ResultsError: the port is in use, or it does not start.
    """
    address = f"http://127.0.0.1:{port}/api"
    try:
        httpx.get(f"{address}/health", timeout=2.0)
    except httpx.HTTPError:
        pass
    else:
        raise ResultsError(
            f"something answers on port {port} already: set PREFECT_API_URL={address} if it is a "
            "Prefect server, or choose another --port"
        )
    command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            if httpx.get(f"{address}/health", timeout=2.0).is_success:
                os.environ["PREFECT_API_URL"] = address
                return process
        except httpx.HTTPError:
            time.sleep(0.5)
    process.kill()
    said = (process.stderr.read().decode("utf-8", "replace") if process.stderr else "").strip()
    raise ResultsError(f"the Prefect server does not start: {said.splitlines()[-1:] or 'no word'}")


def serve_flows(settings: str, cron: str | None, timezone: str) -> None:
    """Deploy the flows and run what is started, until interrupted."""
    # Prefect takes seconds to import, and reads the environment as it does.
    from prefect import serve
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
    from prefect.schedules import Cron

    import jobs
    from discover_flow import discover

    one_at_a_time = ConcurrencyLimitConfig(
        limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW
    )
    nightly: Any = discover.to_deployment(
        name="nightly",
        parameters={"settings": settings},
        schedule=None if cron is None else Cron(cron, timezone=timezone),
        concurrency_limit=one_at_a_time,
        tags=["nucleate"],
    )
    others: list[Any] = [
        flow.to_deployment(name="on-demand", tags=["nucleate"])
        for flow in (
            jobs.featurize,
            jobs.train,
            jobs.generate,
            jobs.optimize,
            jobs.screen,
            jobs.loop,
        )
    ]
    serve(nightly, *others, limit=2)


def main(arguments: list[str] | None = None) -> None:
    """Start what is missing, and serve."""
    parser = argparse.ArgumentParser(prog="flows/serve.py", description=__doc__.splitlines()[0])
    parser.add_argument("--discover", default="flows/discover.toml", help="settings of the run")
    parser.add_argument("--cron", help="when the run starts, e.g. '0 2 * * *'; never if not given")
    parser.add_argument("--timezone", default="UTC", help="of --cron, e.g. Europe/Berlin")
    parser.add_argument("--port", type=int, default=PORT, help="of a server that is started")
    given = parser.parse_args(arguments)
    with explained_failures():
        for name, value in PREFECT.items():
            os.environ.setdefault(name, value)
        exempt_own_server()
        check_server(os.environ.get("PREFECT_API_URL"))
        server = None if os.environ.get("PREFECT_API_URL") else start_server(given.port)
        page = os.environ["PREFECT_API_URL"].removesuffix("/api")
        print(f"Prefect's page: {page} (Ctrl-C ends this)", flush=True)
        try:
            serve_flows(given.discover, given.cron, given.timezone)
        finally:
            if server is not None:
                server.terminate()


if __name__ == "__main__":
    main()
