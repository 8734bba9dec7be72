# `make` alone lists the targets. The first call of any other installs what it needs.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash
BIN := .venv/bin

# Options: make demo ORDERS=path.parquet MAPPING=path.toml; make test ARGS="-k settings"
ARGS ?=
ORDERS ?=
MAPPING ?=
SERVING ?= stages serving histories before faults slow_clients overload hot
BATCH ?= nights publishing redis_growth training_set
MINUTES ?= 15
export ORDERS MAPPING # the shell quotes them, whatever is in a file's name
# All tests, to as many processes as suit the machine: each file to one of them, slow files first.
SHARED_OUT := -n auto --dist loadfile --no-loadscope-reorder
COMPILE := .ontem/tools/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate

.PHONY: help
help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Install everything into .venv and .ontem of this folder; nothing twice.
	@deploy/setup

.PHONY: demo
demo: setup ## Run the whole of Ontem once, with progress and a report.
	@$(BIN)/ontem demo run $${ORDERS:+--orders-file "$$ORDERS"} $${MAPPING:+--mapping "$$MAPPING"} $(ARGS)

.PHONY: test
test: setup ## Run all tests against real servers of their own.
	@$(BIN)/python -m pytest $(SHARED_OUT) $(ARGS)

.PHONY: test-faults
test-faults: setup ## Run all tests of stores and clients that fail, also the long ones.
	@$(BIN)/python -m pytest -m "faults or long_faults" $(ARGS)

.PHONY: lint
lint: setup ## Ruff, mypy --strict and the contracts between the rooms.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: check
check: lint test ## What CI runs: lint, then test.

.PHONY: format
format: setup ## Let ruff put the code in order.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: up
up: setup ## Start the local PostgreSQL and Redis.
	@$(BIN)/ontem up

.PHONY: down
down: setup ## Stop the local PostgreSQL and Redis; their data stay.
	@$(BIN)/ontem down

.PHONY: serve
serve: setup ## Serve the demo's model on the ordinary clock, after the night that is missing.
	@$(BIN)/ontem demo serve $(ARGS)

.PHONY: test-publish
test-publish: setup ## A million reads during switches, and kills at three points of a publish.
	@ONTEM_READS=1000000 ONTEM_ALL_KILLS=1 $(BIN)/python -m pytest -q \
		tests/integration/test_reads_during_switches.py tests/integration/test_killed_publish.py

.PHONY: bench
bench: setup ## Measure speed beside something else, and write docs/benchmarks.md.
	@$(BIN)/python -m benchmarks $(ARGS)

.PHONY: bench-serving
bench-serving: setup ## Measure POST /evaluate and its bars, or SERVING="histories before".
	@$(BIN)/python -m benchmarks $(ARGS) $(SERVING)

.PHONY: bench-batch
bench-batch: setup ## Measure nights, publishing and training sets beside others, or BATCH="nights".
	@$(BIN)/python -m benchmarks $(ARGS) $(BATCH)

.PHONY: soak
soak: setup ## See whether the service grows while its stores flap, for MINUTES=15.
	@ONTEM_SOAK_MINUTES="$(MINUTES)" $(BIN)/python -m benchmarks $(ARGS) soak

.PHONY: gate
gate: setup ## Compare the speed of POST /evaluate with the figure that is kept; 75 is not measured.
	@$(BIN)/python -m benchmarks.gate $(ARGS)

.PHONY: package
package: setup ## Build the wheel of this commit, with the model that serves, into dist.
	@$(BIN)/python -m ontem.delivery package

.PHONY: pin-images
pin-images: setup ## Write the digests of the images of others where they are named.
	@$(BIN)/python -m ontem.delivery pin-images

.PHONY: lock
lock: setup ## Bring all locks up to date with pyproject.toml.
	$(COMPILE) --extra service --extra jobs --group dev pyproject.toml -o requirements.lock
	$(COMPILE) -c requirements.lock --extra service pyproject.toml -o deploy/locks/service.lock
	$(COMPILE) -c requirements.lock --extra jobs pyproject.toml -o deploy/locks/jobs.lock
	$(COMPILE) -c requirements.lock --group build -o deploy/locks/build.lock
