"""A real Prefect server, and a run that its scheduler starts."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

PATIENCE = 150
"""Seconds after which a run that should have started each minute is given up."""
SERVE = """
from prefect import flow
from prefect.artifacts import create_markdown_artifact

@flow(name="tick")
def tick():
    create_markdown_artifact("tick", key="tick")

if __name__ == "__main__":  # runs import this file
    tick.serve(name="each-minute", cron="* * * * *")
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(condition: object, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if condition():  # type: ignore[operator]
                return True
        except httpx.HTTPError:
            pass
        time.sleep(1)
    return False


@pytest.fixture
def server(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of processes that use a server of its own, in SQLite."""
    port = _free_port()
    environment = os.environ | {
        "DO_NOT_TRACK": "1",
        "NO_PROXY": "127.0.0.1",
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    environment.pop("PREFECT_API_DATABASE_CONNECTION_URL", None)
    command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)]
    with (tmp_path / "server.log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    url = environment["PREFECT_API_URL"]
    try:
        up = _wait(lambda: httpx.get(f"{url}/health", trust_env=False).is_success, 90)
        assert up, (tmp_path / "server.log").read_text()
        yield environment
    finally:
        process.terminate()
        process.wait(30)


def test_a_schedule_starts_a_run(server: dict[str, str], tmp_path: Path) -> None:
    script = tmp_path / "serve.py"
    script.write_text(SERVE)
    url = server["PREFECT_API_URL"]
    with (tmp_path / "serve.log").open("w") as log:
        process = subprocess.Popen([sys.executable, script], env=server, stdout=log, stderr=log)

    runs: list[dict[str, object]] = []

    def completed() -> bool:
        runs[:] = httpx.post(f"{url}/flow_runs/filter", json={}, trust_env=False).json()
        return any(run["state_type"] == "COMPLETED" and run["auto_scheduled"] for run in runs)

    try:
        done = _wait(completed, PATIENCE)
        assert done, (
            (tmp_path / "server.log").read_text() + (tmp_path / "serve.log").read_text() + str(runs)
        )
        artifacts = httpx.post(f"{url}/artifacts/filter", json={}, trust_env=False).json()
        assert [one["key"] for one in artifacts] == ["tick"]
    finally:
        process.kill()
        process.wait(30)
