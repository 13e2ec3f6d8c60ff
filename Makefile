# One target for each habit. CI runs the same commands (.ci/run).
# PYTHON is the environment of `pip install -e ".[dev]"`: .venv where there is one.
PYTHON ?= $(if $(wildcard .venv/bin/python),.venv/bin/python,python3)
WORKERS ?= 2
PYTEST = $(PYTHON) -m pytest -q

.DEFAULT_GOAL := help
.PHONY: help setup check lint types house format test test-slow golden bench wheel clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:  ## make .venv with everything that development needs
	python3 -m venv .venv
	.venv/bin/python -m pip install -q -e ".[dev,examples]"

check: lint types house  ## all that needs no compiled code: lint, types, the house's own tests

lint:  ## ruff: rules and format
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

# The whole package is checked under its installed name, through the links in fusegrad/. To look at one
# room: mypy -p fusegrad.ir. Never `mypy ir`: it would give each module a second name.
types:  ## mypy, strict
	$(PYTHON) -m mypy

house:  ## tests/meta: arrows between rooms, package list, sizes, doctests
	$(PYTEST) tests/meta

format:  ## let ruff rewrite what it can
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

test:  ## every test but the slow ones
	$(PYTEST) -n $(WORKERS)

test-slow:  ## the slow tests only
	$(PYTEST) -m slow

golden:  ## rewrite the golden files of the passes; read the diff before it is committed
	$(PYTEST) tests/passes --update-golden

bench:  ## time against the peers
	$(PYTHON) -m benchmarks

# From a copy in a temporary folder, so that no stale build/ gets in and the tests can't see the checkout.
wheel:  ## build sdist and wheel; test the wheel in a fresh environment, outside the checkout
	rm -rf build dist
	$(PYTHON) -m build
	work=$$(mktemp -d) && trap 'rm -rf "$$work"' EXIT && set -e && \
	cp -R tests examples pyproject.toml "$$work" && rm -rf "$$work/tests/meta" && \
	python3 -m venv "$$work/venv" && \
	"$$work/venv/bin/pip" install -q "$$(ls dist/*.whl)[test,examples]" && \
	cd "$$work" && venv/bin/pytest -q -n $(WORKERS)

clean:  ## remove what the other targets leave behind, .venv excepted
	rm -rf build dist *.egg-info .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache htmlcov
	find . -name __pycache__ -type d -not -path './.venv*' -prune -exec rm -rf {} +
