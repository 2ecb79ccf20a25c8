PYTHON ?= python3
RUN := .venv/bin/python -m

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint games bench clean

help:  ## list the targets
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: .venv/ready  ## make .venv with the project and its development tools

.venv/ready: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mvm needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --editable '.[dev]'
	@touch $@

demo: .venv/ready  ## three defences on the embedded MNIST images, and a table of attacks on them
	$(RUN) mvm.train --multirun game=undefended,sens_fgsm,minimax data=mnist5k eta=0.3 profile=smoke
	$(RUN) mvm.evaluate 'runs=outputs/runs/mnist5k-*-eta0.3-seed0-*' profile=smoke

test: .venv/ready  ## the tests; those on real data need MVM_DATA
	$(RUN) pytest -q

lint: .venv/ready  ## ruff and mypy
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy

games: .venv/ready  ## how often each solver finds the known answers, into docs/solvers.md
	$(RUN) tests.benchmarks.success

bench: .venv/ready  ## what a step of each game costs, into outputs/bench/bench.csv
	$(RUN) tests.benchmarks.steps
	$(RUN) tests.benchmarks.accuracy

clean:  ## remove .venv and the caches; outputs stay
	rm -rf .venv .pytest_cache .ruff_cache .mypy_cache *.egg-info
