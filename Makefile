# Two commands do everything on a machine with Python >= 3.10 and make:
#   make train   set up, then train LeNet-5 on the embedded MNIST
#   make test    set up, then lint, types, floors and tests
# make bench     set up, then time the suite beside torch and write BENCHMARKS.md; with ARGS=--quick nothing is written
# VENV=DIR uses another environment, PYTHON=... another interpreter to make it with.

VENV   ?= .venv
PYTHON ?= python3
RUN    := $(VENV)/bin/python
READY  := $(VENV)/.manualconv-$(shell cksum < pyproject.toml | cut -d' ' -f1)
BENCH_READY := $(READY)-bench
PACKAGE_READY := $(READY)-package
TOOLS_READY := $(READY)-tools
MUTATION_READY := $(READY)-mutation
JOBS   ?= $(shell $(PYTHON) -c "import os; print(os.cpu_count() or 1)")

.PHONY: setup train bench test lint prove refusals accuracy deep faults networks gpu predict machines versions seeds package tools mutation crash corrupt nan workers records compare capabilities browser bench bench-plain steps clean

train: setup
	$(RUN) -m train $(ARGS)

test: lint
	$(RUN) -m pytest tests -n $(JOBS) --dist worksteal $(ARGS)

# Per operation: how often it was compared exactly and differentiated numerically, up to third order.
REFUSALS := tests/functional/test_refused_calls.py
prove: setup
	MANUALCONV_PROOF_PART=1 $(RUN) -m pytest tests/proof tests/test_bad_input.py tests/test_compile.py tests/test_leaks.py tests/explain/field $(REFUSALS) -n $(JOBS) --dist worksteal $(ARGS)

# What ours refuses beside what torch does: 2,000 calls of each function, right and wrong ones.
refusals: setup
	MANUALCONV_DRAWN=2000 $(RUN) -m pytest tests/test_bad_input.py -k exactly_where_torch_does -n $(JOBS) $(ARGS)

# The error of every kernel, mean and normalisation on realistic shapes, and of softmaxes, losses, norms and activations
# from 1e-30 to 1e30, in roundings, beside torch's own.
accuracy: setup
	$(RUN) -m pytest tests/kernels/correlation/test_accuracy.py tests/kernels/pooling/test_accuracy_of_means.py tests/kernels/entrywise/test_accuracy_of_magnitudes.py -s $(ARGS)

# Every property, with other examples in every run.
EXAMPLES ?= 1000
deep: setup
	MANUALCONV_PROFILE=mc-deep MANUALCONV_EXAMPLES=$(EXAMPLES) $(RUN) -m pytest tests -n $(JOBS) --dist worksteal $(ARGS)

# Every planted fault and every right implementation of convolution, max pooling and batch normalisation, tried by every law.
faults: setup
	$(RUN) -W ignore -m tests.faults.trial

# torchvision's networks by hand beside torch's own: logits, all gradients, statistics and forbidden calls, a row each.
networks: setup
	$(RUN) -m tests.networks $(ARGS)

# Laws, modes and a training step on a CUDA device; without one it says so.
gpu: setup
	$(RUN) -W ignore -m tests.gpu $(ARGS)

# What a network trained here makes of digits drawn in fonts, sizes and light that it has never seen: right answers by kind.
predict: setup
	$(RUN) -m tests.drawn $(ARGS)

# The suite as on other machines: fewer vector instructions, other numbers of threads, with Numba and without; four runs,
# of which those that are finished are kept while the commit is the same.  Writes docs/MACHINES.md.
machines: setup
	$(RUN) -m tests.machines $(ARGS)

# The suite on the oldest torch and Python that pyproject.toml claims, and on the newest torch with each later Python: an
# environment of 5 to 7 GB each, removed after its run.  Finished rows are kept while the commit is the same.  Writes
# docs/VERSIONS.md.
versions: setup
	$(RUN) -m tests.versions $(ARGS)

# The suite 20 times with 20 seeds, two at once: no test may depend on its examples or on the load.  Writes docs/SEEDS.md;
# a seed that passed is not run again.
seeds: lint
	$(RUN) -m tests.seeds $(ARGS)

# The source distribution and the wheel, in dist/, and what is in them.  `make test` runs in the unpacked source; the wheel
# is installed away from the clone, where README's examples and the command line run, and `manualconv check` and pytest find
# out a wrong kernel.  torch and the other packages are not installed a second time, but found in this environment: only
# `pip install .` on a new machine shows that an index has them.  ARGS=--suite=--collect-only only collects the tests of the
# unpacked source.
package: $(PACKAGE_READY)
	$(RUN) -m tests.packaging $(ARGS)

$(PACKAGE_READY): $(READY)
	$(INSTALL) build
	@touch $@

# The suite beside torch and the peers that the index has; a run with ARGS leaves the results file alone.  The ten rows
# that the file opens with are also run on one thread, with AVX2 (all four settings of `make machines` alike) and without
# Numba.
RESULTS := --output BENCHMARKS.md --plot docs/benchmarks.svg --json runs/benchmarks.json
bench: $(BENCH_READY)
ifndef ARGS
	OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(RUN) -m manualconv bench --front --json runs/one-thread.json
	ATEN_CPU_CAPABILITY=avx2 MKL_ENABLE_INSTRUCTIONS=AVX2 ONEDNN_MAX_CPU_ISA=AVX2 NUMBA_CPU_NAME=haswell $(RUN) -m manualconv bench --front --json runs/avx2.json
	NUMBA_DISABLE_JIT=1 $(RUN) -W ignore -m manualconv bench --front --json runs/no-numba.json
endif
	$(RUN) -m manualconv bench $(or $(ARGS),$(RESULTS) --beside "1 thread=runs/one-thread.json" "AVX2=runs/avx2.json" "without Numba=runs/no-numba.json")

# Where a small call's time goes, two processes' steps, and first steps; writes docs/STEPS.md.
steps: $(BENCH_READY)
	$(RUN) -m manualconv bench --profile --processes --first-step --output docs/STEPS.md

# The whole suite without Numba's compiled loops.
bench-plain: $(BENCH_READY)
	NUMBA_DISABLE_JIT=1 $(RUN) -W ignore -m manualconv bench $(or $(ARGS),--output docs/BENCHMARKS_PLAIN.md --json runs/benchmarks-plain.json)

# Training runs killed at 200 random moments, inside the write too, and gone on with bit for bit; ARGS=--kills=20 for fewer.
crash: setup
	$(RUN) -W ignore -m tests.train.crash $(ARGS)

# Damaged and hostile checkpoints, full disks, damaged data sets: each refused by its reason; ARGS=--share=0.1 for fewer.
corrupt: setup
	$(RUN) -W ignore -m tests.train.corrupt $(ARGS)

# NaN and infinity in weights, gradients, images, outputs and the loss: each stops training before the step.
nan: setup
	$(RUN) -W ignore -m tests.train.nan $(ARGS)

# Two workers that torchrun starts, beside one process: gradients, a whole run, evaluation; one is stopped, one is killed,
# and their runs go on.
workers: setup
	$(RUN) -W ignore -m tests.train.workers

# The page that `manualconv animate` writes, in a headless Chromium: layers set on it by keys, every number beside torch's.
# Without a Chromium Debian's is installed, where that can be done; else it says so.
browser: setup
	$(RUN) -m tests.browser $(ARGS)

# Five seeds of a goal, lenet (LeNet-5 in ten minutes) or wall (99 % as soon as can be); writes docs/RECORDS.md.  A seed that
# is finished is not trained again while the flags are the same; ARGS=--seeds=1 tries one.
GOAL ?= lenet
records: setup
	$(RUN) -m tests.records $(GOAL) $(ARGS)

compare: setup
	$(RUN) -m train compare $(ARGS)

# Prove every cell of docs/capabilities.json, for manualconv and for torch; write it, and docs/CAPABILITIES.md from it.
capabilities: setup
	$(RUN) -m tests.capabilities

lint: setup
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy

setup: $(READY)

# The stamp's name carries the checksum of pyproject.toml: a second run installs nothing, a changed dependency does.
$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	@rm -f $(VENV)/.manualconv-*
	@touch $@

# A peer that the index does not have is left out of the benchmark; the others are still asked.
INSTALL := $(RUN) -m pip install --quiet --disable-pip-version-check
PEERS    = $(call EXTRA,peers)
EXTRA    = from importlib.metadata import requires; print(*(r.split(";")[0] for r in requires("manualconv") if "$(1)" in r))
$(BENCH_READY): $(READY)
	$(INSTALL) --editable ".[dev,bench]"
	$(INSTALL) --editable ".[peers]" || for peer in $$($(RUN) -c '$(PEERS)'); do $(INSTALL) "$$peer" || echo "without $$peer"; done
	@touch $@

# What people use beside manualconv, tried one after another; writes docs/TOOLS.md.  Nothing that is installed is changed
# for a tool: one that needs other versions is left out, and is a row "not here".
tools: $(TOOLS_READY)
	$(RUN) -m tests.tools $(ARGS)

$(TOOLS_READY): $(READY)
	$(RUN) -m pip freeze --exclude-editable > $@.txt
	$(INSTALL) -c $@.txt --editable ".[tools]" || for tool in $$($(RUN) -c '$(call EXTRA,tools)'); do $(INSTALL) -c $@.txt "$$tool" || echo "without $$tool"; done
	@touch $@

# Whether a test notices a small change: every one in geometry, a sample of 600 elsewhere; writes docs/MUTATION.md and fails
# if a survivor is not explained.  A run that is stopped goes on where it was.  The changes are made in copies of the tree.
mutation: $(MUTATION_READY)
	$(RUN) -m tests.mutation $(ARGS)

$(MUTATION_READY): $(READY)
	$(RUN) -m pip freeze --exclude-editable > $@.txt
	$(INSTALL) -c $@.txt --editable ".[mutation]"
	@touch $@

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist *.egg-info
