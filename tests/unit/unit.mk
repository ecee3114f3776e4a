# SPDX-License-Identifier: MIT
#
# Host programs: the pure sources as an archive, compiled by gcc and by clang with ASan and UBSan,
# and one cmocka program per test_*.c below tests/unit linked against it. A test that defines a function
# itself keeps the archive's out, so neighbours can be faked. Here too: coverage and plancheck.

UNIT_TESTS  := $(sort $(shell find tests/unit -name 'test_*.c'))
UNIT_NAMES  := $(UNIT_TESTS:tests/unit/%.c=%)
UNIT_KINDS  := gcc clang cov
# -g1 is enough for a sanitizer's report: names and lines.
UNIT_CFLAGS := -std=c11 -g1 -fno-strict-aliasing -fno-omit-frame-pointer -I. $(WARN)
UNIT_SAN    := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
UNIT_TEST_CFLAGS := -D_GNU_SOURCE -pthread -Itests/unit
UNIT_LIBS   := -pthread -lcmocka

# The loader's own files in a host test: gnu-efi's headers, and a stand-in for the instructions.
UNIT_EFI := -Itests/unit/efi -isystem $(EFI_INC) -isystem $(EFI_INC)/x86_64 -fshort-wchar \
            -DGNU_EFI_USE_MS_ABI
UNIT_MORE_boot/test_folders := $(UNIT_EFI)
UNIT_MORE_boot/test_loader := $(UNIT_EFI)
UNIT_MORE_boot/test_menu := $(UNIT_EFI)
UNIT_MORE_boot/test_next := $(UNIT_EFI)
UNIT_MORE_boot/test_loader_maps := $(UNIT_EFI)

# V=1 shows the commands and what the code under test logs.
UNIT_QUIET := $(if $(filter 1,$(V)),,@)

# $(call unit_rules,KIND,COMPILER,FLAGS): everything below $B/unit-KIND.
define unit_rules
UNIT_OBJ_$(1)  := $(PURE_SRC:%.c=$B/unit-$(1)/%.o)
UNIT_TOBJ_$(1) := $(UNIT_TESTS:%.c=$B/unit-$(1)/%.o) $B/unit-$(1)/tests/unit/support.o
UNIT_BIN_$(1)  := $(UNIT_NAMES:%=$B/unit-$(1)/%)

$B/unit-$(1)/tests/unit/%.o: tests/unit/%.c
	@mkdir -p $$(@D)
	$$(UNIT_QUIET)$(2) $$(UNIT_MORE_$$*) $$(UNIT_CFLAGS) $$(UNIT_TEST_CFLAGS) $(3) -MMD -MP -c $$< -o $$@

$B/unit-$(1)/%.o: %.c
	@mkdir -p $$(@D)
	$$(UNIT_QUIET)$(2) $$(UNIT_CFLAGS) $(3) -MMD -MP -c $$< -o $$@

# Thin and by full path: two folders may have a file of the same name. The list of members is a
# prerequisite, so that a removed source leaves the archive.
$B/unit-$(1)/pure.a: $$(UNIT_OBJ_$(1)) $B/unit-$(1)/pure.list
	@rm -f $$@
	$$(UNIT_QUIET)$$(AR) qcsPT $$@ $$(UNIT_OBJ_$(1))

$B/unit-$(1)/pure.list: unit-always
	@mkdir -p $$(@D)
	@echo '$(PURE_SRC)' | cmp -s - $$@ || echo '$(PURE_SRC)' > $$@

$$(UNIT_BIN_$(1)): $B/unit-$(1)/%: $B/unit-$(1)/tests/unit/%.o \
                   $B/unit-$(1)/tests/unit/support.o $B/unit-$(1)/pure.a
	@mkdir -p $$(@D)
	$$(UNIT_QUIET)$(2) $(3) $$^ $$(UNIT_LIBS) -o $$@

-include $$(UNIT_OBJ_$(1):.o=.d) $$(UNIT_TOBJ_$(1):.o=.d)
endef

$(eval $(call unit_rules,gcc,gcc,$(UNIT_SAN)))
$(eval $(call unit_rules,clang,clang,$(UNIT_SAN)))
$(eval $(call unit_rules,cov,gcc,-O0 --coverage))

.PHONY: unit-always test-unit coverage
.SECONDARY: $(foreach kind,$(UNIT_KINDS),$(UNIT_OBJ_$(kind)) $(UNIT_TOBJ_$(kind)))

test-unit: $(UNIT_BIN_gcc) $(UNIT_BIN_clang)
	@$(PYTHON) tests/unit/run --results $B/unit-results.txt $(UNIT_BIN_gcc) $(UNIT_BIN_clang)

coverage: $(UNIT_BIN_cov)
	@find $B/unit-cov -name '*.gcda' -delete
	@$(PYTHON) tests/unit/run --results $B/unit-cov/results.txt $(UNIT_BIN_cov); status=$$?; \
	    $(PYTHON) scripts/coverage $B/unit-cov && exit $$status

# These take hardware code in as it is: tests/unit/fakes stands before lib/x86 and vmx.
UNIT_HARDWARE := $(filter %/test_amdvi %/test_iommu %/test_vtd %/test_entry %/test_keyboard %/test_lapic %/vmx/test_look %/svm/test_look %/test_link %/test_lapic_timer %/test_tsc %/test_confirm %/test_cpu %/test_debug %/test_facts %/test_host %/test_machine_check %/test_machine_report %/test_machine_reset %/test_nmi %/test_smi %/test_smp %/test_svm_cpu %/test_svm_run %/test_vcpu_loop %/test_vmcs,$(UNIT_NAMES:%=/%))
$(foreach kind,$(UNIT_KINDS),$(UNIT_HARDWARE:%=$B/unit-$(kind)/tests/unit%.o)): \
    UNIT_TEST_CFLAGS += -iquote tests/unit/fakes

# The checker of bulkhead.conf on the desk: the hypervisor's own code without the hypervisor.
ifneq ($(wildcard scripts/plancheck.c),)
PLANCHECK_OBJ := $(patsubst %.c,$B/host/%.o,scripts/plancheck.c $(PURE_SRC))

$B/host/%.o: %.c
	@mkdir -p $(@D)
	$(UNIT_QUIET)gcc $(UNIT_CFLAGS) $(SAME_BYTES) -D_GNU_SOURCE -O2 -MMD -MP -c $< -o $@

# An archive: of the pure sources it takes what it calls.
$B/host/pure.a: $(PURE_SRC:%.c=$B/host/%.o)
	@rm -f $@
	$(UNIT_QUIET)$(AR) qcsPT $@ $^

$B/plancheck: $B/host/scripts/plancheck.o $B/host/pure.a
	$(UNIT_QUIET)gcc $^ -o $@

-include $(PLANCHECK_OBJ:.o=.d)
else
.PHONY: $B/plancheck
$B/plancheck:
	@echo "scripts/plancheck.c is not there: no plancheck"
endif
