# What a developer types. Nothing but Python 3.11 or newer (with venv) has to be there beforehand.
.DEFAULT_GOAL := help
.PHONY: help dev test check lint types imports gates generated format deploy-check clients bench clean
.NOTPARALLEL:

BIN := .venv/bin
READY := .venv/.ready
PYTHON ?=
PYTEST_ARGS ?=
# Processes the tests are spread over; a file stays in one.
WORKERS ?= 2
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Tools keep what they remember in one ignored folder.
export RUFF_CACHE_DIR := $(CURDIR)/.cache/ruff

help:
	@echo "make dev            local server on http://127.0.0.1:3000 (PORT=…)"
	@echo "make test           the tests (PYTEST_ARGS='-k name')"
	@echo "make check          linters, type checkers, layers, structure gates, generated files, tests"
	@echo "make format         formats and fixes what can be fixed"
	@echo "make deploy-check   builds with the Vercel CLI and starts every function once"
	@echo "make clients        installs the npm packages whose clients are tested (needs npm)"
	@echo "make bench          measurements (BENCH=name)"
	@echo "make clean          removes .venv and everything generated"

# A pyenv shim may exist for a version that is not installed, so each candidate is asked.
$(READY): requirements.txt requirements-dev.txt
	@for python in $(PYTHON) python3.12 python3.13 python3.14 python3.11 python3 /usr/bin/python3; do \
		if $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
			found=$$python; break; \
		fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "No Python 3.11 or newer with venv was found. Install one, or say: make PYTHON=/path/to/python3.12 dev" >&2; \
		exit 1; \
	fi; \
	if ! $(BIN)/python -c '' >/dev/null 2>&1; then \
		echo "creating .venv with $$($$found -V)" >&2; \
		$$found -m venv --clear .venv || exit 1; \
	fi; \
	echo "installing the packages of requirements-dev.txt" >&2; \
	$(BIN)/python -m pip install -qq -r requirements-dev.txt
	@touch $(READY)

dev: $(READY)
	@exec $(BIN)/python -m dev

# pytest's summary is the last line printed.
test: $(READY)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(PYTEST_ARGS)

check: lint types imports gates generated test

lint: $(READY)
	@$(BIN)/ruff check --quiet --output-format concise .
	@$(BIN)/ruff format --check --quiet .

types: $(READY)
	@mkdir -p .cache
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/pyright --pythonpath $(BIN)/python >.cache/pyright.log 2>&1 || { cat .cache/pyright.log; exit 1; }

imports: $(READY)
	@mkdir -p .cache
	@$(BIN)/lint-imports --cache-dir .cache/imports >.cache/imports.log 2>&1 || { cat .cache/imports.log; exit 1; }

gates: $(READY)
	@$(BIN)/python -m scripts.structure_gates

generated: $(READY)
	@$(BIN)/python -m scripts.generate_prices --check
	@$(BIN)/python -m scripts.settings_table --check
	@$(BIN)/python -m scripts.access_table --check

format: $(READY)
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format --quiet .

deploy-check: $(READY)
	@$(BIN)/python -m scripts.deploy_check

# Without these the tests of clients written in JavaScript are skipped.
clients:
	@for folder in $(dir $(wildcard tests/e2e/*/package.json)); do \
		npm install --prefix $$folder --no-package-lock --no-audit --no-fund --loglevel=error || exit 1; \
	done

# Every program of bench/ in turn, or the one named.
bench: $(READY)
	@for name in $(or $(BENCH),$(basename $(notdir $(wildcard bench/[a-z]*.py))) $(notdir $(patsubst %/__main__.py,%,$(wildcard bench/*/__main__.py)))); do \
		echo "== $$name"; $(BIN)/python -m bench.$$name || exit 1; \
	done

clean:
	rm -rf .venv .cache .pytest_cache .mypy_cache .ruff_cache .coverage .vercel
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
