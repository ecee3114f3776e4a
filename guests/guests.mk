# SPDX-License-Identifier: MIT
#
# A guest is one folder and one word: guests/NAME/*.c and *.asm, linked with the kit and the
# hypervisor's own formatter to $B/guests/NAME.elf.
OUR_GUESTS := hello clock smp escape tick bench hostile canary spin scrub watchdog noise soak fuzz \
              fault deadline gaps disk producer consumer sensor bells jitter thrash storm edu mark poke
# Add yours here: its warnings are not errors, ours are.
GUESTS     := $(OUR_GUESTS)

GUEST_KIT := $(wildcard guests/kit/*.c guests/kit/*.asm) lib/fmt.c lib/string.c lib/time.c

# Stacks grow a page at a time: none steps over the guard page below it.
GUEST_CFLAGS := -std=c11 -O2 -g -ffreestanding -fno-pic -mcmodel=small -mgeneral-regs-only \
                -mno-red-zone -fno-strict-aliasing -fno-stack-protector \
                -fno-asynchronous-unwind-tables -fno-omit-frame-pointer -fcf-protection=none \
                -fstack-clash-protection -ffunction-sections -fdata-sections -I. $(SAME_BYTES) \
                $(filter-out -Werror,$(WARN))
GUEST_LDFLAGS := -static -nostdlib -z noexecstack -z max-page-size=4096 --gc-sections \
                 --build-id=none -T guests/kit/guest.ld

# $(call guest_objects,SOURCES)
guest_objects = $(addprefix $B/guests/obj/,$(patsubst %.c,%.o,$(1:%.asm=%.asm.o)))

GUEST_SRC := $(GUEST_KIT) $(foreach guest,$(GUESTS),$(wildcard guests/$(guest)/*.c \
             guests/$(guest)/*.asm))

OUR_GUEST_SRC := $(GUEST_KIT) $(foreach guest,$(OUR_GUESTS),$(wildcard guests/$(guest)/*.c))
$(call guest_objects,$(OUR_GUEST_SRC)): GUEST_WERROR := -Werror

guests: $(GUESTS:%=$B/guests/%.elf) $(addprefix $B/guests/,pvh32.elf flat.bin multiboot1.elf \
        multiboot2.elf multiboot1.raw)

$B/guests/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC    $< (guest)"
	@$(CC) $(GUEST_CFLAGS) $(GUEST_WERROR) -MMD -MP -c $< -o $@

$B/guests/obj/%.asm.o: %.asm
	@mkdir -p $(@D)
	@echo "  NASM  $< (guest)"
	@$(ASSEMBLE) -f elf64 -g -F dwarf -w+all -w+error -MD $(@:.o=.d) $< -o $@

define guest_rule
$B/guests/$(1).elf: $$(call guest_objects,$$(GUEST_KIT) \
                        $$(wildcard guests/$(1)/*.c guests/$(1)/*.asm)) guests/kit/guest.ld
	@echo "  LD    $$@"
	@$$(LD) $$(GUEST_LDFLAGS) $$(filter %.o,$$^) -o $$@
endef
$(foreach guest,$(GUESTS),$(eval $(call guest_rule,$(guest))))

# Without the kit, and by a 32-bit linker: an ELF32 file.
$B/guests/obj/guests/pvh32/pvh32.asm.o: guests/pvh32/pvh32.asm
	@mkdir -p $(@D)
	@echo "  NASM  $< (guest)"
	@$(NASM) -f elf32 -g -F dwarf -w+all -w+error -MD $(@:.o=.d) $< -o $@

$B/guests/pvh32.elf: $B/guests/obj/guests/pvh32/pvh32.asm.o guests/kit/guest.ld
	@echo "  LD    $@"
	@$(LD) -m elf_i386 --oformat elf32-i386 $(GUEST_LDFLAGS) $< -o $@

# Files of other kinds: docs/guests/small.md.
.SECONDARY: $B/guests/obj/multiboot1.o $B/guests/obj/multiboot2.o
$B/guests/flat.bin: guests/flat/flat.asm
$B/guests/multiboot1.raw: guests/multiboot/multiboot.asm
$B/guests/multiboot1.raw: FLAT_DEFINE := -DVERSION=1 -DFLAT
$B/guests/flat.bin $B/guests/multiboot1.raw:
	@mkdir -p $(@D)
	@echo "  NASM  $@"
	@$(NASM) -f bin -w+all -w+error $(FLAT_DEFINE) $< -o $@

$B/guests/obj/multiboot%.o: guests/multiboot/multiboot.asm
	@mkdir -p $(@D)
	@echo "  NASM  $< (version $*)"
	@$(NASM) -f elf32 -g -F dwarf -w+all -w+error -DVERSION=$* $< -o $@

$B/guests/multiboot%.elf: $B/guests/obj/multiboot%.o guests/kit/guest.ld
	@echo "  LD    $@"
	@$(LD) -m elf_i386 --oformat elf32-i386 $(GUEST_LDFLAGS) -u start -e start $< -o $@

-include $(patsubst %.o,%.d,$(call guest_objects,$(GUEST_SRC)))
