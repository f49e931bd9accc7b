# Two commands for a fresh clone: `make demo` and `make test`. Both create .venv and install what they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?=

.PHONY: demo test lint types imports tests slow screenshots sample student clean

demo: $(VENV)/.demo-installed
	$(BIN)/tide demo --out demo

test: lint types imports tests

lint: $(VENV)/.test-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test-installed
	$(BIN)/mypy

imports: $(VENV)/.test-installed
	$(BIN)/lint-imports

tests: $(VENV)/.test-installed
	$(BIN)/pytest $(PYTEST_ARGS)

slow: $(VENV)/.test-installed
	$(BIN)/pytest -m "slow and not gpu" $(PYTEST_ARGS)

screenshots: $(VENV)/.test-installed
	$(BIN)/python scripts/make_screenshots.py

student: $(VENV)/.test-installed
	$(BIN)/python scripts/make_sample_student.py

clean:
	rm -rf $(VENV) demo build dist

$(VENV)/.created:
	PYTHON=$(PYTHON) sh scripts/create_environment.sh $(VENV)
	touch $@

$(VENV)/.demo-installed: $(VENV)/.created pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check -e ".[napari]"
	touch $@

$(VENV)/.test-installed: $(VENV)/.created pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check -e ".[test]"
	touch $@
