# SPDX-License-Identifier: MIT
#
# Fuzz targets: tests/fuzz/fuzz_*.c, each a libFuzzer program (clang, ASan, UBSan) around the
# hypervisor's own sources, with seeds in tests/fuzz/corpus/NAME.
#   make fuzz [SECONDS=15]   each for so long, two at a time; what is found is kept in $B/fuzz
#   make fuzz-smoke          a fixed, small number of inputs each: part of `make test`

FUZZ_SRC    := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_NAMES  := $(FUZZ_SRC:tests/fuzz/fuzz_%.c=%)
FUZZ_BIN    := $(FUZZ_NAMES:%=$B/fuzz/fuzz_%)
# -O1 inlines little, so that a finding's stack still reads like the source.
FUZZ_SAN    := -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
FUZZ_CFLAGS := -std=c11 -g -fno-strict-aliasing -fno-omit-frame-pointer -D_GNU_SOURCE \
               -Itests/fuzz/fakes -I. -Itests/fuzz $(WARN) $(FUZZ_SAN)
SECONDS     ?= 15
FUZZ_RUNS   ?= 10000

# What the targets need beside the pure sources; the archive gives each what it asks for.
FUZZ_MORE   := boot/place.c boot/ranges.c kernel/vm/exit.c kernel/vm/hypercall.c kernel/vm/link.c kernel/vm/message.c kernel/vm/serial.c \
               tests/fuzz/support.c tests/fuzz/exit_machine.c
FUZZ_OBJ    := $(patsubst %.c,$B/fuzz/obj/%.o,$(PURE_SRC) $(FUZZ_MORE))
FUZZ_TOBJ   := $(FUZZ_SRC:%.c=$B/fuzz/obj/%.o)

$B/fuzz/obj/%.o: %.c
	@mkdir -p $(@D)
	$(UNIT_QUIET)clang $(FUZZ_CFLAGS) -MMD -MP -c $< -o $@

$B/fuzz/all.a: $(FUZZ_OBJ)
	@rm -f $@
	$(UNIT_QUIET)$(AR) qcsPT $@ $^

$(FUZZ_BIN): $B/fuzz/fuzz_%: $B/fuzz/obj/tests/fuzz/fuzz_%.o $B/fuzz/all.a
	$(UNIT_QUIET)clang -fsanitize=fuzzer,address,undefined $^ -o $@

.PHONY: fuzz fuzz-smoke
.SECONDARY: $(FUZZ_OBJ) $(FUZZ_TOBJ)

fuzz: $(FUZZ_BIN)
	@$(PYTHON) tests/fuzz/run --seconds $(SECONDS) $B/fuzz $(FUZZ_NAMES)

fuzz-smoke: $(FUZZ_BIN)
	@$(PYTHON) tests/fuzz/run --runs $(FUZZ_RUNS) --results $B/fuzz-results.txt $B/fuzz $(FUZZ_NAMES)

-include $(FUZZ_OBJ:.o=.d) $(FUZZ_TOBJ:.o=.d)
