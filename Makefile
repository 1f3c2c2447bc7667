# Every command of the project. Each target does its own set-up; what is generated goes to build/.
.DEFAULT_GOAL := help
PYTHON ?= python3
export PYTHON

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## Ride out a real outage with a Python and a Node service, beside plain clients
	@scripts/setup-system --optional redis
	@scripts/build-python
	@scripts/build-node
	@build/venv/bin/python examples/demo.py

.PHONY: build
build: ## Build the Python, Node and WASM packages
	@scripts/build-python
	@scripts/build-node
	@scripts/build-wasm

.PHONY: test
test: ## Run every test suite; the last line is `N passed, N failed`
	@$(PYTHON) tests/run.py

.PHONY: test-rust test-python test-node test-wasm test-browser test-packaging
test-rust: ## Run the Rust tests, and check that the core compiles for WASM
	@$(PYTHON) tests/run.py rust core-wasm
test-python: ## Run the Python package's tests
	@$(PYTHON) tests/run.py python
test-node: ## Run the Node package's tests
	@$(PYTHON) tests/run.py node
test-wasm: ## Run the WASM package's tests in Node
	@$(PYTHON) tests/run.py wasm
test-browser: ## Run the WASM package's tests in headless Chromium
	@$(PYTHON) tests/run.py browser
test-packaging: ## Install the built packages elsewhere and use them
	@$(PYTHON) tests/run.py packaging

.PHONY: faults
faults: ## Put every client under fire, redis-py and ioredis beside it (ONLY=part of a fault's name, DRIVERS=a,b)
	@scripts/faults $(if $(ONLY),--only "$(ONLY)") $(if $(DRIVERS),--drivers $(DRIVERS),--compare)

.PHONY: soak
soak: ## Faults at random for MINUTES (20) from SEED (1): nothing lost, memory and descriptors flat (Linux)
	@SOAK=1 scripts/faults --minutes $(or $(MINUTES),20) --seed $(or $(SEED),1) $(if $(DRIVERS),--drivers $(DRIVERS))

.PHONY: devtools
devtools: ## Put the devtools page together in build/devtools
	@scripts/build-devtools

.PHONY: picture
picture: ## Take the README's picture of the devtools page anew
	@$(PYTHON) tests/run.py browser
	cp build/screenshots/picture.png examples/devtools/picture.png

.PHONY: fuzz-store
fuzz-store: ## Compare the store with redis-server on COMMANDS random commands from SEED (20,000,000 from 1)
	@scripts/setup-system redis
	OUTLAST_STORE_COMMANDS=$(or $(COMMANDS),20000000) OUTLAST_STORE_SEED=$(or $(SEED),1) \
		cargo test --release -p outlast-tests --test differential

.PHONY: sim
sim: ## Run the simulator on SEEDS seeds from SEED (2,000 from 1), or on SEED alone, step by step
	@SEEDS=$(SEEDS) SEED=$(SEED) GUARD=$(GUARD) SABOTAGE=$(SABOTAGE) FLEET=$(FLEET) DAY=$(DAY) \
		cargo run --quiet --release -p outlast-core --features sim --example sim

.PHONY: fuzz
fuzz: ## Give each parser and the store bytes by chance for SECONDS (60); needs rustup
	@SECONDS_EACH=$(or $(SECONDS),60) scripts/fuzz

.PHONY: coverage
coverage: ## Print which lines of the store its tests run, by file (some minutes)
	@scripts/coverage

.PHONY: compat-node
compat-node: ## Run the tests of ioredis itself on ioredis and on outlast (needs GitHub)
	@scripts/compat-node

.PHONY: lint
lint: ## Check formatting, lints, types, licences and the repository's own rules
	@scripts/lint

.PHONY: format
format: ## Format every source file
	@scripts/format

.PHONY: generated
generated: ## Write the committed generated files anew
	@scripts/generate

.PHONY: bench
bench: ## Compare with other clients, about 5 minutes (QUICK=1: only see that it works)
	@scripts/bench $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(QUICK),--quick)

.PHONY: compat-python
compat-python: ## Run redis-py's own tests with redis-py and with outlast in its place (some minutes)
	@scripts/compat-python
	@scripts/compat-python --suite asyncio
	@scripts/compat-python --suite cluster
	@scripts/compat-python --suite asyncio-cluster

.PHONY: setup-deny
setup-deny: ## Install cargo-deny into build/tools, for lint (some minutes)
	@scripts/setup-deny

.PHONY: clean
clean: ## Remove everything that was built or installed inside the checkout
	rm -rf build target node_modules bindings-*/node_modules bindings-wasm/pkg bindings-*/dist bindings-node/*.node
	rm -rf tests/*/node_modules examples/*/node_modules
