# Two commands do everything on a machine with Python 3.11+ and make:  make demo  and  make test.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# The stamps say that an installation is complete and newer than what it was made from.
MADE   := $(VENV)/.made
RUN    := $(VENV)/.installed
DEV    := $(VENV)/.installed-dev

.DEFAULT_GOAL := help
.PHONY: help demo test ci format lint types contracts generate fresh coverage bench clean

help: ## List what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(MADE):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; say make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(RUN): $(MADE) pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(DEV): $(RUN) requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	@touch $@

demo: $(RUN) ## A whole update run on this machine, no Azure needed
	$(BIN)/gatekeeper demo

test: $(DEV) ## All tests
	$(BIN)/python -m pytest

ci: format lint types contracts fresh coverage ## What CI does

format: $(DEV) ## Formatted as agreed?
	$(BIN)/ruff format --check .

lint: $(DEV) ## Lint
	$(BIN)/ruff check .

types: $(DEV) ## mypy --strict
	$(BIN)/mypy

contracts: $(DEV) ## Who may import whom
	$(BIN)/lint-imports

generate: $(DEV) ## Write the generated files anew
	$(BIN)/python -m gatekeeper.generate

fresh: $(DEV) ## Are the generated files fresh?
	$(BIN)/python -m gatekeeper.generate --check

coverage: $(DEV) ## All tests, with coverage
	$(BIN)/python -m pytest --cov --cov-report=term:skip-covered --cov-fail-under=85

bench: $(DEV) ## Measure
	$(BIN)/python -m benchmarks

clean: ## Throw the environment away
	rm -rf $(VENV) build dist *.egg-info .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis
