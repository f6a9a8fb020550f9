"""The command line, `nucleate`. Every stage runs from it without Prefect.

Commands are light: what a stage needs is imported when its command runs, so that `--help` answers
at once.
"""

from __future__ import annotations


def main() -> None:
    """Entry point of the `nucleate` command."""
    from nucleate.cli.app import app

    app(prog_name="nucleate")
