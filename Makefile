# Zorya: `make up` runs a cluster, `make test` the tests. Both need Go, git and make only.

# The one place for build tags: gms_pure_go keeps the SQL library's regular expressions free of C.
TAGS := gms_pure_go
export GOFLAGS := -buildvcs=false -tags=$(TAGS)
export CGO_ENABLED ?= 0
COMMIT := $(shell git rev-parse --short HEAD 2>/dev/null)

DIR ?= zorya-data
PORT ?= 3306

.PHONY: build up test race lint fmt e2e library locks locks-record drivers tools apps mysqltest diff isolation tenants transfer long bench soak clean

# Built by the profile of what it does most (docs/bench/profile.md). It is no default.pgo: tests and the race detector would then compile everything once more, too.
build: ## bin/zorya, static
	go build -pgo=cmd/zorya/release.pgo -ldflags '-s -w -X main.commit=$(COMMIT)' -o bin/zorya ./cmd/zorya

up: build ## a cluster in DIR, MySQL on PORT, in the foreground
	./bin/zorya up --dir $(DIR) --port $(PORT)

test: ## unit tests and simulation
	go test ./...

race: ## the same under the race detector (needs a C compiler)
	CGO_ENABLED=1 go test -race ./...

lint: ## vet, gofmt, staticcheck
	go vet ./...
	@bad=$$(git ls-files '*.go' | xargs gofmt -l); test -z "$$bad" || { echo "not gofmt'ed:"; echo "$$bad"; exit 1; }
	go tool staticcheck ./...

fmt:
	git ls-files '*.go' | xargs gofmt -w

# End to end: real processes, real clients. `make accept-3` runs acceptance point 3 alone.
E2E = GOFLAGS='-buildvcs=false -tags=$(TAGS),e2e' ZORYA_BIN=$(CURDIR)/bin/zorya go test -count=1 -v -timeout 20m

e2e: build
	scripts/install-e2e.sh apps
	$(E2E) ./e2e

library: ## all of the SQL library's own engine tests over our tables; LIBRARY=-library.show prints what fails
	go test -count=1 -run TestLibrary -v ./sql/session -args -library.all $(LIBRARY)

drivers: build ## other people's drivers, go-sql-driver's own suite among them
	scripts/install-e2e.sh drivers
	ZORYA_SOAK=$${SOAK:-60} $(E2E) -run 'TestDrivers|TestGoDriver' ./e2e

tools: build ## other people's tools: dumps, loads, schema changes, checksums
	scripts/install-e2e.sh tools
	ZORYA_SOAK=$${SOAK:-60} $(E2E) -run TestTools ./e2e

apps: build ## WordPress, Django, phpMyAdmin, Redmine in a headless browser; SHOTS=DIR keeps the screenshots
	scripts/install-e2e.sh apps redmine
	ZORYA_SHOTS=$(SHOTS) ZORYA_SOAK=$${SOAK:-60} $(E2E) -run TestApps ./e2e

mysqltest: build ## MariaDB's own test files, those that pass; ZORYA_MYSQLTEST=all for every one
	scripts/install-e2e.sh tools
	ZORYA_SOAK=$${SOAK:-60} $(E2E) -timeout 3h -run TestMysqltest ./e2e

accept-%: build
	scripts/install-e2e.sh
	$(E2E) -run 'TestAccept$*' ./e2e

locks: build ## lock scripts recorded from MariaDB, replayed
	scripts/install-e2e.sh
	$(E2E) -run 'TestLocks$$' ./e2e

locks-record: ## writes the matrix of lock scripts anew and records all from MariaDB
	scripts/install-e2e.sh
	ZORYA_BIN=none GOFLAGS='-buildvcs=false -tags=$(TAGS),e2e' go test -count=1 -timeout 10m -run 'TestLocks$$' ./e2e -args -rewrite

diff: build ## random statements on Zorya and MariaDB, compared; DIFF='-diff.for=60s -diff.from=5000' hunts, DIFF='-diff.seed=7' replays one, -diff.lane=general without the fast lane
	scripts/install-e2e.sh
	$(E2E) -timeout 0 -run 'TestDiff$$' ./e2e -args $(DIFF)

isolation: build ## histories of concurrent clients at every level, with kills, checked; ISOLATION='-isolation.for=20s -isolation.lane=general' for longer runs, without the fast lane
	scripts/install-e2e.sh
	go test -count=1 ./e2e/isolation
	go test -count=1 -run 'TestIsolation|TestMutant' ./engine
	$(E2E) -timeout 0 -run 'TestIsolation$$' ./e2e -args $(ISOLATION)

tenants: build ## many databases and tables, DDL of all tenants at once; TENANTS='-tenants.databases=3000 -tenants.tables=42 -tenants.sessions=600' for the full size
	$(E2E) -timeout 0 -run 'TestTenants$$' ./e2e -args $(TENANTS)

transfer: build ## money moves over 256 connections while processes are killed; the sum never changes; TRANSFER='-transfer.for=5m' for longer
	scripts/install-e2e.sh
	$(E2E) -timeout 0 -run 'TestTransfer$$' ./e2e -args $(TRANSFER)

long: build ## a snapshot with row versions piling up behind it, long rollbacks, prepared transactions: each with kills
	$(E2E) -timeout 0 -run 'TestLong|TestXACrash' ./e2e

# SUITES and BENCHFLAGS: see `bin/zorya bench --help`.
SUITES ?= sysbench
BENCHFLAGS ?=
bench: build ## all twelve oltp_* beside MariaDB; writes docs/bench
	scripts/install-e2e.sh
	./bin/zorya bench --out docs/bench --suite $(SUITES) $(BENCHFLAGS)

# Long forms: every acceptance point at full size, the fuzzers, the simulator, one part after the other, each within a bound and with its result
# (scripts/soak.sh). SOAK is seconds for each open-ended part; PARTS='transfer locks' runs those alone, FORM=short with CI's sizes. README.md says how long it takes.
SOAK ?= 60
PARTS ?=
FORM ?= long
soak: build
	scripts/install-e2e.sh drivers tools apps redmine
	TAGS=$(TAGS) SOAK=$(SOAK) FORM=$(FORM) ZORYA_BIN=$(CURDIR)/bin/zorya scripts/soak.sh $(PARTS)

clean:
	rm -rf bin
