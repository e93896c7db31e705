# SPDX-License-Identifier: Apache-2.0
# One flat makefile: sources are found by folder, `make help` lists the targets.
#
#   make              build/tensord and build/tensorctl     make demo     serve the example models, ask them
#   make check        everything that a change must pass    make serve    serve MODEL=dir until Ctrl-C
#   make unit replay e2e tidy    parts of it                make bench    figures beside their peers or floors
#   make fuzz TARGET=json SECONDS=60    (clang)             make format   clang-format over the tree
#   make deps         the packages, with apt                make install  PREFIX=/usr/local DESTDIR=
#   make generated    tables from proto/ and src/ops/       make docs     docs/ops.md
#   make clean
#
#   SAN=address,undefined | thread    CC=clang    V=1
#   GOLDENS=dir ONLY='model*,...'    more answers to replay (tests/golden/README.md)

CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
V ?= 0
Q := $(if $(filter 0,$(V)),@,)
empty :=
comma := ,
BUILD := build$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))$(if $(findstring clang,$(CC)),/clang)
PREFIX ?= /usr/local
# The one that the Debian package python3-protobuf belongs to.
PYTHON ?= /usr/bin/python3

WARN := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes -Wmissing-prototypes \
	-Wvla -Wundef -Wpointer-arith -Werror
CFLAGS ?= -O2 -g
TENSORD_CFLAGS := -std=gnu17 $(WARN) -Isrc -Iinclude -D_GNU_SOURCE -fvisibility=hidden -pthread \
	-fno-math-errno -ffp-contract=off $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all)
LDLIBS := -lnghttp2 -lssl -lcrypto -lz -lsnappy -ldnnl -lgomp -ljpeg -lpng -lgif -lunistring -lm -pthread
LDFLAGS += $(if $(SAN),-fsanitize=$(SAN)) -Wl,--as-needed

SOURCES := $(shell find src -name '*.c' | LC_ALL=C sort)
MAINS := src/server/main.c src/cli/main.c
LIB_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(filter-out $(MAINS),$(SOURCES)))
LIB := $(BUILD)/libtensord.a
PROGRAMS := $(BUILD)/tensord $(BUILD)/tensorctl
UNIT_TESTS := $(patsubst %.c,$(BUILD)/%,$(shell find tests/unit -name '*_test.c' 2>/dev/null | LC_ALL=C sort))
FUZZ_TARGETS := $(shell find tests/fuzz -name '*_fuzz.c' 2>/dev/null | LC_ALL=C sort)
FUZZ_REPLAYS := $(patsubst %.c,$(BUILD)/%_replay,$(FUZZ_TARGETS))

# Kernels are loops for the vector units; the packed product wants fused multiply-adds besides.
# (At -O3 gcc warns of variables that only an error leaves unset.)
$(BUILD)/src/wire/decimal_block.o: CFLAGS += -O3
$(BUILD)/src/ops/%.o: CFLAGS += -O3 $(if $(findstring clang,$(CC)),,-Wno-maybe-uninitialized)
$(BUILD)/src/ops/nn/tile.o: TENSORD_CFLAGS += -ffp-contract=fast

all: $(PROGRAMS)

help:
	@sed -n '2,/^$$/s/^# \{0,1\}//p' Makefile

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC   $<")
	$(Q)$(CC) $(TENSORD_CFLAGS) $(CFLAGS) $(CPPFLAGS) -MMD -MP -c $< -o $@

$(LIB): $(LIB_OBJECTS)
	$(if $(Q),@echo "  AR   $@")
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/tensord: $(BUILD)/src/server/main.o $(LIB)
	$(if $(Q),@echo "  LD   $@")
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LDLIBS) -o $@

$(BUILD)/tensorctl: $(BUILD)/src/cli/main.o $(LIB)
	$(if $(Q),@echo "  LD   $@")
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LDLIBS) -o $@

# Unit tests: one program per source file, each run by itself.
$(BUILD)/tests/unit/%_test: $(BUILD)/tests/unit/%_test.o $(LIB)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LDLIBS) -lcmocka -o $@

$(BUILD)/tests/fuzz/%_fuzz_replay: $(BUILD)/tests/fuzz/%_fuzz.o $(BUILD)/tests/fuzz/replay.o $(LIB)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LDLIBS) -o $@

# Programs that measure: build/bench/engine MODEL_DIR REQUEST.pb
$(BUILD)/bench/load: $(BUILD)/bench/load_h2.o $(BUILD)/bench/load_http.o
$(BUILD)/bench/%: $(BUILD)/bench/%.o $(LIB)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(filter %.o,$^) $(LIB) $(LDLIBS) -o $@
$(BUILD)/tests/differential/%: $(BUILD)/tests/differential/%.o $(LIB)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(filter %.o,$^) $(LIB) $(LDLIBS) -o $@

unit: $(UNIT_TESTS)
	@tools/run-unit $(UNIT_TESTS)

replay: $(FUZZ_REPLAYS)
	@tools/run-replay $(FUZZ_REPLAYS)

# Libraries with custom ops or platforms: only include/tensord is known to them.
EXAMPLES := $(patsubst examples/%,$(BUILD)/examples/%.so,$(wildcard examples/*))
examples: $(EXAMPLES)
.SECONDEXPANSION:
$(BUILD)/examples/%.so: $$(wildcard examples/$$*/*.c) $(wildcard include/tensord/*.h)
	@mkdir -p $(@D)
	@echo "  LD   $@"
	$(Q)$(CC) -std=c11 -Wall -Wextra -Werror -O2 -shared -fPIC -Iinclude $(filter %.c,$^) -o $@

# End to end: the real programs, real sockets, clients that we did not write.
e2e: $(PROGRAMS)
	@BUILD=$(BUILD) $(PYTHON) tests/e2e/run.py

# The answers of TensorFlow to our example models, and to those in GOLDENS, over gRPC and without a server.
golden: $(PROGRAMS) examples
	@BUILD=$(BUILD) $(PYTHON) tests/golden/replay.py --only '$(or $(ONLY),*)' tests/golden/models $(GOLDENS)

# Pages that the program itself knows best.
docs: $(BUILD)/tensorctl
	@$(BUILD)/tensorctl ops --markdown >docs/ops.md
	@$(PYTHON) tests/conformance/table.py

tidy:
	@CC=$(CC) $(PYTHON) tools/tidy
	@$(PYTHON) tests/conformance/table.py --check

format:
	@find src tests include bench -name '*.[ch]' 2>/dev/null | xargs -r grep -L 'Generated by' | xargs -r clang-format -i

# Everything that a change must pass. One after the other, so that the output of a failure stands last.
check: deps
	@+$(MAKE) --no-print-directory all benches
	@+$(MAKE) --no-print-directory unit
	@+$(MAKE) --no-print-directory replay
	@+$(MAKE) --no-print-directory tidy
	@+$(MAKE) --no-print-directory golden
	@+$(MAKE) --no-print-directory e2e
	@echo "make check: all passed"

deps:
	@tools/deps

demo: deps
	@+$(MAKE) --no-print-directory all
	@BUILD=$(BUILD) tools/demo

MODEL ?= models/digits
serve: deps
	@+$(MAKE) --no-print-directory all
	$(BUILD)/tensord --port=8500 --rest_api_port=8501 --model_name=$(notdir $(MODEL)) --model_base_path=$(abspath $(MODEL))

# They are built by `make check`, too, so that they do not rot.
BENCHES := $(addprefix $(BUILD)/bench/,engine load echo_server micro ping)

benches: $(BENCHES)

bench: all $(BENCHES)
	@BUILD=$(BUILD) PEERS=$(PEERS) $(PYTHON) bench/run.py

# libFuzzer on one target, starting from its corpus; what it finds stays in build/fuzz. The library is built once for all targets.
TARGET ?= json
SECONDS ?= 60
fuzz:
	@test -f tests/fuzz/$(TARGET)_fuzz.c || { echo "no target '$(TARGET)'; there are:" \
		$(patsubst tests/fuzz/%_fuzz.c,%,$(wildcard tests/fuzz/*_fuzz.c)); exit 1; }
	@mkdir -p build/fuzz/$(TARGET)
	@+$(MAKE) --no-print-directory CC=clang SAN=address,undefined BUILD=build/fuzz/lib \
		CFLAGS='-O1 -g -fsanitize=fuzzer-no-link' build/fuzz/lib/libtensord.a
	clang $(TENSORD_CFLAGS) -g -O1 -fsanitize=fuzzer,address,undefined tests/fuzz/$(TARGET)_fuzz.c build/fuzz/lib/libtensord.a \
		$(LDLIBS) -o build/fuzz/$(TARGET)_fuzz
	build/fuzz/$(TARGET)_fuzz -max_total_time=$(SECONDS) -artifact_prefix=build/fuzz/ build/fuzz/$(TARGET) tests/fuzz/corpus/$(TARGET)

# Our parsers beside those of others, SECONDS each; wants protoc, python3-protobuf, rapidjson-dev and libhttp-parser-dev.
differential: $(BUILD)/tests/differential/driver $(BUILD)/tensord
	$(CC) -O2 -o $(BUILD)/tests/differential/http_parser tests/differential/http_parser.c -lhttp_parser
	$(CXX) -O2 -o $(BUILD)/tests/differential/rapidjson tests/differential/rapidjson.cc
	@BUILD=$(BUILD) $(PYTHON) tests/differential/run.py $(SECONDS)
	@BUILD=$(BUILD) $(PYTHON) tests/differential/rest_bodies.py $(SECONDS)

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/include/tensord
	install $(PROGRAMS) $(DESTDIR)$(PREFIX)/bin
	install -m 644 include/tensord/*.h $(DESTDIR)$(PREFIX)/include/tensord

clean:
	rm -rf build

# The tables of src/wire from proto/ (needs protoc and python3-protobuf), and of src/ops from its files.
generated:
	$(Q)$(PYTHON) tools/make_messages.py
	$(Q)$(PYTHON) tools/make_powers.py > src/wire/powers.inc
	$(Q)$(PYTHON) tools/make_folds.py > src/ops/string/folds.inc
	$(Q)tools/op-table

.PHONY: all docs benches examples help unit replay e2e golden tidy format check deps demo serve bench fuzz differential install clean generated
.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
