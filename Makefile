# Everything a checkout needs, from nothing: Python 3.11 or newer (with venv), make and git.
# The first target that needs it sets up .venv; later runs reuse it until a lock or pyproject.toml changes.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test fire lint format translations lock wheel bench clean python

# Say which Python to use with `make test PYTHON=/path/to/python3`. The system's own goes first: distributions optimise
# theirs, and one that was compiled on the spot often is not and takes a third longer for everything.
CANDIDATES = $(if $(PYTHON),"$(PYTHON)",/usr/bin/python3 python3.14 python3.13 python3.12 python3.11 python3)
VENV := .venv
RUN := $(VENV)/bin/python -m
READY := $(VENV)/.ready
PIP := $(RUN) pip install --quiet --disable-pip-version-check

# What follows a target's command: `make test ARGS="tests/core -k cadence"`, `make demo ARGS=--help`.
ARGS ?=

# Sets $$python, or ends with one line that says what is missing.
define FIND_PYTHON
python=; bare=; \
for candidate in $(CANDIDATES); do \
	"$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue; \
	if "$$candidate" -c 'import ensurepip, venv' >/dev/null 2>&1; then python=$$candidate; break; fi; \
	bare=$${bare:-$$candidate}; \
done; \
if [ -z "$$python" ] && [ -n "$$bare" ]; then \
	echo "nolapse: $$bare has no venv; install it (on Debian and Ubuntu the package python3-venv), then run make again." >&2; exit 1; \
elif [ -z "$$python" ]; then \
	echo "nolapse: needs Python 3.11 or newer and found none; install it, or name it: make PYTHON=/path/to/python3" >&2; exit 1; \
fi
endef

# A checkout that was moved or copied holds scripts that point to the old place.
ifneq ($(shell cat $(READY) 2>/dev/null),$(shell pwd))
.PHONY: $(READY)
endif

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

demo: $(READY) ## a sample portfolio through 120 days
	@$(VENV)/bin/nolapse demo $(ARGS)

test: $(READY) ## all tests, in parallel
	@$(RUN) pytest -n auto --maxprocesses 8 --dist worksteal $(ARGS)

fire: $(READY) ## of the tests, those in which the engine is killed at every point and played against a model
	@$(RUN) pytest -n auto --maxprocesses 8 tests/fire $(ARGS)

lint: $(READY) ## style, types, direction of imports
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@$(RUN) mypy
	@$(VENV)/bin/lint-imports --no-cache

format: $(READY) ## put the code in form
	@$(RUN) ruff check --fix-only --quiet .
	@$(RUN) ruff format .

translations: $(READY) ## the catalogues of messages in step with the templates
	@$(RUN) templates.translations $(ARGS)

# Locks for every platform and every Python from 3.11 on. Versions stay unless told: make lock ARGS=--upgrade
LOCK = $(RUN) uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(ARGS)
lock: $(READY) ## work the two locks out afresh from pyproject.toml
	@$(LOCK) --output-file requirements.lock pyproject.toml
	@$(LOCK) --output-file requirements-dev.lock --group dev --constraints requirements.lock pyproject.toml

wheel: $(READY) ## the wheel, in dist/
	@$(RUN) hatchling build -t wheel

bench: $(READY) ## how fast it is: takes the figures of bench/README.md afresh
	@$(RUN) bench $(ARGS)

# The page's frames need a moment of the browser's time. Chinese and Korean need fonts (Debian: fonts-noto-cjk).
BROWSER ?= chromium
PICTURES = docs/pictures
PICTURE = $(BROWSER) --headless --no-sandbox --disable-gpu --hide-scrollbars --virtual-time-budget=8000 2>/dev/null
pictures: $(READY) ## the pictures in docs/, by a headless browser (BROWSER=chromium)
	@command -v $(BROWSER) >/dev/null || { echo "nolapse: needs $(BROWSER); install it, or name another: make pictures BROWSER=google-chrome" >&2; exit 1; }
	@mkdir -p $(PICTURES)
	@$(VENV)/bin/nolapse --config docs/pictures/nolapse.toml preview --output $(PICTURES)/gallery.html --today 2026-11-21
	@set -e; page="file://$$(pwd)/$(PICTURES)/gallery.html"; \
	$(PICTURE) --window-size=1040,1500 --screenshot=$(PICTURES)/single.png "$$page#template=single&urgency=notice&language=en"; \
	$(PICTURE) --window-size=1040,1500 --screenshot=$(PICTURES)/digest.png "$$page#template=digest&urgency=warning&language=es"; \
	$(PICTURE) --window-size=1040,1500 --screenshot=$(PICTURES)/expired.png "$$page#template=expired&language=ko"; \
	$(PICTURE) --window-size=900,1500 --screenshot=$(PICTURES)/script.png "$$page#template=task_call&language=en"
	@rm -f $(PICTURES)/gallery.html

clean: ## remove what these targets made: the environment, caches, dist/
	@rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -type d -name __pycache__ -prune -exec rm -rf {} +

python: ## say which Python would be used
	@$(FIND_PYTHON); echo "$$python"

$(READY): requirements-dev.lock pyproject.toml
	@if [ "$$(cat $@ 2>/dev/null || pwd)" != "$$(pwd)" ] || \
		! $(VENV)/bin/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
		$(FIND_PYTHON); \
		echo "nolapse: setting up $(VENV) with $$("$$python" --version), once"; \
		"$$python" -m venv --clear $(VENV); \
	fi
	@rm -f $@
	@echo "nolapse: installing what requirements-dev.lock lists"
	@$(PIP) --require-hashes -r requirements-dev.lock
	@$(PIP) --no-deps --no-build-isolation --no-index --force-reinstall -e .
	@pwd > $@
