# Everything a person types; `make help` lists it, CONTRIBUTING.md explains it.

VENV ?= .venv
INVENTORY ?= inventory

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-builtin-rules --no-print-directory
export PATH := $(abspath $(VENV))/bin:$(PATH)

# A stamp is as new as the lock that was installed, so nothing is installed twice.
RUN := $(VENV)/.requirements
DEV := $(VENV)/.requirements-dev
# Byte code on first use instead of for all of the `ansible` package: 8 s instead of 37 s.
PIP_INSTALL := pip install -qq --disable-pip-version-check --no-compile --only-binary :all: --require-hashes

SCENARIOS := $(patsubst molecule/%/molecule.yml,%,$(wildcard molecule/*/molecule.yml))
MOLECULE := $(addprefix molecule-,$(SCENARIOS))
# The longer tests of a scenario, each on a cluster of its own
CHAOS := $(filter-out chaos-failover,$(patsubst molecule/%/chaos,chaos-%,$(wildcard molecule/*/chaos)))
# Two of them run at a time, so the longest is the first. Not `unit` and the other scenarios, whose tests look at the clock.
TWO_AT_A_TIME := molecule-dual_source sanity molecule-brownfield simulation lint browser
REPORTS := $(patsubst %,build/junit/%.xml,unit browser simulation $(MOLECULE))

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-21s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@for name in $(SCENARIOS); do printf '  make %-21s the molecule scenario alone\n' "molecule-$$name"; done
	@for name in $(CHAOS); do printf '  make %-21s the longer tests of the molecule scenario\n' "$$name"; done

# --- Environment

$(VENV)/bin/pip:
	@python=$$(tools/find-python); \
	tools/step "a Python environment in $(VENV)" "$$python" -m venv $(VENV)

$(RUN): requirements.txt | $(VENV)/bin/pip
	@tools/step "what the roles and the lab need" $(PIP_INSTALL) -r $<
	@touch $@

$(DEV): requirements-dev.txt | $(VENV)/bin/pip
	@tools/step "what the tests need" $(PIP_INSTALL) -r $<
	@touch $@

.PHONY: venv
venv: $(DEV) ## the Python environment for development, in .venv (elsewhere: VENV=DIRECTORY)

.PHONY: lock
lock: export UV_CUSTOM_COMPILE_COMMAND = make lock
lock: $(DEV) ## resolve requirements*.in anew, with hashes, for all Python versions from 3.12 on
	@for name in requirements requirements-dev; do \
	  uv pip compile --quiet --upgrade --universal --python-version 3.12 --generate-hashes $$name.in --output-file $$name.txt; \
	done

# --- Lab

.PHONY: demo
demo: $(RUN) ## from nothing to a running cluster in the lab, and its status
	@tools/step "lab hosts" python lab/lab.py up -i $(INVENTORY)
	@tools/step "cluster" ansible-playbook site.yml -i $(INVENTORY)
	@tools/step "status" ansible-playbook playbooks/status.yml -i $(INVENTORY)
	@tools/step "client host" ansible-playbook lab/client.yml -i $(INVENTORY)

.PHONY: lab-up
lab-up: $(RUN) ## the lab's hosts, bare
	@python lab/lab.py up -i $(INVENTORY)

.PHONY: lab-down
lab-down: $(RUN) ## remove what is the lab's, and nothing else
	@python lab/lab.py down

# --- Tests

.PHONY: test
test: $(DEV) ## all tests: those that do not look at the clock two at a time, then the other scenarios up to the first that fails
	@rm -rf build/junit build/log
	@mkdir -p build/log
	@python lab/lab.py down
	@tests/stage unit
	@printf '%s\n' $(TWO_AT_A_TIME) | xargs -P 2 -I STAGE bash -c 'said=$$(tests/stage STAGE); printf "%s\n" "$$said"'
	@for name in $(filter-out $(TWO_AT_A_TIME),$(MOLECULE)); do [[ -e build/log/failed ]] || tests/stage $$name; done
	@status=0; \
	if [[ -e build/log/failed ]]; then status=1; for name in $$(< build/log/failed); do python tests/why.py build/log/$$name.log; done; fi; \
	echo; \
	python tests/summary.py $(REPORTS) || status=1; \
	exit $$status

.PHONY: unit
unit: $(DEV) ## pure functions and checks of the tree; no lab
	@pytest --junitxml=build/junit/unit.xml

.PHONY: simulation
simulation: $(DEV) ## a selection of the simulated clusters, the planted mistakes, and the model of a promotion; no lab
	@pytest tests/simulation tests/model --junitxml=build/junit/simulation.xml

.PHONY: model
model: $(DEV) ## every state of an abstract promotion, two and three candidates, and the trace of each rule that is left out; NAME=RUN picks one; no lab
	@PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=tests python -m model $(if $(NAME),"$(NAME)")

.PHONY: browser
browser: $(DEV) ## the audit's page in a headless Chromium, where there is one; MHA_PICTURES=DIR leaves pictures of it
	@pytest tests/browser --junitxml=build/junit/browser.xml

SCHEDULES ?= 20000
.PHONY: simulate
simulate: $(DEV) ## SCHEDULES (20000) simulated clusters under random faults; SEED=N replays one (see CONTRIBUTING.md)
	@PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=tests:roles/agent/files python -m simulation.simulate \
	  --seconds $(or $(SECONDS),14400) --schedules $(SCHEDULES) --processes $$(nproc) $(if $(SEED),--seed $(SEED)) \
	  $(if $(SHRINK),--shrink) $(if $(MUTANT),--mutant $(MUTANT)) $(if $(CATCH),--catch $(CATCH))

.PHONY: fuzz
fuzz: $(DEV) ## mutated configurations through parsers, rules, reports and discover for SECONDS (600); SEED=N is the first seed
	@PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=tests:.collections python -m fuzz.run --seconds $(or $(SECONDS),600) $(if $(SEED),--seed $(SEED))

.PHONY: molecule
molecule: $(MOLECULE) ## all molecule scenarios

.PHONY: $(MOLECULE)
$(MOLECULE): molecule-%: $(DEV)
	@molecule test --scenario-name $*

.PHONY: chaos
chaos: $(DEV) ## the longer fault tests of molecule/failover, on a cluster of each topology
	@status=0; \
	for MHA_TOPOLOGY in source_replica dual_source; do \
	  export MHA_TOPOLOGY; \
	  molecule destroy -s failover && molecule create -s failover && molecule converge -s failover; \
	  PYTHONPATH=. pytest --junitxml=build/junit/chaos-$$MHA_TOPOLOGY.xml molecule/failover/chaos molecule/failover/tests || status=1; \
	done; \
	molecule destroy -s failover; \
	exit $$status

.PHONY: $(CHAOS)
$(CHAOS): chaos-%: $(DEV)
	@molecule destroy -s $* && molecule create -s $* && molecule converge -s $*
	@status=0; \
	PYTHONPATH=. pytest --junitxml=build/junit/$@.xml molecule/$*/chaos || status=1; \
	molecule destroy -s $*; \
	exit $$status

.PHONY: bench-failover
bench-failover: $(DEV) ## how long writes stop: RUNS (40), ROWS, TOPOLOGIES, RUNS_COMPARE (10), SYSTEMS; goes on where it was ended
	@python -m bench.run
	@python -m bench.compare.run
	@python -m bench.report

.PHONY: crowd
crowd: $(DEV) ## what thirty clients wait for when the writer changes: RUNS (7) of each way, on the hosts of the bench
	@python -m bench.crowd

.PHONY: soak
soak: $(DEV) ## MINUTES (30) with all processors saturated: nothing may fail over, no agent may grow
	@python -m bench.soak

.PHONY: sanity
sanity: $(DEV) ## ansible-test sanity on the built and installed collection
	@python tools/sanity.py

.PHONY: lint
lint: lint-python lint-yaml lint-ansible lint-specs lint-changelog ## all linters

.PHONY: lint-python
lint-python: $(DEV)
	@ruff check
	@mypy

.PHONY: lint-yaml
lint-yaml: $(DEV)
	@yamllint --strict .

.PHONY: lint-ansible
lint-ansible: $(DEV)
	@ansible-lint

.PHONY: lint-specs
lint-specs: $(DEV)
	@python tools/check_argument_specs.py roles

.PHONY: lint-changelog
lint-changelog: $(DEV)
	@antsibull-changelog lint
