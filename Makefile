#  make help        says what there is.

#  Where to: scripts/install has the defaults.
PREFIX ?= /usr/local
LIBDIR ?=
INCLUDEDIR ?=
MANDIR ?=
DESTDIR ?=
export PREFIX LIBDIR INCLUDEDIR MANDIR DESTDIR
CC ?= cc
CARGO ?= cargo

#  The name of the interface is libzmq.so.5; the rest counts its revisions as libzmq 4.3.5 does, and says
#  whose it is: /proc/PID/maps shows this name.
SONAME := libzmq.so.5
LIBRARY := $(SONAME).2.5-rs

BUILD := $(or $(CARGO_TARGET_DIR),target)
DIST := target/dist
EXAMPLES := target/c-examples
SOURCES := Cargo.toml $(wildcard Cargo.lock) build.rs cbindgen.toml $(shell find src -name '*.rs')

#  Rust is often installed for one user, and not on the path of a plain shell; a distribution's own may be too old.
export PATH := $(HOME)/.cargo/bin:$(PATH)

.DELETE_ON_ERROR:
#  What a run of the fuzz targets takes: seconds for each, and which (all).
SECONDS ?= 60
TARGETS ?=

.PHONY: all demo examples tools check check-clients check-packages fuzz bench docs install uninstall dist deb headers clean help

all: $(DIST)/$(LIBRARY)
	@echo "Built $(DIST)/$(LIBRARY) and $(DIST)/libzmq.a (try: LD_LIBRARY_PATH=$(abspath $(DIST)) program)"

$(DIST)/$(LIBRARY): $(SOURCES) scripts/build-release scripts/static-library scripts/shared-library
	@scripts/rust-version $(CARGO)
	scripts/build-release $(CARGO)
	@mkdir -p $(DIST)
	@scripts/static-library $(BUILD)/release/libzmq.a $(BUILD)/release/libzmq.so $(DIST)/.a.$$$$ && \
	    mv -f $(DIST)/.a.$$$$ $(DIST)/libzmq.a
	@ln -sf $(LIBRARY) $(DIST)/$(SONAME)
	@ln -sf $(SONAME) $(DIST)/libzmq.so
	@scripts/shared-library $(BUILD)/release/libzmq.so $@

examples: all
	@$(MAKE) --no-print-directory -C c-examples \
	    LIBDIR=../$(DIST) INCLUDEDIR=../include OUT=../$(EXAMPLES)

#  Once for LD_LIBRARY_PATH and for packages, once to be installed with the library.
tools: all
	@$(MAKE) --no-print-directory -C tools LIBDIR=../$(DIST) INCLUDEDIR=../include OUT=../target/tools RUNPATH=
	@$(MAKE) --no-print-directory -C tools LIBDIR=../$(DIST) INCLUDEDIR=../include OUT=../target/tools/installed \
	    RUNPATH="$$(scripts/install runpath)"

demo:
	@scripts/prerequisites demo
	@$(MAKE) --no-print-directory examples
	@c-examples/demo

check:
	@scripts/prerequisites check
	@scripts/check $(STEPS)

fuzz:
	@scripts/prerequisites fuzz
	@fuzz/run $(SECONDS) $(TARGETS)

check-clients: all
	@scripts/check-clients $(CLIENTS)

bench:
	@scripts/prerequisites bench
	@$(MAKE) --no-print-directory all
	@$(foreach name,AGAINST ROWS PAIRS WINDOW OUT STRICT,$(if $($(name)),$(name)='$($(name))')) perf/bench

docs:
	@scripts/prerequisites docs
	@docs/render

install: all tools
	@scripts/install install

uninstall:
	@scripts/install uninstall

#  A tarball that builds without a network, and Debian packages; check-packages tries both.
dist:
	@scripts/rust-version $(CARGO)
	@scripts/dist

deb: all tools
	@scripts/deb

check-packages: all tools
	@scripts/check-packages

headers:
	ZMQ_WRITE_HEADER=1 $(CARGO) check --lib --features header
	@echo "Wrote include/zmq.h"

clean:
	rm -rf target

help:
	@echo "make all        the shared and the static library, in $(DIST)"
	@echo "make demo       build the library and the examples, and watch them talk"
	@echo "make examples   the examples, in $(EXAMPLES)"
	@echo "make tools      curve_keygen and zmq-perf, in target/tools"
	@echo "make check      every test there is (STEPS='rust capi' for some: scripts/check -h)"
	@echo "make check-clients  other people's programs, on ours and on libzmq (CLIENTS='pushpin czmq' for some)"
	@echo "make fuzz       search for inputs that break a parser (SECONDS=60 for each of TARGETS='...')"
	@echo "make bench      measure against libzmq (ROWS=pattern PAIRS=number OUT=file.md; STRICT=1 fails below a target),"
	@echo "                or against another build's libzmq.so.5 (AGAINST=directory)"
	@echo "make docs       the manual as web pages, in target/docs"
	@echo "make install    to PREFIX (/usr/local), LIBDIR, INCLUDEDIR, MANDIR, under DESTDIR; nothing that is not ours is replaced (but by FORCE=1)"
	@echo "make uninstall  what make install recorded there, away"
	@echo "make dist       a tarball of the sources and their crates, which builds without a network"
	@echo "make deb        Debian packages that take the place of libzmq5 and libzmq3-dev, in target/deb"
	@echo "make check-packages  both, and make install, tried in a Debian of their own (as root)"
	@echo "make headers    generate include/zmq.h from src/capi"
	@echo "make clean      remove target/"
