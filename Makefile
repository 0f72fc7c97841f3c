# Everything runs in .venv, which `make setup` makes with nothing but Python 3.11 or newer.

PYTHON ?= python3
PORT ?= 8501
VENV := .venv
RUN := $(VENV)/bin/python

.DEFAULT_GOAL := help
.PHONY: help setup run demo test check bench lock

help: ## Show the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(VENV)/.ready ## Make the virtual environment with everything in it

$(VENV)/.ready: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "DermTrail needs Python 3.11 or newer: make PYTHON=/path/to/it"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check uv
	$(RUN) -m uv pip install --quiet --python $(RUN) -r requirements.txt
	@touch $@

run: setup ## Serve the dashboard (PORT=8501)
	@$(RUN) -m dashboard --port $(PORT)

demo: setup ## Serve a throw-away clinic full of synthetic patients
	@DERMTRAIL_HOME=$$(mktemp -d) && export DERMTRAIL_HOME DERMTRAIL_DATABASE_URL= && \
	trap 'rm -rf "$$DERMTRAIL_HOME"' EXIT && trap 'exit 130' INT TERM && \
	$(RUN) -m core demo && $(RUN) -m dashboard --port $(PORT)

check: setup ## Format, lint and types, without the tests
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy

test: check ## Format, lint, types and all tests
	$(RUN) -m pytest

bench: setup ## How fast it is, as ratios of one run; writes bench/results.json
	$(RUN) -m bench

lock: setup ## Pin requirements.in anew into requirements.txt
	$(RUN) -m uv pip compile requirements.in --universal --python-version 3.11 --no-header --no-annotate --upgrade -o requirements.txt
