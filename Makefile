# Every gate is a target here; CI calls the same ones.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

TOOL := go tool -modfile=tools.mod
BUF := $(TOOL) buf
# The race detector needs a C compiler; without one the tests run all the same.
RACE := $(shell [ "$$(go env CGO_ENABLED)" = 1 ] && command -v "$$(go env CC)" >/dev/null 2>&1 && echo -race)
EXAMPLES := $(patsubst %/go.mod,%,$(wildcard examples/*/go.mod))
# The message types' package breaks compatibility between weekly versions: ours
# is the oldest that will do, and these must do as well.
GENPROTO := v0.60.0 v0.111.0 v0.137.0
FUZZTIME := 2m
# How long to make an input smaller. One that seems new only because goroutines
# took turns in another way would take go test's whole minute.
FUZZMINIMIZE := 5s
# What make generate writes.
GENERATED := proto/gen proto/drift fixtures/catalogue.binpb fixtures/scenario.schema.json fixtures/CATALOGUE.md docs/rules.md

.PHONY: help
help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## show the main job: three operations, polled by a real gRPC client
	@CGO_ENABLED=0 go build -o bin/optest ./cmd/optest
	@bin/optest demo

.PHONY: test
test: ## run all tests, with the race detector where there is a C compiler
	@[ -n "$(RACE)" ] || echo 'make test: no C compiler, so without -race' >&2
	go test $(RACE) ./...
	@for dir in $(EXAMPLES); do echo "== $$dir"; (cd $$dir && go vet ./... && go test $(RACE) ./...); done

.PHONY: check
check: format vet lint layers readme generate-check proto-lint breaking test genproto ## all gates
	@[ -n "$(RACE)" ] || { echo 'make check: want a C compiler for -race' >&2; exit 1; }
	@echo 'make check: all gates are green'

.PHONY: format
format: ## find Go files that gofumpt would change
	@files=$$($(TOOL) gofumpt -l $$(git ls-files '*.go' | grep -v '^proto/gen/')); [ -z "$$files" ] || { echo "make format: want gofumpt for"; echo "$$files"; exit 1; }

.PHONY: vet
vet:
	go vet ./...

.PHONY: lint
lint: ## staticcheck
	$(TOOL) staticcheck ./...

.PHONY: layers
layers: ## hold the packages to the direction of imports
	@go run ./cmd/repocheck layers

.PHONY: readme
readme: ## hold the README to the files that it quotes
	@go run ./cmd/repocheck readme

.PHONY: generate
generate: ## make Go and a JSON Schema from the protos, the catalogue and its page from the fixtures, a page of the rules
	$(BUF) generate
	$(BUF) generate --template proto/yandex/buf.gen.yaml
	$(BUF) build --path proto/google --path proto/yandex --exclude-source-info --as-file-descriptor-set -o proto/drift/contract.binpb
	$(BUF) build --as-file-descriptor-set -o - | go run ./fixtures/internal/schema
	go run ./fixtures/internal/compile
	go run ./cmd/optest/internal/reference

.PHONY: generate-check
generate-check: generate ## find generated files that are not up to date
	@git diff --exit-code -- $(GENERATED) || { echo 'make generate-check: commit what make generate has changed'; exit 1; }
	@new=$$(git status --porcelain --untracked-files=all -- $(GENERATED)); [ -z "$$new" ] || { echo "make generate-check: commit"; echo "$$new"; exit 1; }

.PHONY: proto-lint
proto-lint: ## buf lint and build
	$(BUF) lint
	$(BUF) build -o /dev/null

# Against the last release, else main, else the committed image.
.PHONY: breaking
breaking: ## buf breaking
	@tag=$$(git describe --tags --abbrev=0 --match 'v[0-9]*' HEAD^ 2>/dev/null || true); \
	if [ -n "$$tag" ]; then against=".git#tag=$$tag"; \
	elif git cat-file -e main:buf.yaml 2>/dev/null && [ "$$(git rev-parse main)" != "$$(git rev-parse HEAD)" ]; then against='.git#branch=main'; \
	else against=proto/baseline.binpb; fi; \
	echo "buf breaking --against $$against"; $(BUF) breaking --against "$$against"

.PHONY: baseline
baseline: ## make today's schema the one that breaking compares with
	$(BUF) build --path proto/optest --path proto/yandex --exclude-source-info -o proto/baseline.binpb

.PHONY: genproto
genproto: ## build and test against the oldest, the SDK's and the newest message types
	@dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; for version in $(GENPROTO); do \
		echo "== go-genproto $$version"; cp go.mod go.sum "$$dir"; \
		go mod edit -require=github.com/yandex-cloud/go-genproto@$$version "$$dir/go.mod"; \
		go build -mod=mod -modfile="$$dir/go.mod" ./...; \
		go test -mod=mod -modfile="$$dir/go.mod" ./fixtures/... ./mockserver ./mockserver/engine ./mockserver/internal/...; \
		go test -mod=mod -modfile="$$dir/go.mod" -count=1 -v -run ContractHolds ./proto/drift | grep -v '^=== '; \
	done

.PHONY: bench
bench: ## measure the bars, as ratios against a bare server in the same run
	go run ./mockserver/internal/bench
	@echo 'the whole suite against the mock server in the same process, want < 5s:'
	@go test -count=5 -v -run '^TestMockServerKeepsTheContract$$' ./conformance | sed -n 's/^ *healthy_test.go:[0-9]*: /  /p'
	go run ./conformance/internal/bench

# The judge's own trial: healthy servers that it must not accuse, broken ones that
# it must. In make test it is short; the page says what comes of it.
JUDGE = GOGC=1600 go test ./conformance/judge -count=1 -v -timeout 6h -judge.servers=0 -judge.unsure=100 -judge.places=40

.PHONY: judge
judge: ## judge the judge: kill matrix, healthy servers, hold-outs, sensitivity; writes docs/judge.md
	$(JUDGE) -judge.seeds=50 -judge.watched=20 -judge.randoms=10 -judge.page=$(CURDIR)/docs/judge.md 2>&1 | grep -v -e '^=== ' -e '^ *--- PASS'

.PHONY: judge-ci
judge-ci: ## what CI plays of it: 50 runs of each healthy server, every mutant and hold-out
	$(JUDGE) -run '^(TestHealthyZoo|TestKillMatrix|TestHoldOuts)$$' -judge.seeds=50 -judge.randoms=10 -judge.unsure=10 2>&1 | grep -v -e '^=== ' -e '^ *--- PASS'

.PHONY: judge-full
judge-full: ## 1,000 runs of each healthy server, which takes most of an hour; writes docs/judge-full.md
	$(JUDGE) -run '^(TestHealthyZoo|TestWatchedZoo)$$' -judge.seeds=1000 -judge.watched=100 -judge.randoms=4 -judge.command='make judge-full' -judge.page=$(CURDIR)/docs/judge-full.md 2>&1 | grep -v -e '^=== ' -e '^ *--- PASS'

.PHONY: judge-check
judge-check: judge ## find docs/judge.md not to be what make judge writes
	@git diff --exit-code -- docs/judge.md || { echo 'make judge-check: commit what make judge has changed'; exit 1; }

.PHONY: reports
reports: ## judge the project's own servers; writes docs/reports
	go test ./conformance/judge -count=1 -run '^TestReports$$' -rapid.seed=1 -judge.reports=$(CURDIR)/docs/reports

# Prints what the tests have seen: a fixture's id or rule, its name, what it does.
.PHONY: catalogue
catalogue: ## show what each fixture of a fault or of a broken rule does on the wire
	@out=$$(mktemp); trap 'rm -f "$$out"' EXIT; \
	go test -count=1 -v -run '^(TestFixturesShowTheirEffect|TestMutantsShowOnTheWire|TestMutantsAreComplete)$$' ./mockserver >"$$out" || { grep -v -e '^=== ' -e '--- PASS' "$$out"; exit 1; }; \
	sed -n 's/^ *[a-z]*_test\.go:[0-9]*: \([A-Z]\{1,3\}-[0-9][0-9]\t\)/\1/p' "$$out" | sort -s -k1,1 | \
	awk -F '\t' '{ mutant = NF > 3 ? $$2 : ""; fixture = $$(NF - 1); printf "%-7s %-40s %s%s\n", $$1, fixture, mutant == "" || mutant == fixture ? "" : "[" mutant "] ", $$NF; \
		if (!($$1 in ids)) { ids[$$1]; n[$$1 ~ /^F-/]++ } if (!(fixture in all)) { all[fixture]; fixtures++ } } \
		END { printf "%d faults and %d rules, shown by %d fixtures\n", n[1], n[0], fixtures }'

.PHONY: fuzz
fuzz: ## fuzz each target for FUZZTIME
	@list=$$(mktemp); trap 'rm -f "$$list"' EXIT; \
	go list -f '{{.ImportPath}} {{.Dir}}' ./... | while read -r pkg dir; do \
		grep -qs '^func Fuzz' "$$dir"/*_test.go || continue; \
		targets=$$(go test -list '^Fuzz' "$$pkg" </dev/null) || { echo "$$targets" >&2; echo "make fuzz: $$pkg does not build" >&2; exit 1; }; \
		grep '^Fuzz' <<<"$$targets" | sed "s|^|$$pkg |" || true; done >"$$list"; \
	total=$$(wc -l <"$$list"); n=0; \
	while read -r pkg target; do n=$$((n + 1)); \
		echo "== $$n of $$total: $$target of $$pkg, for $(FUZZTIME)"; \
		go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime $(FUZZMINIMIZE) "$$pkg" </dev/null || \
			{ echo "make fuzz: $$target of $$pkg has failed: mend it, and commit the input that it has written" >&2; exit 1; }; \
	done <"$$list"; \
	[ "$$n" -gt 0 ] || { echo 'make fuzz: got no target, want some' >&2; exit 1; }; \
	echo "make fuzz: $$n targets are green"

.PHONY: cover
cover: ## test coverage, in cover.html
	go test -coverprofile=cover.out -coverpkg=./... ./...
	go tool cover -html=cover.out -o cover.html
	@go tool cover -func=cover.out | tail -n 1

.PHONY: clean
clean: ## remove what was built
	rm -rf bin cover.out cover.html
