# make demo: install, then train the CNN baseline on the embedded dataset. make test: install what tests need, run them.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test lint

demo: .venv/installed
	$(BIN)/genolightning train dataset=motifs model=cnn trainer=cpu

test: .venv/installed-test
	$(BIN)/python -m pytest -n 2

lint: .venv/installed-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "GenoLightning needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1)." \
	       "Name another with: make PYTHON=python3.12" >&2; exit 2; }
	$(PYTHON) -m venv .venv

.venv/installed: pyproject.toml constraints.txt | $(BIN)/python
	@start=$$(date +%s); $(PIP) -e . && echo "installed in $$(($$(date +%s) - start)) s"
	@touch $@

.venv/installed-test: .venv/installed
	@start=$$(date +%s); $(PIP) -e '.[test]' && echo "test tools installed in $$(($$(date +%s) - start)) s"
	@touch $@
