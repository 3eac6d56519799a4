# `make` alone lists the targets.

BENCH := bench/Cargo.toml
# Each workspace has a lock file of its own.
MANIFESTS := Cargo.toml $(BENCH) examples/rust/Cargo.toml
BUF := .ci/node_modules/.bin/buf
GHZ_VERSION := 0.120.0
GHZ_ROOT := .tools/ghz-$(GHZ_VERSION)
GHZ := $(GHZ_ROOT)/ghz
OHA_VERSION := 1.16.0
OHA_ROOT := .tools/oha-$(OHA_VERSION)
OHA := $(OHA_ROOT)/bin/oha
KUSTOMIZE_VERSION := 5.8.2
KUSTOMIZE_ROOT := .tools/kustomize-$(KUSTOMIZE_VERSION)
KUSTOMIZE := $(KUSTOMIZE_ROOT)/kustomize
SCHEMAS := .tools/kubernetes-validate
NATS_VERSION := 2.15.2
NATS_ROOT := .tools/nats-server-$(NATS_VERSION)
NATS := $(NATS_ROOT)/nats-server
DENY_VERSION := 0.20.2
DENY_ROOT := .tools/cargo-deny-$(DENY_VERSION)
DENY := $(DENY_ROOT)/bin/cargo-deny

.DEFAULT_GOAL := help
.PHONY: help run test examples fmt lint settings docs proto compilers baseline contract deny ghz load
.PHONY: chaos compare smoke instructions syscalls cpu events containers kubernetes nats go

ghz load compare smoke: export PATH := $(CURDIR)/$(GHZ_ROOT):$(CURDIR)/$(OHA_ROOT)/bin:$(PATH)
kubernetes: export PATH := $(CURDIR)/$(KUSTOMIZE_ROOT):$(PATH)

help: ## Lists the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Starts gateway and decider with policy.yaml, and says what to try
	@scripts/run

test: ## Runs all tests
	cargo test --workspace --locked

examples: ## Tests the example deciders in each language that is installed, and plays OpenIM before them
	@examples/conformance

fmt: ## Formats the Rust code
	cargo fmt --all
	cargo fmt --manifest-path $(BENCH)
	cargo fmt --manifest-path examples/rust/Cargo.toml

lint: ## Checks format and clippy
	cargo fmt --all --check
	cargo fmt --manifest-path $(BENCH) --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo clippy --manifest-path $(BENCH) --target-dir $${CARGO_TARGET_DIR:-target} --locked -- -D warnings

settings: ## Writes docs/settings.md from the settings' documentation
	UPDATE_SETTINGS=1 cargo test -p callback-gateway --locked --test settings_reference

docs: ## Builds the Rust documentation; a warning fails
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

proto: $(BUF) ## Checks the contract: lint, format, and compatibility with the baseline
	$(BUF) lint proto
	@$(BUF) format --diff --exit-code proto || { echo 'Mend it: $(BUF) format --write proto' >&2; exit 1; }
# Without the imports: descriptor.proto comes with buf and changes with its version.
	$(BUF) breaking proto --against proto/baseline.binpb --exclude-imports

compilers: ## Generates code in each language as docs/compilers.md says, by protoc 3.12 to the newest and by buf
	@scripts/compilers

baseline: $(BUF) ## Makes today's contract the one that `make proto` compares with
	$(BUF) build proto --exclude-source-info -o proto/baseline.binpb

contract: ## Packs the contract for a release: its files and its compiled descriptors
	@scripts/contract

deny: $(DENY) ## Checks dependencies: licences, bans, sources, and known vulnerabilities
	@for manifest in $(MANIFESTS); do \
		$(DENY) --manifest-path $$manifest --locked --config deny.toml check licenses bans sources || exit; \
	done
	@if $(DENY) --locked fetch db; then for manifest in $(MANIFESTS); do \
		$(DENY) --manifest-path $$manifest --offline --config deny.toml check advisories || exit; \
	done; else echo 'SKIPPED: advisories, since their database could not be fetched'; fi

ghz: $(GHZ) ## Loads the decider at DECIDER=127.0.0.1:50051; bench/README.md has RATE, DURATION, REPORT and the others
	@bench/run ghz

load: $(OHA) ## Loads the gateway at GATEWAY=127.0.0.1:10006, with its admin port at ADMIN=127.0.0.1:9464
	@bench/run load

compare: $(GHZ) ## Loads several deciders in turns: DECIDERS="name=host:port …"; the others are divided by the first
	@bench/run compare $(DECIDERS)

smoke: $(GHZ) $(OHA) ## Runs all load tests for moments, against servers of its own
	@bench/smoke

chaos: ## Kills gateway and decider under load, again and again; CHAOS_SECONDS=3600 for an hour, CHAOS_SEED for the same pauses
	OUTAGE_SECONDS=$${OUTAGE_SECONDS:-30} cargo test -p callback-gateway --locked --test process -- \
		--include-ignored --exact --nocapture chaos::what_was_acknowledged_is_delivered_in_order \
		faults::outage::no_message_is_lost_while_the_decider_is_down_and_no_user_waits
	NATS_CHAOS_SECONDS=$${CHAOS_SECONDS:-30} cargo test -p callback-tests --locked --test nats -- \
		--nocapture nothing_is_lost_and_no_key_is_out_of_order

instructions: ## Counts the gateway's instructions for a callback; fails where they are 4 % over those kept in bench/
	@bench/cost instructions

syscalls: ## Counts the gateway's system calls for a callback
	@bench/cost syscalls

cpu: ## Measures the gateway's processor time for a callback, beside that of the plainest forwarder
	@bench/cost cpu

events: ## Measures what it costs to keep after-callbacks on disk, beside relaying them
	@bench/events

containers: ## Builds both images, and checks them by the compose files; brings a Docker engine if it can
	@deploy/with-engine deploy/test

kubernetes: $(KUSTOMIZE) $(SCHEMAS)/.installed ## Checks the manifests of deploy/kubernetes without a cluster
	@$(SCHEMAS)/bin/python deploy/kubernetes/validate

nats: $(NATS) ## Installs the NATS server that the tests start, and prints its path
	@echo $(NATS)

$(BUF): .ci/package-lock.json
	npm ci --prefix .ci
	@touch $@ # npm keeps the package's old times

# Its own release profile (fat LTO, one codegen unit) would take longer to build than it could ever save here.
$(DENY):
	CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
		cargo install cargo-deny --version $(DENY_VERSION) --locked --root $(DENY_ROOT)

$(GHZ) $(KUSTOMIZE) $(NATS): | go
$(GHZ):
	GOBIN=$(CURDIR)/$(GHZ_ROOT) go install github.com/bojand/ghz/cmd/ghz@v$(GHZ_VERSION)

# 5.8.3 asks for Go 1.27.
$(KUSTOMIZE):
	GOBIN=$(CURDIR)/$(KUSTOMIZE_ROOT) go install sigs.k8s.io/kustomize/kustomize/v5@v$(KUSTOMIZE_VERSION)

$(NATS):
	GOBIN=$(CURDIR)/$(NATS_ROOT) go install github.com/nats-io/nats-server/v2@v$(NATS_VERSION)

go:
	@command -v go >/dev/null || { echo 'ghz, kustomize and nats-server are installed with Go, which is not here' >&2; exit 1; }

$(OHA):
	CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
		cargo install oha --version $(OHA_VERSION) --locked --root $(OHA_ROOT)

$(SCHEMAS)/.installed: deploy/kubernetes/requirements.txt
	python3 -m venv --clear $(SCHEMAS)
	$(SCHEMAS)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@
