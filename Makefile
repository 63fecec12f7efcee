# Targets for people and for CI; CONTRIBUTING.md says what each is for.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check
NEWEST := .venv-newest

.PHONY: run up docs test test-slow test-servers test-stress test-load test-newest fuzz audit errors house sentences words reliability notebook gpu-check check format types layers system lock results bench bench-memory bench-overhead bench-outage bench-serving bench-tuning bench-gate bench-drift bench-pictures bench-beside bench-peers strategies precision clean help

help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | expand -t 14

run: $(VENV)/.run ## the whole pipeline, no server needed; prints the verdicts and the report's path
	@$(BIN)/hw3 run --images auto $(ARGS)

up: $(VENV)/.run ## servers, work pools, workers and deployments on this machine, until Ctrl-C
	@$(BIN)/hw3 up $(ARGS)

test: $(VENV)/.test ## the test suite (see `system` for what it needs beside Python)
	$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)
	@# Exit code 5: ARGS has chosen none of these.
	$(BIN)/python -m pytest -m alone $(ARGS) || [ $$? -eq 5 ]

test-slow: $(VENV)/.test ## what takes long of the suite: kills, races, simulations
	$(BIN)/python -m pytest -m slow -n 2 --dist worksteal $(ARGS)

test-servers: $(VENV)/.test ## tests that start servers and workers: faults, races, web pages, hw3 up
	$(BIN)/python -m pytest -m servers $(ARGS)

test-stress: $(VENV)/.test ## the suite on one core, beside busy loops, shuffled, twice, as an ordinary user, with short waits
	$(BIN)/python -m benchmarks.stress $(ARGS)

test-load: $(VENV)/.test ## 200 trainings queued over two workers
	$(BIN)/python -m pytest -m load $(ARGS)

test-newest: ## the suite with the newest packages that pyproject.toml allows, not the lock's (PIN="torch==..." holds one)
	$(PYTHON) -m venv $(NEWEST)
	$(NEWEST)/bin/python -m pip install -q --upgrade --upgrade-strategy eager -e ".[dev]" $(PIN)
	@grep -ohE '^[a-z0-9.-]+==[^ ]+' constraints.txt constraints-dev.txt > $(NEWEST)/locked.txt
	@echo "==> not as in the lock:"; $(NEWEST)/bin/python -m pip freeze --exclude-editable | grep -vixFf $(NEWEST)/locked.txt || true
	$(NEWEST)/bin/python -m pytest -n 2 --dist worksteal $(ARGS)
	$(NEWEST)/bin/python -m pytest -m alone $(ARGS) || [ $$? -eq 5 ]

reliability: $(VENV)/.test ## cause every fault for real, most of an hour; writes docs/reliability.md
	$(BIN)/python -m benchmarks.reliability $(ARGS)

audit: $(VENV)/.test ## known vulnerabilities of the pinned packages, and what looks unsafe in the code
	$(BIN)/pip-audit --require-hashes --disable-pip -r constraints.txt
	$(BIN)/ruff check --select S .

house: $(VENV)/.run ## count rooms, floors, arrows and lines; writes a part of ARCHITECTURE.md
	$(BIN)/python -m benchmarks.house

sentences: $(VENV)/.run ## read the sentences of 10,000 random comparisons back, and hold them against their numbers
	$(BIN)/python -m benchmarks.sentences $(ARGS)

words: $(VENV)/.run ## write the sentences and the words of verdicts into docs/verdicts.md and docs/glossary.md
	$(BIN)/python -m benchmarks.words

errors: $(VENV)/.run ## write docs/errors.md again from the code
	$(BIN)/python -m benchmarks.errors

fuzz: $(VENV)/.test ## tens of thousands of damaged and generated files
	HW3_FUZZ=nightly $(BIN)/python -m pytest tests/fuzz --timeout 1800 $(ARGS)

gpu-check: $(VENV)/.run ## a study through the GPU pool, against the CPU
	@$(BIN)/python -m benchmarks.gpu_check $(ARGS)

check: $(VENV)/.test ## format, lint, types, layers, no private names: what a commit must pass beside the tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m benchmarks.private_names
	@# Imports of tests from each other are seen by no other check.
	$(BIN)/python -m pytest --collect-only -qq -m '' > $(VENV)/.collected || { tail -30 $(VENV)/.collected; exit 1; }

format: $(VENV)/.test ## mend what ruff can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

results: $(VENV)/.run ## rewrite the result table in README.md and docs/results.md from runs
	$(BIN)/python -m benchmarks.results
	$(BIN)/python -m benchmarks.published

archives: $(VENV)/.run ## series of the UCR and UEA archives beside what is published, in docs/archives.md; hours, goes on where it stopped
	$(BIN)/python -m benchmarks.archives $(ARGS)

docs: $(VENV)/.test ## the documentation site, in build/site; warnings are errors
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "open build/site/index.html (its search wants a server: python3 -m http.server --bind 127.0.0.1 -d build/site)"

notebook: $(VENV)/.test ## run notebooks/hw3.ipynb from top to bottom and keep what came of it
	$(BIN)/python -m benchmarks.notebook

bench: $(VENV)/.run ## speed against plain loops, under 10 minutes; writes docs/speed.md
	$(BIN)/python -m benchmarks.speed $(ARGS)

bench-memory: $(VENV)/.run ## peak memory on a 4 GiB file that is read in chunks
	$(BIN)/python -m benchmarks.larger_than_memory $(ARGS)

bench-overhead: $(VENV)/.run ## what Prefect, MLflow and the report cost on top of the same calls alone
	$(BIN)/python -m benchmarks.overhead $(ARGS)

bench-outage: $(VENV)/.test ## what a training loses while MLflow's server is away; writes a part of docs/faults.md
	$(BIN)/python -m benchmarks.outage

bench-serving: $(VENV)/.run ## latency of a served champion; writes a part of docs/serving.md
	$(BIN)/python -m benchmarks.serving

bench-tuning: $(VENV)/.run ## tuned against default recipes, many minutes; writes a part of docs/tuning.md
	$(BIN)/python -m benchmarks.tuning $(ARGS)

bench-gate: $(VENV)/.run ## how often the promotion gate is wrong, and what it finds; writes a part of docs/promotion.md
	$(BIN)/python -m benchmarks.gate $(ARGS)

bench-drift: $(VENV)/.run ## false alarms of `hw3 drift`, and what it finds; writes a part of docs/drift.md
	$(BIN)/python -m benchmarks.drift $(ARGS)

bench-beside: $(VENV)/.run ## a study beside another one, and beside busy programs; writes a part of docs/up.md
	$(BIN)/python -m benchmarks.beside $(ARGS)

bench-pictures: $(VENV)/.run ## pictures a second against ImageFolder with a DataLoader; writes a part of docs/own-images.md
	$(BIN)/python -m benchmarks.pictures $(ARGS)

bench-peers: $(VENV)/.run ## seconds beside tsai, aeon and a plain loop; writes docs/peers.md
	test -d build/peers/tsai || $(BIN)/pip install --quiet --no-deps --target build/peers -r benchmarks/peers.txt
	$(BIN)/python -m benchmarks.peers $(ARGS)

strategies: $(VENV)/.run ## measure which strategy trains replicates faster on this device
	$(BIN)/python -m benchmarks.strategies $(ARGS)

precision: $(VENV)/.run ## loss curves in bfloat16 and TF32 beside float32, half an hour; writes the engine's table
	$(BIN)/python -m benchmarks.precision $(ARGS)

system: ## system packages that tests use (Debian, as root)
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
		chromium dataset-fashion-mnist fonts-dejavu-core postgresql docker-compose systemd

lock: $(VENV)/.test ## write the lock files again from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header -q --upgrade -o constraints.txt
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header -q --upgrade -c constraints.txt -o constraints-dev.txt
	$(BIN)/uv pip compile pyproject.toml deploy/requirements.in --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header -q --upgrade -c constraints.txt -o deploy/requirements.txt

clean: ## forget caches, prepared data and environment; keep reports and the MLflow store
	rm -rf $(VENV) $(NEWEST) .hw3 .pytest_cache .ruff_cache .mypy_cache test-output *.egg-info

# The stamps: a second `make run` installs nothing. The lock files are complete and hashed, so pip resolves nothing.
$(VENV)/.run: constraints.txt pyproject.toml
	@echo "==> 1/3 making $(VENV)"
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v < (3, 14) else f"Python 3.11 to 3.13 is needed, {sys.version.split()[0]} found; try: make PYTHON=python3.11")'
	@$(PYTHON) -m venv $(VENV)
	@echo "==> 2/3 installing the pinned packages (torch alone is over 2 GB with its GPU libraries; minutes)"
	@$(PIP) install --no-deps --require-hashes -r constraints.txt
	@echo "==> 3/3 installing hw3"
	@$(PIP) install -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.test: $(VENV)/.run constraints-dev.txt
	@echo "==> installing the test tools"
	@$(PIP) install -q --no-deps --require-hashes -r constraints-dev.txt
	@touch $@
