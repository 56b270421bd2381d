# Needs make, bash and Python 3.11 with its venv module; everything else comes from the locks.
SHELL := bash
PYTHON ?= python3.11
UV ?= uv
BIN := .venv/bin
PIP_INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check
LOCKED := --require-hashes --only-binary :all:
COMPILE := $(UV) pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--quiet --custom-compile-command "make lock" --extra build --extra embedded --extra stack

# What `make stack` is told: NODES=1 or 3 (Kafka), WORKERS=1 to 12, FRESH=1 (erase its data first), and
# for a feed of your own FEED (options of forcedflow gateway), UNIVERSE and RULES.
STACK := $(if $(NODES),--nodes $(NODES)) $(if $(WORKERS),--workers $(WORKERS)) $(if $(FRESH),--fresh) \
	$(if $(FEED),--feed "$(FEED)") $(if $(UNIVERSE),--universe "$(UNIVERSE)") \
	$(if $(RULES),--rules "$(RULES)")

.DEFAULT_GOAL := help
.PHONY: help install install-dev run stack stack-status stack-down test check soak fmt docs evidence bench \
	dashboards lock lock-kafka debian clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/.installed ## build .venv/ with what the service and its embedded servers need

.venv/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(PIP_INSTALL) $(LOCKED) -r requirements.lock
	$(PIP_INSTALL) --no-deps --no-build-isolation -e .
	touch $@

install-dev: .venv/.installed-dev ## add what tests, checks and formatting need

.venv/.installed-dev: requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(PIP_INSTALL) $(LOCKED) -r requirements-dev.lock
	$(PIP_INSTALL) --no-deps --no-build-isolation -e .
	touch .venv/.installed $@

run: install ## start everything on the bundled market; Ctrl-C ends it
	$(BIN)/forcedflow run

stack: install ## start everything as an operator has it, supervised (NODES=3 WORKERS=4 FRESH=1)
	@$(BIN)/forcedflow stack up $(STACK)

stack-status: ## ask every process of the stack how it is
	@$(BIN)/forcedflow stack status

stack-down: ## end every process of the stack; its data are kept
	@$(BIN)/forcedflow stack down

test: install-dev debian check ## check the sources and run every test
	$(BIN)/pytest --numprocesses=auto --dist=loadfile --no-loadscope-reorder

check: install-dev ## formatting, lint, types and import directions
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

soak: install-dev ## break everything again and again, each time with another seed: RUNS=10
	$(BIN)/python -m tests.chaos.soak --runs $(or $(RUNS),10)

fmt: install-dev ## format the sources and mend what can be mended
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: install ## write docs/settings.md anew
	$(BIN)/python -m services.settings_page docs/settings.md

evidence: install-dev ## show how well the forecast holds, on recorded and simulated sessions
	$(BIN)/pytest --capture=no --verbose tests/evidence

bench: install-dev ## measure against the budgets
	$(BIN)/python -m bench

dashboards: install-dev ## render the dashboards of Grafana from their code
	$(BIN)/python -m deploy.grafana

lock: ## resolve both lock files anew (needs uv)
	$(COMPILE) -o requirements.lock
	$(COMPILE) --extra dev -c requirements.lock -o requirements-dev.lock

lock-kafka: install ## resolve the broker's jars anew (see deploy/kafka/jgo.toml)
	cd deploy/kafka && rm -rf .jgo && ../../$(BIN)/jgo --ignore-config --resolver python --system-java sync
	mv deploy/kafka/.jgo/jgo.lock.toml deploy/kafka && rm -r deploy/kafka/.jgo

debian: # the Debian packages that some tests need: installed in CI, looked for elsewhere
	@deploy/debian-packages.sh

clean: ## remove the environment, caches and the embedded servers' data
	rm -rf .venv .forcedflow build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
