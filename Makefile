# libpybuffer: builds, tests and installs the C library. `make help` lists the targets. Needs GNU make.
#
# Cargo alone makes an rlib, for the tests. What ships is made here, in build/:
#   1. cargo builds the archive, and nothing else (beside an rlib it would silently drop LTO);
#   2. from that archive the C compiler links the shared library, and the archive for extensions, whose names are
#      hidden.

PREFIX     ?= /usr/local
LIBDIR     ?= $(PREFIX)/lib
BINDIR     ?= $(PREFIX)/bin
INCLUDEDIR ?= $(PREFIX)/include
MANDIR     ?= $(PREFIX)/share/man
DOCDIR     ?= $(PREFIX)/share/doc/libpybuffer
BUILD     ?= build
CARGO      ?= cargo
PYTHON     ?= python3
INSTALL    ?= install
# A Rust target triple to cross-compile for. CC must then be the C compiler for that target.
TARGET     ?= $(CARGO_BUILD_TARGET)

VERSION := $(shell awk -F'"' '/^version *=/ { print $$2; exit }' Cargo.toml)
ABI     := $(shell awk '/^abi *=/ { print $$3; exit }' abi/symbols.toml)
SONAME  := libpybuffer.so.$(ABI)
SHARED  := libpybuffer.so.$(VERSION)

lib_dir := $(BUILD)/lib
pc_dir  := $(lib_dir)/pkgconfig
cmake_dir := $(lib_dir)/cmake/libpybuffer
sources := Cargo.toml $(wildcard Cargo.lock) build.rs $(shell find src -name "*.rs" -o -name "*.txt")
pcs     := pybuffer.pc pybuffer-static.pc
cmakes  := libpybuffer-config.cmake libpybuffer-config-version.cmake

# The command and its companion. The command finds the library by its own location, so its file is under LIBDIR, and
# the file in BINDIR is a link.
run_dir     := $(lib_dir)/pybuffer
run_sources := Cargo.toml $(wildcard Cargo.lock) abi/symbols.toml run/Cargo.toml run/build.rs $(shell find run/src -name '*.rs')
run_names   := pybuffer-run libpybuffer-audit.so

.DEFAULT_GOAL := lib
.DELETE_ON_ERROR:
.SUFFIXES:

##@ Build

.PHONY: lib
lib: ## Build what ships, usable in place, into build/ (the default)
lib: $(lib_dir)/libpybuffer.so $(lib_dir)/libpybuffer-static.a $(BUILD)/include/libpybuffer.h $(pcs:%=$(pc_dir)/%) \
  $(cmakes:%=$(cmake_dir)/%) $(BUILD)/bin/pybuffer-run $(run_dir)/libpybuffer-audit.so

# One object of the archive has all of our code, so a reference to one name (-u) pulls in all of it; --whole-archive
# would also add 700 KiB of debug information from Rust's own objects. All symbols are bound at load (-z now), so that
# the relocated data becomes read-only.
link_flags := -shared -Wl,-soname,$(SONAME) -Wl,-u,pybuffer_version \
  -Wl,--version-script,$(BUILD)/exports.map -Wl,--no-undefined-version \
  -Wl,--gc-sections -Wl,-z,defs -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack

$(lib_dir)/$(SHARED): $(lib_dir)/libpybuffer.a $(BUILD)/exports.map
	$(CC) $(CFLAGS) $(link_flags) $(LDFLAGS) -o $@.$$$$ $< && mv -f $@.$$$$ $@

$(lib_dir)/$(SONAME): $(lib_dir)/$(SHARED)
	ln -sf $(<F) $@

$(lib_dir)/libpybuffer.so: $(lib_dir)/$(SONAME)
	ln -sf $(<F) $@

# The archive for extensions: the one object of ours, with every name hidden, so that only the module that links it
# calls it, whatever else is on the linker's command line. (References in hidden.s mark the names as hidden; of all
# references and definitions of a name, the most restrictive visibility counts.)
$(lib_dir)/libpybuffer-static.a: $(lib_dir)/libpybuffer.a $(BUILD)/hidden.s
	$(CC) $(CFLAGS) -r -nostdlib -Wl,-u,pybuffer_version -Wl,--strip-debug -o $(BUILD)/pybuffer.o $(BUILD)/hidden.s $<
	rm -f $@.$$$$ && "$$($(CC) -print-prog-name=ar)" rcD $@.$$$$ $(BUILD)/pybuffer.o && mv -f $@.$$$$ $@

$(BUILD)/hidden.s: abi/symbols.toml Makefile
	@mkdir -p $(@D)
	@awk '/^\[/ { names = /^\[symbols\]/; next } names && /^[A-Za-z_]/ { print ".hidden " $$1 } \
	  END { print ".section .note.GNU-stack,\"\",%progbits" }' $< >$@

# A lower limit for inlining. Functions that must be inlined say so (`#[inline(always)]`). The compiler's default, 225,
# makes the library 4 KB larger and no call faster; at 100 it is 2 KB smaller, and some calls 5 % slower (Xeon,
# `calls`).
inlining := -Cllvm-args=-inline-threshold=150
# Every function starts at a cache line (2^6 bytes; the library is 16 KB larger). Otherwise the start is arbitrary,
# which changes a call of 10 ns by up to 15 %: any change made unrelated calls slower (make bench-quick OLD=...).
alignment := -Cllvm-args=-align-all-functions=6
# But those of cold rooms and files (by their parts of mangled names, where a length precedes each), and what the compiler
# holds to be unlikely, start at any multiple of 16: 7 KB less. GNU's objcopy takes patterns; where there is none, or
# another, these start as all others do.
cold_parts := 5audit 5check 5error 6dlpack 10equivalent 5level 5parse 5place 4read 3row 7problem 6copies \
  6images 6settle 7cpython4find 5adopt 5calls 6frames 7dynamic 7symbols 7version 8anywhere 10exceptions 6errors 6owners \
  4core 4copy4part 6shares
cold_names := attach audit check copy_part copy_n_parts cpu_level dlpack err exception format from_dlpack get holders \
  memoryview object_new report rule runtime to_dlpack type_ready verify version view_to_dlpack
# Those of kernels, and of objects without Python, start at multiples of 32: 3 KB less, and nothing is slower (D-48).
half_cold  := 7kernels 10standalone
cold        = unlikely.* $(cold_parts:%=_*%*) $(cold_names:%=pybuffer_%*)
unaligned   = "$$($(CC) -print-prog-name=objcopy)" -D -w $(half_cold:%='--set-section-alignment=.text._*%*=32') $(cold:%='--set-section-alignment=.text.%=16')

# The C compiler's machine, and what the Rust compiler is told for it. Rust's atomics of aarch64 would call functions that
# ask by `getauxval` which instructions there are: a name of libc's that neither the library nor the companion may need.
# (musl-gcc tells the machine of the gcc that it runs, so TARGET goes first there.)
machine = $(if $(findstring musl,$(TARGET)),$(TARGET),$(shell $(CC) -dumpmachine 2>/dev/null))
for_machine = $(if $(filter aarch64-%,$(machine)),-Ctarget-feature=-outline-atomics)

$(lib_dir)/libpybuffer.a: $(sources) Makefile $(BUILD)/flags
	$(call need,$(CC),a C compiler links the library (CC names it))
	$(call need,$(CARGO),Rust 1.89 or newer compiles the library)
	@mkdir -p $(@D)
	$(ship) rustc --lib --release --no-default-features --crate-type staticlib \
	  --target-dir $(BUILD)/cargo $(TARGET:%=--target %) $(CARGOFLAGS) -- $(inlining) $(alignment) $(for_machine)
	@$(unaligned) $(BUILD)/cargo/$(TARGET)/release/libpybuffer.a $@.$$$$ 2>/dev/null && mv -f $@.$$$$ $@ || \
	  { $(call put,$(BUILD)/cargo/$(TARGET)/release/libpybuffer.a); }

# The names have no version node, as libpython's have none: either library may define them for a program. The version of
# the ABI is in the SONAME.
$(BUILD)/exports.map: abi/symbols.toml Makefile
	@mkdir -p $(@D)
	@awk 'BEGIN { print "{ global:" } /^\[/ { names = /^\[symbols\]/; next } \
	  names && /^[A-Za-z_]/ { print "  " $$1 ";" } END { print "local: *; };" }' $< >$@

# Command and companion come from one archive (but for ppc64le); each link keeps what it needs. The companion has no libc:
# the dynamic linker would load a second one for it. Where the command has a start of its own
# (run/src/start.rs), it asks for no newer glibc than the library does.
run_archive    := $(BUILD)/cargo/libpybuffer_run.a
companion_archive = $(if $(filter powerpc64le-%,$(machine)),$(BUILD)/cargo/libpybuffer_audit.a,$(run_archive))
hardened       := -Wl,--gc-sections -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack
own_start       = $(if $(filter x86_64-%linux-gnu x86_64-redhat-linux aarch64-%linux-gnu aarch64-redhat-linux,$(machine)),-nostartfiles -Wl$(comma)-e$(comma)pybuffer_run_start)
comma          := ,

$(run_archive): $(run_sources) Makefile $(BUILD)/flags
	$(call need,$(CARGO),Rust 1.89 or newer compiles the command)
	@mkdir -p $(@D)
	$(ship) rustc -p pybuffer-run --lib --release --no-default-features --crate-type staticlib \
	  --target-dir $(BUILD)/cargo $(TARGET:%=--target %) $(CARGOFLAGS) -- $(for_machine)
	$(call put,$(BUILD)/cargo/$(TARGET)/release/libpybuffer_run.a)

$(run_dir)/pybuffer-run: $(run_archive)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -pie $(own_start) -Wl,-u,main $(hardened) $(LDFLAGS) -o $@.$$$$ $< && mv -f $@.$$$$ $@

$(BUILD)/cargo/libpybuffer_audit.a: run/src/companion.rs run/src/companion_alone.rs Makefile $(BUILD)/flags
	@mkdir -p $(@D)
	$${RUSTC:-rustc} --edition 2024 --crate-type staticlib --crate-name pybuffer_audit $(TARGET:%=--target %) \
	  -Cpanic=abort -Copt-level=s -Clto=fat -o $@.$$$$ run/src/companion_alone.rs && mv -f $@.$$$$ $@

$(run_dir)/libpybuffer-audit.so: $(companion_archive) $(BUILD)/audit.map
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -shared -nostdlib -Wl,-z,noseparate-code -Wl,-soname,$(@F) -Wl,-u,la_version -Wl,-u,la_objopen \
	  -Wl,--version-script,$(BUILD)/audit.map $(hardened) -Wl,-z,defs $(LDFLAGS) -o $@.$$$$ $< && mv -f $@.$$$$ $@

$(BUILD)/audit.map: Makefile
	@mkdir -p $(@D)
	@echo '{ global: la_*; local: *; };' >$@

$(BUILD)/bin/pybuffer-run: $(run_dir)/pybuffer-run
	@mkdir -p $(@D)
	ln -sf ../lib/pybuffer/$(<F) $@

$(BUILD)/include/libpybuffer.h: include/libpybuffer.h
	@mkdir -p $(@D)
	$(call put,$<)

# The .pc files in build/ use paths relative to themselves, so build/ may be moved.
$(pc_dir)/%.pc: packaging/%.pc.in packaging/pc.sh Cargo.toml Makefile
	@mkdir -p $(@D)
	@sh packaging/pc.sh $< '$${pcfiledir}/../..' '$${prefix}/lib' '$${prefix}/include' $(VERSION) >$@

$(cmake_dir)/%.cmake: packaging/%.cmake.in packaging/cmake.sh Cargo.toml Makefile
	@mkdir -p $(@D)
	@sh packaging/cmake.sh $< $(lib_dir) $(BUILD)/include $(SONAME) $(VERSION) >$@

# The settings that the result depends on: when they change, everything is built again. `make install` alone ignores
# them, and installs what was built.
flags := $(TARGET)|$(CC)|$(CFLAGS)|$(LDFLAGS)|$(CARGOFLAGS)|$(RUSTFLAGS)
$(BUILD)/flags: $(if $(filter install,$(MAKECMDGOALS)),,FORCE)
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(flags))' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$(flags))' >$@
FORCE:

# Neither cargo nor the makes that tests run may use make's job server.
cargo = MAKEFLAGS= $(CARGO)
# For what ships: the same bytes in every folder.
ship = PYBUFFER_RUSTC_WRAPPER='$(RUSTC_WRAPPER)' RUSTC_WRAPPER='$(CURDIR)/tools/dist/rustc.sh' $(cargo)
# $(call need,command,why): stops with a message if the command is not found.
need = @command -v $(firstword $(1)) >/dev/null || { echo "libpybuffer: $(firstword $(1)) is missing: $(2)" >&2; exit 1; }
# $(call put,file): replaces the target by a copy in one step, as a program may have the old file mapped.
put = cp $(1) $@.$$$$ && mv -f $@.$$$$ $@

.PHONY: header
header: ## Rewrite include/libpybuffer.h from src/ and cbindgen.toml
	$(call need,$(CARGO),Rust 1.89 or newer runs cbindgen)
	PYBUFFER_BLESS=1 $(cargo) test --test header header_is_what_the_sources_give

.PHONY: rules
rules: ## Rewrite docs/rules.md from src/check/rules.rs
	$(call need,$(CARGO),Rust 1.89 or newer compiles the table)
	PYBUFFER_BLESS=1 $(cargo) test --test rules page_of_rules_is_what_the_table_gives

.PHONY: abi
abi: lib ## Add what is new to abi/libpybuffer.abi; refuse a break under the same SONAME
	$(call need,$(CARGO),Rust 1.89 or newer runs bindgen)
	PYBUFFER_BLESS=1 $(cargo) test --test abi nothing_that_programs_rely_on

##@ Test

.PHONY: test
test: lib ## Build what ships, and run every test on it
	$(call need,$(PYTHON),the tests run the library under Python)
	$(cargo) test --workspace

# What a packager runs: no python, no tool but the compilers (and pkg-config), and no network once the crates are there.
# (The vendored tarball has those of the tests not: there, the C suite alone.)
.PHONY: check
check: lib ## Test what needs only the compilers: the units, the C suite without Python, the header, the built files (minutes)
ifeq (,$(wildcard vendor))
	$(cargo) test --workspace --lib
	$(cargo) test --test c_suite -- suite_without_python
	$(cargo) test --test header --test artefacts -- \
	  --skip after_python --skip against_python_h --skip of_python --skip with_spaces
else
	@CC='$(CC)' sh tools/dist/suite.sh $(BUILD)
endif

.PHONY: lint
lint: ## Format and lint, every warning an error
	$(call need,$(CARGO),Rust 1.89 or newer lints the sources)
	$(CARGO) fmt --check
	$(cargo) clippy --workspace --all-targets -- -D warnings

.PHONY: test-pythons
test-pythons: lib ## Test on CPython 3.13 to 3.15, release, debug and free-threaded, from Debian (an hour; 3 GB)
	$(call need,$(PYTHON),it fetches the others)
	@$(PYTHON) -B tools/pythons/test.py $(PYTHONS)

.PHONY: test-cross
test-cross: ## Test for other machines, by qemu, with compilers and pythons from Debian (TARGETS="aarch64-linux-gnu ...")
	$(call need,$(PYTHON),it fetches the compilers)
	$(call need,$(CARGO),it compiles what is tested (rustc is fetched))
	@ONLY='$(ONLY)' FULL='$(FULL)' $(PYTHON) -B tools/cross/test.py $(TARGETS)

.PHONY: test-cross-faults
test-cross-faults: ## Plant faults in what only other machines compile: the tests must find them (after test-cross)
	$(call need,$(PYTHON),it plants them)
	@$(PYTHON) -B tools/cross/faults.py

FUZZ_CASES ?= 1000000
.PHONY: fuzz
fuzz: ## Parse FUZZ_CASES random formats, and compare pairs of them item by item (a quarter of an hour)
	$(call need,$(CARGO),Rust 1.89 or newer runs the tests)
	PYBUFFER_CASES=$(FUZZ_CASES) $(cargo) test --test formats fuzz

.PHONY: valgrind
valgrind: lib ## Run the C suite and CPython's test_buffer under valgrind (five minutes)
	$(call need,valgrind,it checks the memory accesses)
	$(cargo) test --test c_suite --test preload -- --ignored valgrind

.PHONY: asan
asan: lib ## Run the C suite (C side) and the unit tests (Rust side) under AddressSanitizer
	$(cargo) test --test c_suite under_sanitizers
	@$(CARGO) +nightly --version >/dev/null || { echo 'libpybuffer: a nightly Rust is missing: it has the sanitizer' >&2; exit 1; }
	RUSTFLAGS=-Zsanitizer=address $(cargo) +nightly test --lib --target-dir $(BUILD)/asan \
	  --target "$$(rustc +nightly -vV | sed -n 's/^host: //p')"

.PHONY: tsan
tsan: lib ## Run the threaded tests of the C suite, without Python, under ThreadSanitizer
	@$(CARGO) +nightly --version >/dev/null || { echo 'libpybuffer: a nightly Rust is missing: it has the sanitizer' >&2; exit 1; }
	$(cargo) test --test c_suite -- --ignored thread_sanitizer

##@ Python package

# The free-threaded CPythons to build for. Their ABI is not stable, so each gets a wheel of its own.
FREE_THREADED ?= $(shell command -v python3.13t python3.14t)

.PHONY: wheel
wheel: lib ## Build the Python package into dist/: a wheel for every CPython with a GIL, one for each free-threaded
	$(call need,$(PYTHON),it builds the package)
	CC='$(CC)' TARGET='$(TARGET)' $(PYTHON) python/wheel.py $(FREE_THREADED)

.PHONY: wheels
wheels: wheel ## The same, and wheels for aarch64 and for musl (x86_64, aarch64), tested by qemu (with what test-cross fetches)
	@$(PYTHON) -B tools/cross/wheels.py $(TARGETS)

.PHONY: test-package
test-package: lib ## Test the package in every CPython of this machine, from its sdist, and the projects under examples/
	$(cargo) test --test package -- --ignored

##@ Manual

# Sphinx and the rest, and the package itself, which draws the pictures, in a virtual environment. After that, nothing is
# fetched.
manual      := $(BUILD)/manual
manual_python := $(manual)/venv/bin/python
manual_pip  := PIP_ROOT_USER_ACTION=ignore $(manual_python) -m pip --quiet --disable-pip-version-check
sphinx       = $(manual_python) -m sphinx --fail-on-warning --keep-going --quiet --doctree-dir $(manual)/doctrees-$(1) -b $(1) docs

$(manual)/tools: docs/requirements.txt
	$(call need,$(PYTHON),the manual is made by Sphinx)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "libpybuffer: Sphinx needs CPython 3.11 or newer: make docs PYTHON=python3.13" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(manual)/venv
	$(manual_pip) install -r $<
	@touch $@

package_sources := setup.py pyproject.toml $(shell find python -name '*.py' -o -name '*.[ch]' -o -name '*.pyi')
# Pages that were read before are read again, as their pictures and descriptions may differ.
$(manual)/package: $(manual)/tools $(lib_dir)/libpybuffer-static.a $(BUILD)/include/libpybuffer.h $(package_sources) \
  $(wildcard docs/_ext/*.py) | lib
	$(manual_pip) install --no-index --no-build-isolation --no-deps --force-reinstall .
	@rm -rf $(manual)/doctrees-*
	@touch $@

.PHONY: docs
docs: $(manual)/package ## Build the manual into build/docs/ (index.html, objects.inv); every warning is an error
	@rm -rf $(BUILD)/docs
	@$(call sphinx,html) $(BUILD)/docs

.PHONY: docs-links
docs-links: $(manual)/package ## Check the manual's links, also those that lead elsewhere (OFFLINE=1: list these in build/manual/links/output.json)
	@$(call sphinx,linkcheck) $(if $(OFFLINE),-D linkcheck_ignore=https?://.*) $(manual)/links

.PHONY: test-docs
test-docs: $(manual)/package ## Run every command and program that the manual shows, and compare what it prints (PAGES="docs/start ...")
	$(manual_pip) wheel --no-index --no-build-isolation --no-deps --wheel-dir $(manual)/wheels .
	@MANUAL_WHEELS='$(abspath $(manual)/wheels)' $(manual_python) -m pytest -q -p no:cacheprovider $(or $(PAGES),docs)

.PHONY: man
man: $(manual)/package ## Build the man pages into build/man/, a link for each function, type and flag
	@rm -rf $(BUILD)/man
	@$(call sphinx,man) $(BUILD)/man

##@ Show

.PHONY: demo
demo: lib ## Show the library at work: in a C program without Python, and under a real python
	@CC='$(CC)' PYTHON='$(PYTHON)' sh examples/demo.sh $(BUILD)

.PHONY: bench
bench: lib ## Measure each call beside libpython's, the audit, and copies beside memcpy and other libraries (minutes)
	$(call need,$(CARGO),Rust 1.89 or newer runs the benches)
	$(cargo) bench --bench calls
	$(cargo) bench --bench audit
	$(cargo) bench --bench copies

# With OLD only the comparison is run. Both benches run, whatever the first one finds.
.PHONY: bench-quick
bench-quick: lib ## Measure a copy of each family (a minute); or, with OLD=FILE, what is slower than an older libpybuffer.so
	$(call need,$(CARGO),Rust 1.89 or newer runs the benches)
	@$(if $(OLD),status=0; for bench in calls copies; do \
	  $(cargo) bench --quiet --bench $$bench -- '--old=$(OLD)' || status=1; done; exit $$status, \
	  $(cargo) bench --quiet --bench copies -- --quick)

.PHONY: bench-fresh
bench-fresh: lib ## Measure copies into memory that nobody has touched (a minute): docs/performance/fresh.md
	$(call need,$(CARGO),Rust 1.89 or newer runs the benches)
	$(cargo) bench --bench copies -- --fresh

.PHONY: bench-threads
bench-threads: lib ## Measure copies by two threads, on an idle machine (a minute): docs/performance/threads-2.md
	$(call need,$(CARGO),Rust 1.89 or newer runs the benches)
	$(cargo) bench --bench copies -- --threads=2

.PHONY: bench-package
bench-package: wheel ## Measure the Python package beside memoryview, NumPy and its C functions (a minute): docs/performance/package.md
	$(PYTHON) -m venv --clear $(BUILD)/bench-package
	$(BUILD)/bench-package/bin/python -m pip install --quiet --disable-pip-version-check -r benches/copies/requirements.txt
	$(BUILD)/bench-package/bin/python -m pip install --quiet --no-index --find-links dist libpybuffer
	$(BUILD)/bench-package/bin/python benches/package.py docs/performance/package.md

.PHONY: findings
findings: lib ## Rewrite docs/findings.txt: what the checker finds in NumPy, ctypes, PyArrow, ... (from PyPI)
	$(call need,$(PYTHON),the exporters are Python's)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 12))' || \
	  { echo "make findings: NumPy needs CPython 3.12 or newer: make findings PYTHON=python3.13" >&2; exit 1; }
	$(PYTHON) -m venv $(BUILD)/findings
	$(BUILD)/findings/bin/python -m pip install --quiet --disable-pip-version-check -r tools/findings/requirements.txt .
	$(BUILD)/findings/bin/python tools/findings/findings.py >$(BUILD)/findings.txt
	$(BUILD)/findings/bin/python tools/findings/by_hand.py >>$(BUILD)/findings.txt
	mv -f $(BUILD)/findings.txt docs/findings.txt

##@ Install

# The files and links that are installed in LIBDIR itself.
lib_names := libpybuffer.a libpybuffer-static.a $(SHARED) $(SONAME) libpybuffer.so

# Man pages: those of the tarball, else what `make man` built. Installing builds none.
man_from   = $(firstword $(wildcard man $(BUILD)/man))
man_pages  = $(if $(man_from),$(patsubst $(man_from)/%,%,$(wildcard $(man_from)/man*/*)))
doc_files := packaging/README.md LICENSE LICENSE-APACHE LICENSE-CRATES LICENSE-MIT CHANGELOG.md
# The examples that an installed library suffices for.
example_files := examples/image.c $(wildcard examples/parallel/*.c*) examples/cmake-c/CMakeLists.txt examples/cmake-c/transpose.c

.PHONY: install
install: lib ## Copy what ships to PREFIX, LIBDIR, BINDIR, INCLUDEDIR, MANDIR and DOCDIR (under DESTDIR)
	@for dir in '$(PREFIX)' '$(LIBDIR)' '$(INCLUDEDIR)'; do case $$dir in /* | '') ;; *) \
	  echo "libpybuffer: $$dir is relative, and pybuffer.pc would name it so: give the path from /" >&2; exit 1 ;; esac; done
	$(INSTALL) -d '$(DESTDIR)$(LIBDIR)/pkgconfig' '$(DESTDIR)$(LIBDIR)/cmake/libpybuffer' \
	  '$(DESTDIR)$(LIBDIR)/pybuffer' '$(DESTDIR)$(INCLUDEDIR)' '$(DESTDIR)$(BINDIR)'
	$(INSTALL) -m 644 $(BUILD)/include/libpybuffer.h '$(DESTDIR)$(INCLUDEDIR)'
	$(INSTALL) -m 644 $(lib_dir)/libpybuffer.a $(lib_dir)/libpybuffer-static.a '$(DESTDIR)$(LIBDIR)'
	$(INSTALL) -m 755 $(lib_dir)/$(SHARED) '$(DESTDIR)$(LIBDIR)'
	ln -sf $(SHARED) '$(DESTDIR)$(LIBDIR)/$(SONAME)'
	ln -sf $(SONAME) '$(DESTDIR)$(LIBDIR)/libpybuffer.so'
	$(INSTALL) -m 755 $(run_names:%=$(run_dir)/%) '$(DESTDIR)$(LIBDIR)/pybuffer'
	ln -sfr '$(DESTDIR)$(LIBDIR)/pybuffer/pybuffer-run' '$(DESTDIR)$(BINDIR)/pybuffer-run'
	$(foreach pc,$(pcs),sh packaging/pc.sh packaging/$(pc).in '$(PREFIX)' '$(LIBDIR)' '$(INCLUDEDIR)' $(VERSION) \
	  >'$(DESTDIR)$(LIBDIR)/pkgconfig/$(pc)' && ) true
	$(foreach cmake,$(cmakes),sh packaging/cmake.sh packaging/$(cmake).in '$(LIBDIR)' '$(INCLUDEDIR)' $(SONAME) $(VERSION) \
	  >'$(DESTDIR)$(LIBDIR)/cmake/libpybuffer/$(cmake)' && ) true
	$(INSTALL) -d $(foreach dir,. $(sort $(dir $(example_files))),'$(DESTDIR)$(DOCDIR)/$(dir)')
	$(INSTALL) -m 644 $(doc_files) '$(DESTDIR)$(DOCDIR)'
	$(foreach file,$(example_files),$(INSTALL) -m 644 $(file) '$(DESTDIR)$(DOCDIR)/$(file)' && ) true
	$(foreach dir,$(sort $(dir $(man_pages))),$(INSTALL) -d '$(DESTDIR)$(MANDIR)/$(dir)' && \
	  $(INSTALL) -m 644 $(man_from)/$(dir)* '$(DESTDIR)$(MANDIR)/$(dir)' && ) true
	@test -n '$(man_pages)' || echo 'Without man pages: `make man` builds them, and a release has them.'
	@test -n '$(DESTDIR)' || echo 'Installed. Where the loader knows $(LIBDIR), let it find the new library: ldconfig'

.PHONY: uninstall
uninstall: ## Remove the files that install puts there (with the same variables)
	rm -f $(lib_names:%='$(DESTDIR)$(LIBDIR)/%') $(cmakes:%='$(DESTDIR)$(LIBDIR)/cmake/libpybuffer/%') \
	  $(pcs:%='$(DESTDIR)$(LIBDIR)/pkgconfig/%') \
	  $(run_names:%='$(DESTDIR)$(LIBDIR)/pybuffer/%') '$(DESTDIR)$(BINDIR)/pybuffer-run' \
	  '$(DESTDIR)$(INCLUDEDIR)/libpybuffer.h' $(man_pages:%='$(DESTDIR)$(MANDIR)/%') \
	  $(patsubst %,'$(DESTDIR)$(DOCDIR)/%',$(notdir $(doc_files))) $(example_files:%='$(DESTDIR)$(DOCDIR)/%')
	for dir in pybuffer cmake/libpybuffer; do test ! -d '$(DESTDIR)$(LIBDIR)'/$$dir || \
	  rmdir --ignore-fail-on-non-empty '$(DESTDIR)$(LIBDIR)'/$$dir; done
	for dir in /examples/parallel /examples/cmake-c /examples ''; do test ! -d '$(DESTDIR)$(DOCDIR)'$$dir || \
	  rmdir --ignore-fail-on-non-empty '$(DESTDIR)$(DOCDIR)'$$dir; done

##@ Release

# Man pages are made by Sphinx; whoever builds from the tarball gets them with it.
.PHONY: dist
dist: man ## Pack the sources into dist/: the same bytes for the same commit
	@sh tools/dist/pack.sh libpybuffer-$(VERSION) $(BUILD)

.PHONY: dist-vendored
dist-vendored: man ## The same, with the crates that the build takes: it needs no network, and has no tests but the C suite
	@CARGO='$(CARGO)' sh tools/dist/pack.sh libpybuffer-$(VERSION) $(BUILD) vendored

.PHONY: test-dist
test-dist: lib ## Test that the tarballs are reproducible, and that the vendored one builds the same bytes without network
	$(cargo) test --test artefacts -- --ignored dist_

.PHONY: deb
deb: dist-vendored ## Build the Debian packages into build/deb/ and run lintian on them (installs nothing)
	@CARGO='$(CARGO)' sh tools/deb/build.sh libpybuffer-$(VERSION) $(BUILD)

.PHONY: test-deb
test-deb: deb ## Install, use and remove the Debian packages in a clean root (as root; fetches one by debootstrap)
	@sh tools/deb/test.sh $(BUILD)

# In this order. The wheels of other machines take what test-cross fetches; STEPS names fewer steps.
STEPS ?= lint check dist dist-vendored test-dist wheels test-package docs test-docs test-deb
.PHONY: release
release: ## Build and check every artefact, into dist/ (an hour or more; docs/releasing.md; STEPS="dist test-dist ...")
	@sh tools/dist/release.sh $(VERSION)
	rm -rf dist $(BUILD)/deb
	@for step in $(STEPS); do echo "== make $$step"; $(MAKE) $$step || exit 1; done
	@if ls $(BUILD)/deb/*.deb >/dev/null 2>&1; then mkdir -p dist/deb && cp $(BUILD)/deb/*.deb dist/deb; fi
	cd dist && find . -type f ! -name SHA256SUMS | LC_ALL=C sort | xargs sha256sum >SHA256SUMS

##@ Other

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^##@/ { print (NR > 1 ? "" : "") "\n" substr($$0, 5) } \
	  /^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

.PHONY: clean
clean: ## Remove everything that was built, and everything that was fetched for tests
	rm -rf $(BUILD) target dist
