# `make run` and `make test` each set everything up on a fresh machine; nothing else has to be done before.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test setup python engines core lint types core-tests engine-tests quickstart-test end-to-end-tests drills bench graph pictures lock clean

VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
RUN ?=
# Which of pyproject.toml's extras are installed. All are locked; those that nothing here uses yet only cost time.
# With empty caches on two cores: dev 9 s, with lake (Spark, 0.5 GB) 44 s; containers and serving would add 4 s.
EXTRAS ?= dev lake
space := $(subst ,, )
PYTHON_READY := $(VENV)/.ready-with-$(subst $(space),+,$(strip $(EXTRAS)))
PYTHONS := $(PYTHON) python3 python3.13 python3.12 python3.11 /usr/bin/python3
PYTEST := $(BIN)/python -m pytest --durations=15
# Where it is set, every process compiles all that it imports: of a load 1 CPU s, of Great Expectations 2.5.
unexport PYTHONDONTWRITEBYTECODE

help: ## list what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: setup ## set up, then run the quickstart (ARGS="--seed 7" is passed on)
	$(BIN)/floodmark run scenarios/quickstart.yaml $(ARGS)

test: setup lint types core-tests engine-tests quickstart-test end-to-end-tests ## set up, then run every check and test

setup: python engines ## Python packages, Java and Maven, the engines: what is there is left alone

core: python lint types core-tests ## the fast loop: lint, types and the tests that need no engine

drills: setup ## set up, then run the tests that take minutes each: Spark killed in the middle of every layer
	$(PYTEST) tests/drills --timeout=900 $(ARGS)

bench: setup ## set up, then measure the stream job stage by stage (ARGS="stream --events 500000" is passed on)
	$(BIN)/python -m tests.bench $(ARGS)

graph: python ## print the rooms of the product, the imports between them, and those that run the wrong way
	@$(BIN)/python -m tests.import_graph

pictures: setup ## draw the README's picture from a new quickstart (RUN=reports/runs/ID: from that run)
	$(if $(RUN),,$(BIN)/floodmark run scenarios/quickstart.yaml $(ARGS))
	$(BIN)/python -m reports.pictures $(or $(RUN),$$(ls -td reports/runs/*--* | head -n 1))

lock: ## renew requirements.lock and harness/artifacts/engines.lock (ARGS=--upgrade: newer Python packages)
	@test -x $(BIN)/uv || $(MAKE) python  # only if there is none: with a stale lock, `python` would be refused
	$(BIN)/uv pip compile pyproject.toml --universal --all-extras --python-version 3.11 --generate-hashes \
	  --no-annotate --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	  --quiet --output-file requirements.lock $(ARGS)
	$(BIN)/python -m harness.artifacts lock

clean: ## remove the Python environment and the tools' caches (the engines' cache is kept)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

# --- Set-up -------------------------------------------------------------------------------------------------

# An environment whose Python was removed or moved since is made anew.
$(shell $(BIN)/python -c '' 2>/dev/null || rm -f $(VENV)/.ready-with-*)

python: $(PYTHON_READY)

# A command may exist and not work (a version manager's shim), so each is tried by running it.
$(PYTHON_READY): pyproject.toml requirements.lock harness/artifacts/environment.py
	@for python in $(PYTHONS); do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    exec $$python harness/artifacts/environment.py $(VENV) $(EXTRAS); \
	  fi; \
	done; \
	echo "Python 3.11 or later is needed; tried: $(PYTHONS). Install it, or name one: make PYTHON=/path/to/python3" >&2; \
	exit 4
	@touch $@

# Always asked, never stamped: the cache lies outside the checkout. Asking a complete one takes a tenth of a second.
engines: python
	@$(BIN)/python -m harness.doctor requirements.lock
	@$(BIN)/python -m harness.artifacts ensure

# --- Checks -------------------------------------------------------------------------------------------------

lint: python
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: python
	$(BIN)/mypy

# The limits, of one test and of all, end what hangs within the hour. On a slow machine all of it takes twice as long as usual.
core-tests: python
	$(PYTEST) tests/core -n logical --dist loadfile --no-loadscope-reorder --timeout=120 --session-timeout=900 $(ARGS)

# One at a time, in a worker of its own, as signals are a part of what is tested: two at once take seven minutes instead of ten
# on two cores, and then tests wait for engines that wait for each other.
engine-tests: setup
	$(PYTEST) tests/engines -n 1 --dist loadfile --no-loadscope-reorder --timeout=240 --session-timeout=2400 $(ARGS)

# It has limits of latency, so nothing else runs beside it.
quickstart-test: setup
	$(PYTEST) tests/end_to_end/test_quickstart.py --timeout=300

end-to-end-tests: setup
	$(PYTEST) tests/end_to_end --ignore=tests/end_to_end/test_quickstart.py -n auto --maxschedchunk=1 \
	  --timeout=400 --session-timeout=3000 $(ARGS)
