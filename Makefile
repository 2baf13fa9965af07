# One command per wish. `make demo` and `make test` work on a fresh machine; both set up first.
PYTHON ?= python3
BIN := .venv/bin
HOME_FOLDER ?= $(or $(WINNOW_HOME),$(HOME)/.local/share/winnow)

.PHONY: setup check test serve demo bench screenshots

setup: .venv/installed

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: setup
	$(BIN)/pytest

serve: setup
	$(BIN)/winnow-server up --home $(HOME_FOLDER)

demo: setup
	$(BIN)/python examples/demo.py

bench: setup
	$(BIN)/python benchmarks/training_speed.py
	$(BIN)/python benchmarks/start_latency.py

screenshots: setup
	$(BIN)/python benchmarks/screenshots.py
