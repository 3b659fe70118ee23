# Each target is one plain command; `make` alone lists them.

.PHONY: help run test race lint generate bench verify

help:
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

run: ## start a server, with a private PostgreSQL unless DATABASE_URL is set
	go run .

test: ## run the tests, on a PostgreSQL that they start
	go test ./...

race: ## run the tests with the race detector
	go test -race ./...

lint: ## check the floors of the house, and what else the linter knows
	go tool -modfile=tools/go.mod golangci-lint run ./...

generate: ## write graph/ anew, after a change of the schema or of gqlgen.yml
	go generate ./...

bench: ## measure everything, on a PostgreSQL and servers that it starts
	go run ./bench

verify: ## run all that CI runs
	.ci/run
