# The two commands of a fresh clone are `make discover` and `make test`; both start with `setup`.
#
#   make setup      make .venv and install the locked dependencies (a no-op when nothing changed)
#   make discover   run the whole pipeline with flows/discover.toml
#   make serve      server, worker and every flow on this machine (ARGS="--cron '0 2 * * *'")
#   make test       lint, types and all tests on every core (JOBS=1 on one; PYTEST='-k name' some)
#   make lint       ruff alone          make types   mypy alone
#   make lock       rewrite constraints.txt from what .venv holds
#   make clean      remove .venv and caches; results/ is kept

PYTHON ?= python3
VENV ?= .venv
SETTINGS ?= flows/discover.toml
ARGS ?=
JOBS ?= auto
PYTEST ?=

BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
MISSING_VENV := "make: $(PYTHON) cannot make virtual environments." \
	"On Debian or Ubuntu: apt install python3-venv"

.DEFAULT_GOAL := help
.PHONY: help setup discover serve test lint types lock clean

help:
	@awk '/^#/ {sub(/^# ?/, ""); print; next} {exit}' Makefile

setup: $(STAMP)

# The stamp is newer than both files after an installation that succeeded, and only then.
$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) not found; Nucleate needs Python 3.11 or newer" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "make: $$($(PYTHON) --version) is too old; Nucleate needs 3.11 or newer (PYTHON=python3.12 make ...)" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { printf '%s\n' $(MISSING_VENV) >&2; exit 1; }
	@test -x $(BIN)/python || { echo "Making $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "Installing the locked dependencies into $(VENV): some minutes, once"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $(STAMP)

discover: setup
	@$(BIN)/python flows/discover.py $(SETTINGS) $(ARGS)

serve: setup
	@$(BIN)/python flows/serve.py --discover $(SETTINGS) $(ARGS)

test: setup lint types
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(PYTEST)

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: setup
	$(BIN)/mypy

lock: setup
	$(BIN)/python .ci/lock.py > constraints.txt.part
	@mv constraints.txt.part constraints.txt

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
