# Every target works on a fresh clone. PYTHON=python3.12 picks another interpreter, VENV=DIR another environment.
PYTHON ?= $(firstword $(shell command -v python3.11 python3 || echo python3))
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check
PINNED := -c constraints.txt --build-constraint constraints.txt
PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

.DEFAULT_GOAL := help

help: ## show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(VENV)/.installed ## create the virtual environment and install what running needs
	@echo 'For python, harness and mlflow of this environment: . $(BIN)/activate'

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

# For the machine at hand, or for another: make wheelhouse ARCH=aarch64 FOR_PYTHON=3.11 EXTRAS='[export]'
FOR_PYTHON ?= 3.11
PLATFORMS  := 2_17 2_27 2_28 2_34
ELSEWHERE  := $(if $(ARCH),--python-version $(FOR_PYTHON) --only-binary=:all: $(PLATFORMS:%=--platform manylinux_%_$(ARCH)) --platform manylinux2014_$(ARCH))

wheelhouse: $(BIN)/python ## collect everything that an installation without a network needs in wheelhouse/
	rm -f wheelhouse/npu_harness-*.whl
	$(PIP) wheel --quiet --no-deps --wheel-dir wheelhouse $(PINNED) . antlr4-python3-runtime
	$(PIP) download --quiet --dest wheelhouse --find-links wheelhouse -c constraints.txt $(ELSEWHERE) "$$(ls wheelhouse/npu_harness-*.whl)$(EXTRAS)"

ui: $(VENV)/.installed ## open what was measured in MLflow's page
	$(BIN)/mlflow ui --backend-store-uri sqlite:///mlruns/mlflow.db

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet -c constraints.txt pip

# Not compiled at installation: Python compiles what it imports, and most of this is never imported.
# The stamps are newer than what they were made from, so that a second call installs nothing.
$(VENV)/.installed: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) install --no-compile $(PINNED) -e '.[export,evaluate]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) install --no-compile $(PINNED) -e '.[export,evaluate]' --group dev
	@touch $@

.PHONY: help venv bench test test-all lint types wheelhouse ui
