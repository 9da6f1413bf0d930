# Two commands for a newcomer: `make demo` and `make test`. Both install into .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo real test test-all slurm chaos coverage docs lint typecheck format bench gpu gpu-wheels \
	gpu-rehearsal clean

demo: $(VENV)/.installed
	$(BIN)/dissectbench demo

# ResNet-18 and ResNet-50 on Tiny-ImageNet's images: 1.4 GB once, nothing by hand. The same command
# goes on after a break. A smaller study: make real REAL="probe.params.limit=1000"
real: $(VENV)/.installed
	$(BIN)/dissectbench fetch --yes resnet18_imagenet resnet50_imagenet clip_vit_b16_openai \
		all_mpnet_base_v2 tiny_imagenet
	$(BIN)/dissectbench plan --time experiment=real_resnet $(REAL)
	$(BIN)/dissectbench run experiment=real_resnet $(REAL)
	$(BIN)/dissectbench board results/real_resnet --out results/boards/real_resnet

# Two processes with a thread each: a file of tests keeps to one of them, with what it builds once.
# By folder, not files of few tests last: some of these run for a minute, beside an idle core.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder
test: $(VENV)/.installed-dev
	$(PYTEST) -m "not slow"

test-all: $(VENV)/.installed-dev
	HYPOTHESIS_PROFILE=default $(PYTEST)

# A sweep on a real Slurm of one node, which needs root and: apt-get install slurm-wlm munge
slurm: $(VENV)/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/pytest tests/slurm

# Interrupt, crowd and starve small sweeps, and count what is lost: some ten minutes on two cores.
chaos: $(VENV)/.installed-dev
	$(BIN)/python -m tests.chaos $(CHAOS)

# Lines of the source that `make test` runs; compiled kernels run outside Python and count as missed.
coverage: $(VENV)/.installed-dev
	$(PYTEST) -m "not slow" --cov --cov-report=term:skip-covered

# The site in build/site; needs no connection once the extra is installed.
docs: $(VENV)/.installed-docs
	$(BIN)/mkdocs build --strict

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
	$(BIN)/python -m bench.speed.alignment
	$(BIN)/python -m bench.speed.faithfulness

# Every timing on a GPU, within GPU_SECONDS. Nothing is installed: $(PYTHON) brings torch and what
# docs/timings.md lists; the few packages that a bare CUDA machine lacks come as wheels.
GPU_OUT ?= leaderboards/speed
GPU_SECONDS ?= 540
gpu:
	$(PYTHON) -m bench.speed.gpu --wheels .gpu-wheels --out $(GPU_OUT) --seconds $(GPU_SECONDS)

# For Python 3.12 on x86-64 Linux, in the versions of constraints.txt.
gpu-wheels: .gpu-wheels/.collected
.gpu-wheels/.collected: constraints.txt
	rm -rf .gpu-wheels
	$(PYTHON) -m pip download --quiet --disable-pip-version-check --no-deps -c constraints.txt \
		--python-version 3.12 --only-binary=:all: --dest .gpu-wheels \
		open_clip_torch hydra-core omegaconf ftfy wcwidth
	$(PYTHON) -m pip wheel --quiet --disable-pip-version-check --no-deps -c constraints.txt \
		--wheel-dir .gpu-wheels antlr4-python3-runtime
	touch $@

# The same on a CPU at a tiny size, in a process that finds no more than a bare machine has.
gpu-rehearsal: $(VENV)/.installed .gpu-wheels/.collected
	$(BIN)/python -m bench.speed.gpu.rehearsal --wheels .gpu-wheels --out build/gpu-rehearsal

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

$(VENV)/.installed-docs: $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[docs]"
	touch $@
