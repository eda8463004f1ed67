# Needs Python 3.11 or newer and make. Everything else goes into .venv, once, on the first call.
#
#   make test PYTHON=python3.13   chooses the Python of a new .venv (`make clean` removes an old one)
#   make test ARGS="-k mailbox"   hands arguments to pytest; the same with boot (ARGS=--help), bench and hunt

VENV  := .venv
PY    := $(VENV)/bin/python
READY := $(VENV)/.ready
PEERS := $(VENV)/.peers
TYPED := $(wildcard actors bus examples tests/typing)
RUNS  := 20000

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help boot test lint types bench hunt soak clean

help:  ## print this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 12

boot: $(READY)  ## watch a server boot, and a token die on the way
	@$(PY) -m actors boot $(ARGS)

test: $(READY)  ## run the tests
	@$(PY) -m pytest $(ARGS)

lint: $(READY)  ## check style, format and the direction of imports
	@$(PY) -m ruff check --quiet
	@$(PY) -m ruff format --check --quiet
	@$(VENV)/bin/lint-imports --no-logo

types: $(READY)  ## check types, twice
	@$(PY) -m mypy $(TYPED)
	@$(PY) -m basedpyright $(TYPED)

bench: $(PEERS)  ## measure against the peers
	@$(PY) -m tests.benchmarks $(ARGS)

hunt: $(READY)  ## search a cloud for what timing breaks
	@$(PY) -m actors hunt $(ARGS)

soak: $(READY)  ## run the tests that take long, and the machine RUNS=20000 times
	@$(PY) -m pytest -m hunt $(ARGS)
	@$(PY) -m actors hunt --no-races --runs $(RUNS)

clean:  ## remove all that make made; what Hypothesis remembers stays
	@rm -rf $(VENV) build dist .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A Python on PATH may be a launcher with nothing behind it, so each candidate is asked for its version.
CANDIDATES := $(or $(PYTHON),python3.13 python3.12 python3.11 python3 python)
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))

# pip knows dependency groups since 25.1.
ifneq ($(shell command -v uv 2>/dev/null),)
usable   = $(PY) -c '$(NEW_ENOUGH)'
new_venv = uv venv --quiet --clear --python "$$python" $(VENV)
install  = uv pip install --quiet --python $(PY)
else
usable   = $(PY) -c 'import pip; $(NEW_ENOUGH)'
new_venv = "$$python" -m venv --clear $(VENV)
install  = $(PY) -m pip install --quiet --upgrade 'pip>=25.1' && $(PY) -m pip install --quiet
endif

$(READY): pyproject.toml
	@set -e; if ! $(usable) 2>/dev/null; then \
	  for python in $(CANDIDATES) ""; do \
	    if "$$python" -c '$(NEW_ENOUGH)' 2>/dev/null; then break; fi; \
	  done; \
	  if [ -z "$$python" ]; then \
	    echo "No Python 3.11 or newer among: $(CANDIDATES)." >&2; \
	    echo "Install one, or name one: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; \
	    exit 1; \
	  fi; \
	  $(new_venv); \
	fi
	@echo "Installing into $(VENV), $$($(PY) --version) ..."
	@$(install) --editable '.[cloud,testing]' --group dev
	@touch $@

$(PEERS): $(READY)
	@echo "Installing the peers ..."
	@$(install) --group bench
	@touch $@
