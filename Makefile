# One command per wish. `make demo` and `make test` work on a fresh machine; both set up first.
PYTHON ?= python3
BIN := .venv/bin
HOME_FOLDER ?= $(or $(WINNOW_HOME),$(HOME)/.winnow)

.PHONY: setup check test serve demo bench scale soak screenshots

# A job's process may write nothing beside the code it runs: it would compile it anew at every start.
setup: .venv/installed
	@$(BIN)/python -m compileall -q jobs service ticketing winnow workers

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Much of it waits for leases to run out: with three files at a time two cores are never idle.
test: setup
	$(BIN)/pytest --numprocesses $(or $(JOBS),3) --dist loadfile --no-loadscope-reorder

serve: setup
	$(BIN)/winnow-server up --home $(HOME_FOLDER)

demo: setup
	$(BIN)/python examples/demo.py

bench: setup
	$(BIN)/python benchmarks/training_speed.py
	$(BIN)/python benchmarks/start_latency.py

scale: setup
	$(BIN)/python benchmarks/scale.py

# An hour of faults on each kind of database; SOAK_SECONDS and SOAK_SEED choose others.
soak: setup
	WINNOW_CHAOS_SECONDS=$(or $(SOAK_SECONDS),3600) WINNOW_CHAOS_SEED=$(or $(SOAK_SEED),$(shell date +%s)) \
	WINNOW_CHAOS_REPORT=benchmarks/results $(BIN)/pytest -s tests/faults/test_chaos.py

screenshots: setup
	$(BIN)/python benchmarks/screenshots.py
