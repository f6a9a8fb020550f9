"""Pages for people: links lead somewhere, commands parse, Python compiles and names exist."""

from __future__ import annotations

import ast
import re
import shlex
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer.main

from nucleate.cli.app import app

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "examples" / "README.md",
]
TARGETS = set(re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text()))


def page_id(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def anchors(text: str) -> set[str]:
    titles = re.findall(r"(?m)^#+ (.*)$", text)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def commands(text: str) -> list[list[str]]:
    """The words of every `nucleate` and `make` command that stands on lines of its own."""
    joined = re.sub(r"\\\n\s*", " ", text)
    found = []
    for line in joined.splitlines():
        words = re.match(r"(?: {4,}|\$ )(?:\.venv/bin/)?((?:nucleate|make) .*)", line)
        if words:
            found.append(shlex.split(words[1], comments=True))
    return found


ALL = [
    pytest.param(words, id=f"{page_id(page)}: {' '.join(words)[:60]}")
    for page in PAGES
    for words in commands(page.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_lead_somewhere(page: Path):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http:", "https:", "mailto:")):
            continue
        file, _, anchor = target.partition("#")
        path = page.parent / file if file else page
        assert path.exists(), f"{page_id(page)}: {target}"
        if anchor and path.suffix == ".md":
            assert anchor in anchors(path.read_text(encoding="utf-8")), f"{page_id(page)}: {target}"


def test_there_are_commands():
    assert len(ALL) > 50


@pytest.mark.parametrize("words", ALL)
def test_a_command_parses(words: list[str]):
    program, *arguments = words
    if program == "make":
        assert arguments[0] in TARGETS
        return
    command: Any = typer.main.get_command(app)
    context = command.make_context("nucleate", arguments[:1], resilient_parsing=True)
    while arguments and hasattr(command, "get_command"):
        found = command.get_command(context, arguments[0])
        if found is None:
            break  # what follows are a group's own options
        command, arguments = found, arguments[1:]
        if hasattr(command, "get_command") and arguments:
            context = command.make_context(
                command.name, list(arguments), parent=context, resilient_parsing=True
            )
    assert command.name in words, f"no such command: {' '.join(words)}"
    command.make_context(command.name, list(arguments), parent=context)


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_python_compiles_and_its_names_exist(page: Path):
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"(?ms)^( *)```python\n(.*?)^ *```", text):
        lines = [line.removeprefix(block[0]) for line in block[1].splitlines()]
        tree = ast.parse("\n".join(lines))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("nucleate"):
                module = import_module(str(node.module))
                for name in node.names:
                    assert hasattr(module, name.name), f"{node.module}.{name.name}"
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "nucleate"
            ):
                assert hasattr(import_module("nucleate"), node.attr), node.attr
