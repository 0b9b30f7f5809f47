# `make` lists the targets. Programs come from node_modules/.bin first: npm brings Node 24 with it, where it can.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
# A shell that is not the default one makes old versions of make look programs up in the PATH above.
SHELL := /bin/bash
MAKEFLAGS += --no-print-directory

.DEFAULT_GOAL := help
.PHONY: help setup run demo golden replay bench-claims bench-rebuild bench-events bench-choosing bench-knowledge bench-keeper bench-cli cli-docs cli-docs-check pack mutants soak model model-mutants crash-matrix conditions dev generate build typecheck lint lint-fix format proto-lint generated-check \
	test test-unit test-server db-generate db-migrate db-push db-studio check

help: ## list the targets
	@awk -F ':[^#]*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

setup: ## install what package-lock.json names (does nothing when that is done)
	@scripts/setup.sh

run: build ## start the server (PORT, NEXUS_DATA_DIR, DATABASE_URL, REDIS_URL, …: see .env.example)
	@exec node server/dist/main.js

demo: build ## show agents at work on one project
	@exec node bench/dist/demo.js

replay: build ## replay a feature history (FILE AGENTS LOOKAHEAD MS_PER_LINE CLAIMS NEXUS_URL)
	@exec node bench/dist/replay.js

bench-claims: build ## measure what a claim costs in Redis, as more and more is held (SIZES RUNS)
	@exec node bench/dist/bench-claims.js

bench-rebuild: build ## measure how long a project takes to be back after Redis lost everything (CLAIMS)
	@exec node bench/dist/bench-rebuild.js

bench-events: build ## measure how long events take to those who watch, and what they cost (SECONDS_EACH)
	@exec node bench/dist/bench-events.js

bench-choosing: build ## measure how agents get through a queue, and what reading a large project costs (AGENTS FEATURES RUNS)
	@exec node bench/dist/bench-choosing.js

bench-knowledge: build ## measure searches over a thousand features and 10,000 entries (RUNS)
	@exec node bench/dist/bench-knowledge.js

bench-keeper: build ## measure what a keeper with a hundred sessions costs (SESSIONS SECONDS_EACH)
	@exec node bench/dist/bench-keeper.js

bench-cli: build ## measure how long commands take beside Node itself (RUNS)
	@exec node bench/dist/bench-cli.js

cli-docs: setup ## write what docs/cli.md says of each command
	@node scripts/cli-docs.mjs

cli-docs-check: setup ## check that docs/cli.md says what the commands do
	@node scripts/cli-docs.mjs --check

pack: build ## make the tarball that `npm install -g` takes, in dist/
	@node scripts/pack.mjs

mutants: setup ## change the claim stores as mistakes would, and see each caught by its test
	@node scripts/mutants.mjs

crash-matrix: build ## let everything go wrong at every step of the claims protocol (ONLY=take-over for a part)
	vitest run --project crash-matrix

model: setup ## look at every state of the claims protocol in small worlds, about 5 minutes (MUTANT=void-row)
	@node scripts/build.mjs model
	@exec node --max-old-space-size=2000 server/model/dist/main.js $(MUTANT)

model-mutants: ## remove one condition of the protocol at a time, and see what the model finds
	@$(MAKE) model MUTANT=all-mutants

conditions: ## take each condition of the protocol away, from the model and from the real code, and see what catches it
	@$(MAKE) model MUTANT="epoch-of-commit epoch-of-expire void-row confirm entries-without-cid request-record"
	@node scripts/mutants.mjs protocol:

dev: build ## start the server and restart it at every change
	@node scripts/build.mjs --watch server & builder=$$!; trap "kill $$builder 2>/dev/null" EXIT; \
		node --watch server/dist/main.js

generate: setup ## regenerate gen/ from proto/
	buf generate

build: setup ## bundle server, command line and benchmarks into */dist
	@node scripts/build.mjs

typecheck: setup ## check the types
	tsc --noEmit -p .

lint: setup ## check style, format and who imports whom
	biome check --error-on-warnings .

lint-fix: setup ## mend what lint can mend
	biome check --write .

format: setup ## format the sources and the protos
	biome format --write .
	buf format --write

proto-lint: setup ## check style and format of the protos
	buf lint
	buf format --diff --exit-code

generated-check: setup ## check that gen/ is what proto/ generates
	@scripts/check-generated.sh

test: build ## run the tests (FILE=server/domain/paths for some of them)
	vitest run --project unit --project integration $(if $(FILE),"$(FILE)")

test-unit: setup ## run the tests that need no database
	vitest run --project unit $(if $(FILE),"$(FILE)")

test-server: setup ## run the server's tests
	vitest run --project unit --project integration $(if $(FILE),"$(FILE)",server/)

golden: build ## write down anew what the commands print (cli/golden), after a change that is meant
	vitest run --project integration cli/commands/golden.integration.test.ts -u

soak: build ## let misfortunes strike three servers for long (MINUTES=10; SEED=… replays the misfortunes of one round)
	MINUTES=$(or $(MINUTES),$(if $(SEED),0,10)) SEED=$(SEED) vitest run --project integration server/soak.integration.test.ts

db-generate: setup ## write a migration for what changed in the schema
	cd server && drizzle-kit generate

db-migrate: setup ## bring the database DATABASE_URL up to date
	cd server && drizzle-kit migrate

db-push: setup ## force the schema onto the database DATABASE_URL, for experiments
	cd server && drizzle-kit push

db-studio: setup ## browse the database DATABASE_URL
	cd server && drizzle-kit studio

check: proto-lint generated-check cli-docs-check lint typecheck test ## everything that CI runs
