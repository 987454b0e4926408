# Everything a developer or an operator runs. `make` lists the targets.

GOLANGCI := 2.15.0
GOFUMPT  := 0.12.0

CONFIG ?= $(wildcard kinemesh.yaml)
TOOLS  := .tools
LINT   := $(TOOLS)/golangci-lint-$(GOLANGCI)
FMT    := $(TOOLS)/gofumpt-$(GOFUMPT)

export GOFLAGS ?= -buildvcs=false

.DEFAULT_GOAL := help
.PHONY: help run build demo test check race lint format vet gen ui fuzz bench seed reliability screenshots clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## install what is missing, build, serve on http://localhost:9000 with ./data
	@scripts/setup.sh run
	@scripts/build.sh bin/kinemesh
	@exec bin/kinemesh serve $(if $(CONFIG),--config $(CONFIG))

build: ## build bin/kinemesh
	@scripts/build.sh bin/kinemesh

demo: build ## two instances that follow each other and a video: make demo [VIDEO=file]
	@scripts/setup.sh run
	@go run ./e2e/demo $(if $(VIDEO),-video "$(VIDEO)")

check: format vet ## the quick loop: format, vet, build, short tests
	@go build -o bin/kinemesh .
	@go test -short -timeout 5m ./...

test: ## everything: installs and starts PostgreSQL, Redis and Chromium, lints, tests
	@scripts/setup.sh test
	@scripts/test.sh

race: ## all tests with the race detector, without the linters
	@scripts/setup.sh test
	@scripts/services.sh run go test -race -p 3 -shuffle=on -timeout 20m ./...

lint: $(LINT) ## golangci-lint with the settings of .golangci.yml
	@$(LINT) config verify
	@$(LINT) run ./...
	@go mod tidy -diff

format: $(FMT) ## fail on files that gofumpt would change
	@bad=$$(git ls-files -co --exclude-standard '*.go' | xargs -r $(FMT) -l); \
		if [ -n "$$bad" ]; then echo "not formatted, run gofumpt -w on:"; echo "$$bad"; exit 1; fi

vet:
	@go vet ./...

gen: ## write again what is generated: the example settings, FEDERATION.md, docs/api-coverage.md, docs/access.md, the OpenAPI document
	@go test ./config -run TestExampleFile -update >/dev/null
	@go test . -run 'TestFederationFile|TestCoverage|TestOpenAPIFile|TestSEC43RouteByRole' -update >/dev/null
	@git diff --stat -- kinemesh.example.yaml config/kinemesh.example.yaml FEDERATION.md docs/api-coverage.md docs/access.md web/openapi/openapi.yaml

ui: ## build the browser files into web/dist
	@cd web/ui && npm ci --ignore-scripts --no-audit --no-fund && npm run build

fuzz: ## every fuzzer for FUZZTIME (30s)
	@scripts/fuzz.sh $(or $(FUZZTIME),30s)

bench: build ## memory, start, size, lists and federation a second on both databases
	@scripts/services.sh run go test ./e2e -count=1 -timeout 90m -run '^TestBench' -v -args -bench-server
	@scripts/services.sh run go test ./activitypub/inbox -timeout 10m -run '^$$' -bench . -benchtime 6000x
	@scripts/services.sh run go test ./activitypub/delivery -timeout 10m -run '^$$' -bench Delivery -benchtime 6000x

seed: ## fill ./data, which a server was started with before: make seed [VIDEOS=100000] [COMMENTS=1000000] [DATABASE=url]
	@go run ./e2e/seeder -database "$(or $(DATABASE),sqlite:data/kinemesh.db)" -videos $(or $(VIDEOS),100000) -comments $(or $(COMMENTS),1000000)

reliability: build ## kill -9 at random moments during upload, transcode, delivery and inbox
	@scripts/services.sh run go test ./e2e -count=1 -timeout 60m -run '^TestReliability' -v -args -kills 20 -inbox-kills 200
	@scripts/services.sh run go test ./jobs -count=1 -timeout 20m -run '^TestKilledWorker$$' -v -args -worker-kills 3
	@scripts/services.sh run go test ./video/view -count=1 -timeout 20m -run '^TestFlood$$' -v -args -flood 200000
	@scripts/services.sh run go test ./activitypub/delivery -count=1 -timeout 20m -run '^TestFanOutManyHosts$$' -v -args -fan-out

screenshots: build ## pictures of the pages, dark and light, wide and narrow, into ./screenshots
	@go test ./e2e -count=1 -timeout 10m -run '^TestScreenshots$$' -args -screenshots screenshots

clean: ## remove what was built; ./data stays
	@rm -rf bin demo $(TOOLS)

# Tools are built once, at the version in their name.
$(LINT):
	@echo "==> building golangci-lint $(GOLANGCI) (once, about two minutes on two cores)" >&2
	@scripts/tool.sh github.com/golangci/golangci-lint/v2/cmd/golangci-lint v$(GOLANGCI) $@

$(FMT):
	@scripts/tool.sh mvdan.cc/gofumpt v$(GOFUMPT) $@
