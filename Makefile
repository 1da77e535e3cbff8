# Two commands: `make demo` and `make test` (`make test-fast` in between). Everything is installed into .venv.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
EXTRAS := tensorflow,jax,nlp,rl,data,export,litert,onnx,openvino,tensorboard,wandb,mlflow,ray,hub,docs,dev
CORE_TESTS := tests/backend tests/masking tests/training tests/exporters tests/test_package.py
STAMP := $(VENV)/.installed

.PHONY: demo test test-fast test-all compat compat-lowest compat-newest wheel bench lint docs notebooks clean install

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q -c constraints.txt -e '.[$(EXTRAS)]'
	touch $@

demo: $(STAMP)
	$(BIN)/keras-lottery run --config=quickstart --report --export $(DEMO_FLAGS)

test: $(STAMP)
ifeq ($(TORCH),1)
	$(BIN)/pip install -q -c constraints.txt 'torch'
endif
	$(BIN)/python tests/run.py

test-fast: $(STAMP)
	$(BIN)/python tests/run.py --fast

test-all: $(STAMP)
	$(BIN)/python tests/run.py --slow

compat: compat-lowest compat-newest

# pip installs the newest allowed versions unless a file of constraints says otherwise.
compat-lowest: PINS := -c constraints-lowest.txt
compat-lowest compat-newest: compat-%:
	$(PYTHON) -m venv build/$@
	build/$@/bin/pip install -q --upgrade $(PINS) -e '.[tensorflow,jax]' $(if $(TORCH),torch) pytest pytest-xdist
	build/$@/bin/python tests/run.py $(CORE_TESTS)

# Builds the wheel, and runs an experiment with it in a clean environment.
wheel:
	rm -rf build/wheel
	$(PYTHON) -m venv build/wheel
	build/wheel/bin/pip wheel -q --no-deps -w build/wheel/dist .
	build/wheel/bin/pip install -q -c constraints.txt "$$(echo build/wheel/dist/*.whl)[jax]"
	cd build/wheel && bin/keras-lottery run --config=quickstart --report $(DEMO_FLAGS)
	mkdir -p dist && cp build/wheel/dist/*.whl dist

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Warnings are errors, broken links among them; the site is in build/site.
docs: export KERAS_BACKEND ?= jax
docs: export NO_MKDOCS_2_WARNING = 1
docs: $(STAMP)
	$(BIN)/mkdocs build

notebooks: $(STAMP)
	$(BIN)/python -m website.write_notebooks

bench: $(STAMP)
	$(BIN)/python benchmarks/run.py
	$(BIN)/python -m benchmarks.backends --write

results/%: $(STAMP)
	$(BIN)/python -m benchmarks.results $* $(RESULTS_FLAGS)

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache
