# Every target works on a fresh clone. PYTHON=python3.12 picks another interpreter, VENV=DIR another environment.
PYTHON ?= $(firstword $(shell command -v python3.11 python3 || echo python3))
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check
PINNED := -c constraints.txt --build-constraint constraints.txt
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := help

help: ## show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(VENV)/.installed ## create the virtual environment and install what running needs

bench: $(VENV)/.installed ## export, measure and track swin98 at three batch sizes on this machine
	$(BIN)/python -m harness model=swin98 batchsize=1,4,8 measure=smoke -m

test: $(VENV)/.installed-dev ## run the tests, without the slow ones
	$(PYTEST) -m "not slow"

test-all: $(VENV)/.installed-dev ## run all tests
	$(PYTEST)

lint: $(VENV)/.installed-dev ## check style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev ## check the types
	$(BIN)/mypy

ui: $(VENV)/.installed ## open what was measured in MLflow's page
	$(BIN)/mlflow ui --backend-store-uri sqlite:///mlruns/mlflow.db

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# Not compiled at installation: Python compiles what it imports, and most of this is never imported.
# The stamps are newer than what they were made from, so that a second call installs nothing.
$(VENV)/.installed: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) install --quiet -c constraints.txt pip
	$(PIP) install --no-compile $(PINNED) -e '.[export]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) install --no-compile $(PINNED) -e '.[export,evaluate]' --group dev
	@touch $@

.PHONY: help venv bench test test-all lint types ui
