# Every target does its own set-up. On a fresh Debian 12 machine, as root, `make demo` is the first command to type.
#
#   make build      the plugins, into build/dev/bin             make demo     the main story on a real cluster
#   make check      tests that need neither root nor a cluster  make test     check, and the stories on a real cluster
#   make crash      every command, every request, every fault, on the simulator
#   make soak       the long run: more seeds, more kills        make bench    figures, side by side with kubectl
#   make fmt        formats the C++ sources                     make install  PREFIX=DIR: plugins and completions into DIR/bin
#   make cluster    starts the cluster, prints its kubeconfig   make cluster-down

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build
MAKEFLAGS += --no-print-directory

PREFIX ?= /usr/local
DESTDIR ?=

.PHONY: build demo check test crash soak bench fmt cluster cluster-down install deps clean

deps:
	@tests/setup/deps build

build: deps
	@tests/setup/build dev plugins

demo: build
	@tests/demo/demo

check:
	@tests/setup/deps test
	@tests/run check

test:
	@tests/setup/deps test
	@tests/run test

crash: deps
	@tests/setup/build dev
	@tests/crash/start

soak:
	@tests/setup/deps test
	@tests/run soak

bench: install-local
	@tests/setup/deps bench
	@tests/bench/start build/install/bin "$$(tests/bench/kubectl-alone)"
	@tests/bench/many build/install/bin
	@tests/bench/list build/install/bin
	@tests/bench/mover build/release/bin/holdfast-mover
	@tests/bench/mover-memory build/release/bin/holdfast-mover

fmt:
	@tests/setup/deps test
	@git ls-files -co --exclude-standard '*.cpp' '*.h' | xargs clang-format-14 -i

cluster:
	@tests/cluster/up

cluster-down:
	@tests/cluster/down

.PHONY: release install-local
release: deps
	@tests/setup/build release plugins

install: release
	@cmake --install build/release --prefix "$(DESTDIR)$(PREFIX)" --component plugins

install-local: release
	@cmake --install build/release --prefix build/install --component plugins >/dev/null

clean:
	@rm -rf build
