# Two commands for a newcomer: `make demo` and `make test`. Both install into .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-all lint typecheck format bench clean

demo: $(VENV)/.installed
	$(BIN)/dissectbench demo

test: $(VENV)/.installed-dev
	$(BIN)/pytest -m "not slow"

test-all: $(VENV)/.installed-dev
	$(BIN)/pytest

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

typecheck: $(VENV)/.installed-dev
	$(BIN)/mypy

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Some twenty minutes and 14 GB of memory at its full size; smaller: make bench SPEED="--images 5000"
bench: $(VENV)/.installed
	$(BIN)/python -m bench.speed $(SPEED)
	$(BIN)/python -m bench.speed.dissection
	$(BIN)/python -m bench.speed.composition
	$(BIN)/python -m bench.speed.captioning

clean:
	rm -rf $(VENV) results build dist *.egg-info

# Stamps: an install is repeated only when what it depends on has changed.
$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@
