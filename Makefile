# SPDX-License-Identifier: Apache-2.0
# One flat makefile: sources are found by folder, `make help` lists the targets.
#
#   make              build/tensord and build/tensorctl
#   make check        everything a change must pass        make demo    serve the example models, ask them
#   SAN=address,undefined | thread      CC=clang      V=1      GOLDENS=dir

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
LDLIBS := -lnghttp2 -lssl -lcrypto -lz -lsnappy -ldnnl -lm -pthread
LDFLAGS += $(if $(SAN),-fsanitize=$(SAN)) -Wl,--as-needed

SOURCES := $(shell find src -name '*.c' | LC_ALL=C sort)
MAINS := src/server/main.c src/cli/main.c
LIB_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(filter-out $(MAINS),$(SOURCES)))
LIB := $(BUILD)/libtensord.a
PROGRAMS := $(BUILD)/tensord $(BUILD)/tensorctl
UNIT_TESTS := $(patsubst %.c,$(BUILD)/%,$(shell find tests/unit -name '*_test.c' 2>/dev/null | LC_ALL=C sort))
FUZZ_TARGETS := $(shell find tests/fuzz -name '*_fuzz.c' 2>/dev/null | LC_ALL=C sort)
FUZZ_REPLAYS := $(patsubst %.c,$(BUILD)/%_replay,$(FUZZ_TARGETS))

all: $(PROGRAMS)

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | head -6

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

unit: $(UNIT_TESTS)
	@tools/run-unit $(UNIT_TESTS)

replay: $(FUZZ_REPLAYS)
	@tools/run-replay $(FUZZ_REPLAYS)

# The tables of src/wire from proto/; needs protoc and python3-protobuf.
generated:
	$(Q)$(PYTHON) tools/make_messages.py

.PHONY: all help unit replay generated
.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
