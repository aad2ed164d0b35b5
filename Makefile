# Everything runs from the checkout: `make setup` installs what the locks pin, never the project itself.
# PYTHON=/path/to/python3.12 chooses the interpreter; ARGS="..." is passed on by run, test and bench.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?=
ARGS ?=
HOURS ?= 24
# Test processes side by side, one more than there are cores, for a third of the tests wait for sockets and programs;
# WORKERS=0 runs the tests in one process, in order.
CORES := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
WORKERS ?= $(shell echo $$(( $(CORES) + 1 )))
# A file stays with one worker, for its tests share days; the files come in the order of tests/order.py.
SHARED := --dist loadfile --no-loadscope-reorder

VENV := .venv
BIN := $(VENV)/bin
# Vega-Lite's JavaScript for the page's charts, written by a package of the lock; its sha256 is pinned in vega.lock.
CHARTS := $(VENV)/share/quanticity/manifest.json
UV_VERSION := 0.13.8
INSTALL := -m pip install --quiet --disable-pip-version-check --require-hashes
COMPILE := .venv-lock/bin/uv pip compile pyproject.toml --quiet --universal --fork-strategy fewest --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header

# Asks each candidate for its own base interpreter, so that an activated .venv is never rebuilt with itself.
PROBE := import sys, venv, ensurepip; \
	(3, 11) <= sys.version_info[:2] <= (3, 13) or sys.exit(1); \
	print(getattr(sys, "_base_executable", sys.executable))

define find_python
	python=; \
	for candidate in $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python); do \
		if python=$$("$$candidate" -c '$(PROBE)' 2>/dev/null); then break; fi; python=; \
	done; \
	if [ -z "$$python" ]; then \
		echo "No usable Python: tried $(or $(PYTHON),python3, python3.13, python3.12, python3.11); needed is 3.11, 3.12 or 3.13 with venv." >&2; \
		echo "Install one (Debian: apt-get install python3 python3-venv) or name it: make setup PYTHON=/path/to/python3.12" >&2; \
		exit 2; \
	fi
endef

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(CHARTS) ## build .venv from the hash-pinned lock, with the charts' library

.PHONY: install
install: ## build .venv for a service: what production needs and nothing else (requirements.lock)
	@$(find_python); echo "Building $(VENV) with $$("$$python" --version)"; "$$python" -m venv --clear $(VENV)
	@$(BIN)/python $(INSTALL) --requirement requirements.lock
	@$(BIN)/python -m bot.charts.bundle

.PHONY: run
run: setup ## migrate the store and trade a simulated day (ARGS="--scenario gamma_pin_day --speed 240")
	@$(BIN)/python run.py db upgrade
	@export QUANTICITY__MODE="$${QUANTICITY__MODE:-sim}"; exec $(BIN)/python run.py $(ARGS)

# What one process compiles (a test with its assertions rewritten, a room of the bot) the others read, whatever the
# environment says of it: the tests start the program some hundred times.
test test-fast laws: export PYTHONDONTWRITEBYTECODE :=

.PHONY: test
test: setup interop-envs ## run the tests (ARGS="-k ladder", WORKERS=0 for one process)
	@$(BIN)/python -m tests.second_look -n $(WORKERS) $(SHARED) $(ARGS)

# Nothing that starts a program, lives a day or opens a browser: what is worth asking while a change is being made.
FAST := analytics broker config domain engine feeds risk store strategies test_log.py
.PHONY: test-fast
# Nothing in it waits, and each process more has to read all the tests.
test-fast: WORKERS = $(CORES)
test-fast: setup ## the tests of a change in progress: no programs, days or browsers (under a minute on two cores)
	@$(BIN)/python -m pytest -q -n $(WORKERS) $(SHARED) -m "not slow and not browser and not interop" \
		$(addprefix tests/,$(FAST)) $(ARGS)

.PHONY: laws
laws: setup ## the laws with new random examples, N times as many as in `make test` (N=10)
	@EXPLORE=$(or $(N),10) $(BIN)/python -m pytest -q -n $(WORKERS) $(SHARED) -m hypothesis --timeout 3600 $(ARGS)

.PHONY: check
check: setup ## lint, types, and the contracts between the rooms
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

.PHONY: docs
docs: setup ## write docs/alerts.md anew from the register of alerts
	@$(BIN)/python run.py alerts --markdown > docs/alerts.md.new && mv docs/alerts.md.new docs/alerts.md

.PHONY: bench
bench: setup ## measure against bare references in the same run
	@$(BIN)/python -m benchmarks $(ARGS)

.PHONY: faults
faults: setup ## days with random faults and deaths, compared with the venue's book (N=2000, SEED=0, BREAK=name)
	@$(BIN)/python -m tests.faults $(or $(N),2000) --seed $(or $(SEED),0) $(if $(BREAK),--break $(BREAK)) $(ARGS)

.PHONY: kill
kill: setup ## kill the real process while its venue trades (N=100, SEED=1)
	@$(BIN)/python -m tests.kill $(or $(N),100) --seed $(or $(SEED),1)

.PHONY: soak
soak: setup ## day after day, memory, files and ticks by the hour (HOURS=24 of open market; ARGS=--alone: over sockets)
	@$(BIN)/python -m benchmarks.soak --hours $(HOURS) $(ARGS)

.PHONY: interop-envs
interop-envs: .venv-ib_async/.ready .venv-ibapi/.ready ## environments of the foreign TWS clients the tests connect

.PHONY: lock
lock: ## pin pyproject.toml anew into the requirements*.lock files (LOCK_ARGS="--upgrade")
	@$(find_python); [ -x .venv-lock/bin/uv ] || { "$$python" -m venv .venv-lock; .venv-lock/bin/python -m pip install --quiet uv==$(UV_VERSION); }
	@# uv does not read pip's configuration, so an index configured there is handed over.
	@index=$$(.venv-lock/bin/python -m pip config get global.index-url 2>/dev/null || true); \
	if [ -n "$$index" ]; then export UV_DEFAULT_INDEX="$$index"; fi; \
	$(COMPILE) $(LOCK_ARGS) --output-file requirements.lock; \
	$(COMPILE) $(LOCK_ARGS) --group dev --constraint requirements.lock --output-file requirements-dev.lock; \
	for name in ib_async ibapi build; do \
		$(subst compile pyproject.toml,compile,$(COMPILE)) $(LOCK_ARGS) --group "interop-$$name" --output-file "requirements-interop-$$name.lock"; \
	done

.PHONY: clean
clean: ## remove environments and caches; recorded data stays
	rm -rf .venv .venv-ib_async .venv-ibapi .venv-lock .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -not -path './data/*' -prune -exec rm -rf {} +

$(VENV)/.ready: requirements-dev.lock
	@$(find_python); echo "Building $(VENV) with $$("$$python" --version)"; "$$python" -m venv --clear $(VENV)
	@$(BIN)/python $(INSTALL) --requirement requirements-dev.lock
	@touch $@

$(CHARTS): vega.lock bot/charts/bundle.py | $(VENV)/.ready
	@$(BIN)/python -m bot.charts.bundle && touch $@

.venv-ib_async/.ready: requirements-interop-ib_async.lock
	@$(find_python); "$$python" -m venv --clear .venv-ib_async
	@.venv-ib_async/bin/python $(INSTALL) --requirement requirements-interop-ib_async.lock
	@touch $@

.venv-ibapi/.ready: requirements-interop-ibapi.lock requirements-interop-build.lock
	@$(find_python); "$$python" -m venv --clear .venv-ibapi
	@.venv-ibapi/bin/python $(INSTALL) --requirement requirements-interop-build.lock
	@.venv-ibapi/bin/python $(INSTALL) --no-build-isolation --requirement requirements-interop-ibapi.lock
	@touch $@
