# Everything sets itself up: the only needs are Python 3.11+ and make.
PYTHON ?= python3
comma  := ,
VENV   ?= .venv
BIN    := $(VENV)/bin
RUN    := $(BIN)/python -m
EXTRAS := dev$(if $(EQUISCORE_FULL),$(comma)postgres$(comma)spark$(comma)shap$(comma)pkcs11)

.PHONY: demo test coverage dashboard lint bench clean
.DEFAULT_GOAL := demo

$(VENV)/.demo: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed. Fix: make PYTHON=python3.12"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(RUN) pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.dashboard: $(VENV)/.demo
	$(RUN) pip install --quiet --disable-pip-version-check --editable '.[dashboard]'
	@touch $@

$(VENV)/.$(EXTRAS): $(VENV)/.demo
	$(RUN) pip install --quiet --disable-pip-version-check --editable '.[$(EXTRAS)]'
	@touch $@

demo: $(VENV)/.demo  ## Study the real credit file and write its dossier in both languages
	@$(BIN)/equiscore study data/samples/credit/activity.yaml --why --out studies/credit || test $$? -eq 1 -o $$? -eq 3
	@echo "Dossier (English): $$($(BIN)/equiscore dossier studies/credit --lang en --quiet)"
	@echo "Dossier (French):  $$($(BIN)/equiscore dossier studies/credit --lang fr --quiet)"
	@echo "Dossier (English, PDF): $$($(BIN)/equiscore dossier studies/credit --lang en --format pdf --quiet)"
	@echo "Dossier (French, PDF):  $$($(BIN)/equiscore dossier studies/credit --lang fr --format pdf --quiet)"

test: $(VENV)/.$(EXTRAS)  ## Run the tests; EQUISCORE_FULL=1 adds browser, PostgreSQL, Spark and wheel
	$(RUN) pytest -n 2 --dist loadgroup

coverage: $(VENV)/.$(EXTRAS)  ## The same, with the lines that no test runs
	$(RUN) pytest -n 2 --dist loadgroup --cov --cov-report=term:skip-covered

lint: $(VENV)/.$(EXTRAS)  ## Style, types and floors
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	$(BIN)/lint-imports

dashboard: $(VENV)/.dashboard  ## Open the dashboard on the demo's study
	@test -d studies/credit || $(BIN)/equiscore study data/samples/credit/activity.yaml --why --out studies/credit || test $$? -eq 1 -o $$? -eq 3
	$(BIN)/equiscore dashboard studies

bench: $(VENV)/.$(EXTRAS)  ## Measure, as ratios in one run
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/validity.py --short

clean:
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
