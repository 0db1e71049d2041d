# Everything runs in the box, a Debian root with Orthanc in .box/ (tools/setup), so a machine needs only Debian or Ubuntu,
# root, make and bash. `make help` lists the targets.

export HTTP_PORT ?= 8042
export DICOM_PORT ?= 4242
export DATA_DIR ?= $(CURDIR)/data
export MODEL ?=

IN_BOX := tools/box env PYTHONPATH=plugin:.
# The second box: the newest Orthanc and Python, for `make test-all`.
FORKY := BOX_ROOT="$(CURDIR)/.box/forky"
PREPARE := python3 -m orthanc_ai.models.prepare phantom --models models --cache /var/lib/orthanc/ai/models
WITH_DATA := tools/box --bind "$(DATA_DIR)" /var/lib/orthanc env PYTHONPATH=plugin:.
TESTS ?= tests
# Two processes, a file at a time: files share servers and examples within, not among each other. In their own order, since the
# longest come first then.
SIDE_BY_SIDE := --numprocesses 2 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev setup-all run demo import forget-demo models train-phantom test test-forky test-all soak \
  soak-forky lint docs display-table lock fuzz bench bench-memory bench-growth image clean

help:  ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 18
	@echo 'Settings: HTTP_PORT=$(HTTP_PORT) DICOM_PORT=$(DICOM_PORT) DATA_DIR=$(DATA_DIR) MODEL=$(MODEL)'

setup:  ## Build the box: what the server needs
	@tools/setup

setup-dev:  ## Build the box with what tests and development need
	@tools/setup --dev

setup-all: setup-dev  ## Build both boxes: the other is Debian forky, with Orthanc 1.13 and Python 3.14
	@tools/setup --dev --suite forky

run:  ## Serve in the foreground until Ctrl-C, building what is missing
	@tools/run

demo: setup  ## Send phantom radiographs, or the DICOM files of DIR=..., to the running server and print the findings
	@tools/box $(if $(DIR),--bind "$(DIR)" /opt/demo) python3 -m tools.demo \
	  --http-port "$(HTTP_PORT)" --dicom-port "$(DICOM_PORT)" $(if $(DIR),/opt/demo)

import: setup  ## Store the DICOM files in the folder DIR=... and below it in the running server; what cannot be read is listed
	@[ -n "$(DIR)" ] || { echo "Say which folder: make import DIR=/data/studies" >&2; exit 1; }
	@tools/box --bind "$(DIR)" /opt/import python3 -m tools.import_folder --http-port "$(HTTP_PORT)" /opt/import

forget-demo: setup  ## Delete every report of the demonstration model from the running server
	@tools/box python3 -m tools.forget_demo --http-port "$(HTTP_PORT)"

models: setup  ## Fetch, check and export the model of record (or MODEL=...) ahead of time
	@mkdir -p "$(DATA_DIR)"
	@$(WITH_DATA) python3 -m orthanc_ai.models.prepare "$(or $(MODEL),densenet121-res224-all)" \
	  --models models --cache /var/lib/orthanc/ai/models

train-phantom: setup-dev  ## Train the demonstration model on digital phantoms (more than an hour)
	@$(IN_BOX) python3 -m phantom.train

test: setup-dev  ## Run all tests (or TESTS=tests/unit) in the first box: Debian trixie, Orthanc 1.12.7
	@$(IN_BOX) $(PREPARE)
	@$(IN_BOX) python3 -m pytest $(TESTS) $(SIDE_BY_SIDE) --durations=15

# The image comes from Debian trixie's packages, whichever box builds it: once is enough.
test-forky:  ## The same in the second box, less the image: Debian forky, Orthanc 1.13
	@tools/setup --dev --suite forky
	@$(FORKY) $(IN_BOX) $(PREPARE)
	@$(FORKY) $(IN_BOX) python3 -m pytest $(TESTS) $(SIDE_BY_SIDE) -m "not image" --durations=15

test-all:  ## Run all tests in the first box, then in the second
	@echo "== trixie: the oldest Orthanc and Python that are supported"
	@$(MAKE) --no-print-directory test
	@echo "== forky: the newest"
	@$(MAKE) --no-print-directory test-forky

soak: setup-dev  ## Keep sending and killing for SECONDS=600, with SEED=1, then count: nothing lost, nothing done twice
	@$(IN_BOX) $(PREPARE)
	@$(IN_BOX) python3 -m tests.soak --seconds $(or $(SECONDS),600) --seed $(or $(SEED),1)

soak-forky:  ## The same in the second box
	@tools/setup --dev --suite forky
	@$(FORKY) $(IN_BOX) $(PREPARE)
	@$(FORKY) $(IN_BOX) python3 -m tests.soak --seconds $(or $(SECONDS),600) --seed $(or $(SEED),1)

fuzz: setup-dev  ## New examples for the property tests, then fuzz each reader of untrusted input for SECONDS (60)
	@$(IN_BOX) python3 -m pytest tests/unit -m hypothesis --hypothesis-profile=searching
	@for target in $$($(IN_BOX) python3 -c 'from tests.fuzz import TARGETS; print(*TARGETS)'); do \
	  echo "== $$target"; $(IN_BOX) nice python3 -m tests.fuzz $$target -max_total_time=$(or $(SECONDS),60) || exit 1; done

bench: setup-dev  ## Measure reports, overlays, catalogue and datasets beside what one would have without it (a good quarter of an hour, quiet), or QUESTION=ingestion
	@$(IN_BOX) $(PREPARE)
	@$(IN_BOX) python3 -m bench $(QUESTION)

bench-memory: setup-dev  ## Measure whether memory grows, over 5,000 films
	@$(IN_BOX) $(PREPARE)
	@$(IN_BOX) python3 -m bench memory

bench-growth: setup-dev  ## Measure what grows with the archive, up to 50,000 films (a quarter of an hour, on a quiet machine)
	@$(IN_BOX) $(PREPARE)
	@$(IN_BOX) python3 -m bench growth

lint: setup-dev  ## Check style and types
	@$(IN_BOX) ruff check .
	@$(IN_BOX) ruff format --check .
	@$(IN_BOX) mypy

docs: setup-dev  ## Write the pages of docs/ that are made from the code
	@$(IN_BOX) python3 -m tools.describe

display-table: setup-dev  ## Compare gray levels with the viewer's, every pattern and real image, into docs/display.md (minutes)
	@$(IN_BOX) $(PREPARE)
	@$(IN_BOX) python3 -m tests.viewer.equality_table

lock: setup-all  ## Renew the locks of both boxes from pyproject.toml
	@tools/box tools/lock
	@$(FORKY) tools/box tools/lock

image:  ## Build the container image with docker, podman or buildah
	@tools/image

clean:  ## Remove the boxes and what tests left behind; DATA_DIR stays
	@rm -rf .box artifacts .pytest_cache .mypy_cache .ruff_cache .hypothesis
