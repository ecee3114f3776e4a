# SPDX-License-Identifier: MIT
#
# make run | make test | make demo | make image | make lint | make bench | make gdb | make clean
# is the whole manual; `make help` says a line about each.

CC      ?= gcc
ifeq ($(origin CC),default)
CC      := gcc
endif
B       ?= build
NASM    := nasm
PYTHON  := /usr/bin/python3

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.PHONY: all setup setup-engine setup-tests run demo test test-unit test-boot test-linux test-zoo test-long lint sloc image release bench bench-devices jitter gdb clean help hypervisor hooks \
        loader guests tools coverage fuzz fuzz-guest soak armour-mutants lab grade hint lab-reset

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
        -Wcast-align -Wundef -Wvla -Wswitch-enum -Wimplicit-fallthrough -Wconversion

# The same source gives the same bytes, whatever folder it is in (tests/boot/test_release.py): files
# are named from here on in debugging information. gcc asks PWD where it is, which may have come here
# by a symbolic link. Not where the folder's name has a blank, which no flag can have.
SAME_BYTES := $(if $(word 2,$(CURDIR)),,-ffile-prefix-map=$(CURDIR)=.)
export PWD := $(CURDIR)
ASSEMBLE   := scripts/assemble $(NASM)

# ---------------------------------------------------------------------- the hypervisor
BACKENDS   := $(wildcard vmx svm)
HV_FOLDERS := $(sort $(shell find lib mm drivers vdev $(BACKENDS) kernel -type d))
hv_files    = $(foreach folder,$(HV_FOLDERS),$(wildcard $(folder)/$(1)))

# Host tests run the pure sources as they are. The desk has a string.c of its own.
PURE_SRC := $(filter-out lib/string.c kernel/core/offsets.c vmx/hook_none.c svm/hook_none.c,$(shell scripts/layers --pure))

# A test build has its own code in the hypervisor: make B=build/hook-NAME HOOK=NAME. With OBJECTS=build
# it takes the objects of everything else from there.
HOOK    ?=
HOOK_ARG ?=
OBJECTS ?= $B
HOOKED  := $(if $(filter-out dma leaves kinds tables storm,$(HOOK)),vmx/hook_none.c) $(if $(filter armour audit refuse,$(HOOK)),svm/hook_none.c)
HV_SRC  := $(filter-out kernel/core/offsets.c $(HOOKED),$(call hv_files,*.c))
HV_ASM  := $(call hv_files,*.asm)
HOOK_SRC := $(foreach hook,$(HOOK),$(wildcard tests/hook/$(hook).c tests/hook/$(hook)_*.c))
HV_OBJ  := $(HV_SRC:%.c=$(OBJECTS)/hv/%.o) $(HOOK_SRC:%.c=$B/hv/%.o) $(HV_ASM:%.asm=$(OBJECTS)/hv/%.asm.o)

# clang before 16 wants to be told that zero-initialisation may go; later ones ignore the flag.
CLANG_AUTO_VAR_INIT := $(if $(findstring clang,$(CC)),\
    -enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang)

# Where struct cpu has the canary (kernel/core/canary.h).
CANARY    := -fstack-protector-strong -mstack-protector-guard=tls -mstack-protector-guard-reg=gs \
             -mstack-protector-guard-offset=8

HV_CFLAGS := -std=c11 -O2 -g -ffreestanding -fpie -mcmodel=small -fvisibility=hidden \
             -mgeneral-regs-only -mno-red-zone -fno-strict-aliasing -fno-jump-tables \
             -fno-asynchronous-unwind-tables -fno-omit-frame-pointer -fcf-protection=none \
             $(CANARY) -ffunction-sections -fdata-sections \
             -ftrivial-auto-var-init=zero $(CLANG_AUTO_VAR_INIT) -I. $(SAME_BYTES) $(WARN)
HV_LDFLAGS := -pie --no-dynamic-linker -z text -z noexecstack -z max-page-size=4096 \
              --gc-sections --build-id=none -nostdlib --script=linker.ld \
             $(if $(filter nopages,$(HOOK)),--wrap=pages_get --wrap=pages_get_constant) \
             $(if $(filter notimer,$(HOOK)),--wrap=virt_probe) \
             $(if $(filter leaves,$(HOOK)),--wrap=spec_choose) \
             $(if $(filter kinds,$(HOOK)),--wrap=facts_read) \
             $(if $(filter tables,$(HOOK)),--wrap=build_vm) \
             $(if $(filter dma,$(HOOK)),--wrap=dma_block --wrap=host_core_create) \
             $(if $(filter storm,$(HOOK)),--wrap=iommu_faults) \
             $(if $(filter armour,$(HOOK)),--wrap=quiesce_interrupts --wrap=quiesce_devices \
               --wrap=virt_cpu_on --wrap=vcpu_loop)

# The exit path runs through five folders. gcc joins its files when it links, so that what is
# written as separate functions need not be called as such (docs/performance.md); all others stay
# apart, and so a panic's backtrace names them. clang, whose objects its own linker alone can join,
# links without. All others are compiled to be small.
HV_JOINED   := kernel/vm/vcpu.c kernel/vm/exit.c kernel/vm/hypercall.c kernel/vm/deadlines.c \
               kernel/vm/requests.c kernel/vm/inject.c kernel/virt.c \
               $(BACKENDS:%=%/run.c) $(BACKENDS:%=%/decode.c) vdev/bus.c vdev/vapic.c vdev/vcpuid.c vdev/vmsr.c \
               vdev/vpower.c vdev/vuart.c drivers/lapic.c lib/ring.c lib/time.c
# Where a guest's registers come back to: RBP is one of them.
HV_FRAMELESS := kernel/vm/vcpu.c $(BACKENDS:%=%/run.c) tests/hook/audit.c tests/hook/entries.c
comma       := ,
HV_IS_CLANG := $(findstring clang,$(CC))
HV_LTO      := $(if $(HV_IS_CLANG),,-flto -ffat-lto-objects)
HV_LINK     := $(if $(HV_IS_CLANG),$(LD) $(HV_LDFLAGS),$(CC) $(HV_CFLAGS) -flto -flto-partition=one \
               -pie -nostdlib $(HV_LDFLAGS:%=-Xlinker %))

all: hypervisor loader guests tools $B/exits.so $B/bhlink

hypervisor: $B/bulkhead.elf

# For lint: boot tests alone build them otherwise.
hooks:
	@$(CC) $(HV_CFLAGS) -DHOOK_ARG=1 -fsyntax-only $(wildcard tests/hook/*.c)

$B/hv/tests/hook/%.o: HV_CFLAGS += $(HOOK_ARG:%=-DHOOK_ARG=%)

# $(call hv_rules,FOLDER): objects below it. Offsets of C structures for assembly are compiled, never
# written by hand.
define hv_rules
$(1)/hv/%.o: %.c Makefile
	@mkdir -p $$(@D)
	@echo "  CC    $$<"
	@$$(CC) $$(HV_CFLAGS) $$(if $$(filter $$<,$$(HV_FRAMELESS)),-fomit-frame-pointer) \
	    $$(if $$(filter $$<,$$(HV_JOINED)),$$(HV_LTO),-Os) -MMD -MP -c $$< -o $$@

$(1)/offsets.inc: kernel/core/offsets.c
	@mkdir -p $(1)/hv/kernel/core
	@$$(CC) $$(HV_CFLAGS) -MMD -MP -MF $(1)/hv/kernel/core/offsets.d -MT $$@ -S $$< -o $(1)/offsets.s
	@sed -n 's/^.*@@ \([A-Za-z0-9_]*\) [$$$$#]*\(-\{0,1\}[0-9]*\).*$$$$/%define \1 \2/p' $(1)/offsets.s > $$@

$(1)/hv/%.asm.o: %.asm $(1)/offsets.inc
	@mkdir -p $$(@D)
	@echo "  NASM  $$<"
	@$$(ASSEMBLE) -f elf64 -g -F dwarf -I $(1)/ -w+all -w+error -MD $$(@:.o=.d) $$< -o $$@
endef

$(foreach folder,$(sort $B $(OBJECTS)),$(eval $(call hv_rules,$(folder))))

# Linked twice: the first link gives the addresses for the symbol table that the panic's
# backtrace prints (scripts/symbols), the second puts that table in.
$B/bulkhead.elf: $(HV_OBJ) linker.ld scripts/symbols
	@echo "  LD    $@ (for its symbols)"
	@$(PYTHON) scripts/symbols --empty > $B/symbols0.c
	@$(CC) $(HV_CFLAGS) -c $B/symbols0.c -o $B/symbols0.o
	@$(HV_LINK) $(HV_OBJ) $B/symbols0.o -o $B/bulkhead.pass1
	@$(PYTHON) scripts/symbols $B/bulkhead.pass1 > $B/symbols.c
	@echo "  LD    $@ (with them)"
	@$(CC) $(HV_CFLAGS) -c $B/symbols.c -o $B/symbols.o
	@$(HV_LINK) $(if $(HV_IS_CLANG),-Map=,-Wl$(comma)-Map=)$B/bulkhead.map $(HV_OBJ) $B/symbols.o -o $@
	@$(PYTHON) scripts/symbols --check $B/bulkhead.pass1 $@

# ---------------------------------------------------------------------- the loader (GNU-EFI)
EFI_LIB    ?= /usr/lib
EFI_INC    ?= /usr/include/efi
# It reads the configuration with the hypervisor's own parser, to know which files to read.
LD_SRC     := $(wildcard boot/*.c kernel/config/*.c) \
              lib/elf.c lib/fmt.c lib/string.c
LD_ASM     := $(wildcard boot/*.asm)
LD_OBJ     := $(LD_SRC:%.c=$B/efi/%.o) $(LD_ASM:%.asm=$B/efi/%.asm.o)
LD_CFLAGS  := -std=c11 -O2 -g -ffreestanding -fpic -fshort-wchar -mno-red-zone \
              -mgeneral-regs-only -fno-stack-protector -fno-stack-check -fno-strict-aliasing \
              -DGNU_EFI_USE_MS_ABI $(SAME_BYTES) -I. -isystem $(EFI_INC) -isystem $(EFI_INC)/x86_64 $(WARN)

loader: $B/BOOTX64.EFI

$B/efi/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "  CC    $< (loader)"
	@$(CC) $(LD_CFLAGS) -MMD -MP -c $< -o $@

$B/efi/%.asm.o: %.asm
	@mkdir -p $(@D)
	@$(NASM) -f elf64 -w+all -w+error -MD $(@:.o=.d) $< -o $@

$B/loader.so: $(LD_OBJ)
$B/walk.so: $B/efi/tests/bench/walk.o

# Of the objects it depends on.
$B/%.so:
	@$(LD) -nostdlib -znocombreloc -shared -Bsymbolic -T $(EFI_LIB)/elf_x86_64_efi.lds \
	    $(EFI_LIB)/crt0-efi-x86_64.o $^ -o $@ -L$(EFI_LIB) -lgnuefi
	@if nm -u $@ | grep -q .; then echo "$@: undefined symbols:"; nm -u $@; exit 1; fi

EFI_APP = objcopy -j .text -j .sdata -j .data -j .rodata -j .dynamic -j .dynsym -j .rel -j .rela \
    -j '.rel.*' -j '.rela.*' -j .reloc --target efi-app-x86_64 --subsystem=10 $< $@ \
    && $(PYTHON) scripts/nx-compat $@

$B/BOOTX64.EFI: $B/loader.so scripts/nx-compat
	@echo "  EFI   $@"
	@$(EFI_APP)

# A program of make bench, which boots in the loader's place.
$B/walk.efi: $B/walk.so scripts/nx-compat
	@echo "  EFI   $@"
	@$(EFI_APP)

# A plug-in for QEMU that counts what an exit costs: scripts/run --plugin.
$B/exits.so: tests/bench/exits.c
	@echo "  CC    $@"
	@$(CC) -std=c11 -O2 $(WARN) -shared -fPIC $< -o $@

# ---------------------------------------------------------------------- guests
include guests/guests.mk

# ---------------------------------------------------------------------- host programs and tests
include tests/unit/unit.mk
include tests/fuzz/fuzz.mk
include tests/proof/proof.mk

tools: $B/plancheck

# ---------------------------------------------------------------------- the commands
# Each command does its own set-up first: scripts/setup is quick when nothing is missing.
setup:
	@scripts/setup --run

setup-tests:
	@scripts/setup

# Compilers on all cores, unless make was told how many.
PARALLEL = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))

# What they boot and nothing else: tests' guests and programs are not built for a first look. From
# this build, whichever it is: scripts/mkimage takes build/ otherwise.
BOOTED     := $B/BOOTX64.EFI $B/bulkhead.elf
DEMO_FILES := guests/demo/bulkhead.conf $(BOOTED) $(patsubst %,$B/guests/%.elf,hello clock smp escape)

.PHONY: $B/demo $B/linux
$B/demo: $(DEMO_FILES)
	@mkdir -p $@
	@cp $^ $@/

# Debian's own kernel with a busybox user space; scripts/linux-images fetches both.
LINUX_KERNEL ?= cloud

$B/linux: $(BOOTED) guests/linux/bulkhead.conf guests/linux/init scripts/mkinitrd
	@scripts/linux-images $(LINUX_KERNEL) busybox > $B/linux-images.txt
	@mkdir -p $@
	@cp guests/linux/bulkhead.conf $(BOOTED) $@/
	@cp "$$(sed -n 's/^$(LINUX_KERNEL) //p' $B/linux-images.txt)" $@/vmlinuz
	@scripts/mkinitrd $@/initrd.img "$$(sed -n 's/^busybox //p' $B/linux-images.txt)"

# The same with its root on a disk in memory.
$B/disk: $B/linux guests/linux/disk.conf scripts/mkroot
	@mkdir -p $@
	@cp guests/linux/disk.conf $@/bulkhead.conf
	@cp $(BOOTED) $B/linux/vmlinuz $@/
	@kernel="$$(sed -n 's/^$(LINUX_KERNEL) //p' $B/linux-images.txt)"; \
	    busybox="$$(sed -n 's/^busybox //p' $B/linux-images.txt)"; \
	    scripts/mkinitrd $@/initrd.img "$$busybox" --modules "$$kernel.modules" && \
	    scripts/mkroot $@/root.img 64 "$$busybox"
	@touch $@

# A Debian system on such a disk.
$B/debian: $B/disk guests/linux/debian.conf scripts/zoo-images scripts/mkdebian
	@scripts/zoo-images debian > $B/debian-image.txt
	@mkdir -p $@
	@cp guests/linux/debian.conf $@/bulkhead.conf
	@cp $(BOOTED) $B/disk/vmlinuz $B/disk/initrd.img "$$(sed 's/^debian //' $B/debian-image.txt)/root.img" $@/
	@touch $@

# One whose root is on a SATA disk of the machine's, and which has a network card: the generic kernel is
# the one that has their drivers. What is written to the disk stays there: make does not make it again.
# DEVICES_ROOT=debian: a Debian system is on the disk.
DEVICES_ROOT    ?= busybox
DEVICES_busybox := guests/linux/devices.conf
DEVICES_debian  := guests/linux/devices-debian.conf

$B/devices-busybox.img: guests/linux/devices.sh guests/linux/init scripts/mkroot
	@scripts/linux-images busybox > $B/devices-busybox.txt
	@scripts/mkroot $@ 64 "$$(sed 's/^busybox //' $B/devices-busybox.txt)" guests/linux/devices.sh

$B/devices-debian.img: scripts/zoo-images scripts/mkdebian
	@scripts/zoo-images debian > $B/debian-image.txt
	@cp "$$(sed 's/^debian //' $B/debian-image.txt)/root.img" $@

.PHONY: $B/devices
$B/devices: $(BOOTED) $B/devices-$(DEVICES_ROOT).img $(DEVICES_$(DEVICES_ROOT)) scripts/mkinitrd
	@mkdir -p $@
	@scripts/linux-images generic busybox > $B/devices-images.txt
	@cp $(DEVICES_$(DEVICES_ROOT)) $@/bulkhead.conf
	@cp $(BOOTED) $@/
	@cp "$$(sed -n 's/^generic //p' $B/devices-images.txt)" $@/vmlinuz
	@scripts/mkinitrd $@/initrd.img "$$(sed -n 's/^busybox //p' $B/devices-images.txt)" \
	    --modules "$$(sed -n 's/^generic //p' $B/devices-images.txt).drivers"

# Two of them with a network between them, and a small guest that publishes to both.
$B/bhlink: guests/linux/bhlink.c guests/kit/link.h lib/types.h
	@mkdir -p $(@D)
	@echo "  CC    $< (Linux)"
	@$(CC) -std=gnu11 -O2 -static -s $(WARN) -I. $< -o $@

$B/links: $B/linux guests/linux/links.conf guests/linux/links.sh $B/bhlink $B/guests/sensor.elf
	@mkdir -p $@
	@cp guests/linux/links.conf $@/bulkhead.conf
	@cp $(BOOTED) $B/linux/vmlinuz $B/guests/sensor.elf $@/
	@kernel="$$(sed -n 's/^$(LINUX_KERNEL) //p' $B/linux-images.txt)"; \
	    busybox="$$(sed -n 's/^busybox //p' $B/linux-images.txt)"; \
	    scripts/mkinitrd $@/initrd.img "$$busybox" guests/linux/links.sh \
	        --modules "$$kernel.modules" --program $B/bhlink
	@touch $@

# A core that measures and a neighbour that disturbs it. For real machines; make jitter changes a copy.
$B/jitter: guests/jitter/bulkhead.conf $(BOOTED) $B/guests/jitter.elf $B/guests/thrash.elf
	@mkdir -p $@
	@cp $^ $@/
	@touch $@

# Of run and demo: qemu, bochs or kvm, which is QEMU too. Empty is qemu, and says so where kvm can be
# tried.
ENGINE    ?=
EMULATOR  := $(if $(filter bochs,$(ENGINE)),bochs,qemu)

setup-engine:
	$(if $(filter-out qemu bochs kvm,$(ENGINE)),$(error ENGINE is qemu, bochs or kvm))
	@scripts/setup --run $(EMULATOR)

# make run [CONF=demo|linux|disk|debian|links|devices|jitter]: which files, and a machine for them.
CONF      ?= demo
RUN_demo   := --cores 6 --memory 512
RUN_linux  := --cores 3 --memory 768
RUN_disk   := --cores 3 --memory 768
RUN_debian := --cores 3 --memory 1152
RUN_links  := --cores 4 --memory 1024
RUN_devices = $(if $(DEVICES_$(DEVICES_ROOT)),,$(error DEVICES_ROOT is busybox or debian))--cores 3 \
              --memory 1024 --iommu intel --device sata=$B/devices-$(DEVICES_ROOT).img --device ethernet
RUN_jitter := --cores 4 --memory 512

run: setup-engine
	$(if $(RUN_$(CONF)),,$(error CONF is demo, linux, disk, debian, links, devices or jitter))
	@$(MAKE) $(PARALLEL) --no-print-directory $B/$(CONF)
	@scripts/run --files $B/$(CONF) $(RUN_$(CONF)) $(ENGINE:%=--engine %) --interactive

demo: setup-engine
	@$(MAKE) $(PARALLEL) --no-print-directory $B/demo
	@$(PYTHON) scripts/demo $B/demo $(ENGINE)

test: setup-tests
	@$(MAKE) --no-print-directory all
	@$(PYTHON) scripts/test $B

# The matrix of Linux guests: kernels, cores, memory sizes, ends. Takes long.
test-linux: setup
	@$(MAKE) --no-print-directory all
	@$(PYTHON) scripts/test $B --only linux

# Guests from Debian's packages. Takes long, and writes docs/guests/zoo.md.
test-zoo: setup
	@$(MAKE) --no-print-directory all
	@$(PYTHON) scripts/test $B --only zoo

# The boot tests that are too slow for make test: more places to run out of memory, more models.
test-long: setup
	@$(MAKE) --no-print-directory all
	@$(PYTHON) scripts/test $B --only long

test-boot: setup
	@$(MAKE) --no-print-directory all
	@$(PYTHON) scripts/test $B --only boot

# Of the same CONF. NEXT=FOLDER: with a newer set of files, to be tried once (docs/operating.md).
image: setup
	$(if $(RUN_$(CONF)),,$(error CONF is demo, linux, disk, debian, links, devices or jitter))
	@$(MAKE) $(PARALLEL) --no-print-directory $B/$(CONF)
	@scripts/mkimage $B/bulkhead.img $B/$(CONF) $(NEXT:%=--next %)
	@echo "$B/bulkhead.img: write it to a USB stick, e.g. dd if=$B/bulkhead.img of=/dev/sdX bs=4M"

# All that a user needs without the tree: scripts/mkrelease says what.
RELEASE = $B/bulkhead-$(shell cat VERSION).tar.gz

release: setup
	@$(MAKE) $(PARALLEL) --no-print-directory $B/demo $B/jitter $B/plancheck
	@scripts/mkimage $B/bulkhead.img $B/demo
	@scripts/mkrelease $B $(RELEASE)
	@sha256sum $(RELEASE)

lint: setup
	@scripts/lint

# Lines of code by folder, and the share that runs on a guest's exits.
sloc: setup
	@$(MAKE) --no-print-directory hypervisor
	@scripts/sloc $B/bulkhead.elf

bench: setup
	@$(MAKE) --no-print-directory all $B/walk.efi
	@$(MAKE) --no-print-directory B=$B/hook-bench HOOK=bench hypervisor
	@$(PYTHON) scripts/bench $B

# How fast a guest's devices are (docs/performance.md). KINDS=sata,igb: these only.
bench-devices: setup-engine
	@$(MAKE) $(PARALLEL) --no-print-directory $(BOOTED)
	@$(PYTHON) scripts/bench-devices $B $(KINDS:%=--kinds %) $(ENGINE:%=--engine %)

# What a neighbour takes from a core that is not its own (docs/performance.md).
jitter: setup-engine
	@$(MAKE) $(PARALLEL) --no-print-directory $B/jitter
	@$(PYTHON) scripts/jitter $B/jitter $(ENGINE)

# Long runs; a seed makes each the same again: SEED=N, else a random one that is printed.
TIME    ?= 300
MINUTES ?= 30

fuzz-guest: setup
	@$(MAKE) --no-print-directory all
	@$(PYTHON) scripts/fuzz-guest $(SEED:%=--seed %) --seconds $(TIME) $B

soak: setup
	@$(MAKE) --no-print-directory all
	@$(PYTHON) scripts/soak $(ENGINE:%=--engine %) $(SEED:%=--seed %) --minutes $(MINUTES) $B

# Takes each measure of docs/armour.md away and looks whether its test notices. NAMES: these only;
# QUICK=1: several in one boot.
armour-mutants: setup
	@$(PYTHON) tests/armour/run $(QUICK:%=--together) $B/armour-mutants $(NAMES)

# make lab|grade|hint|lab-reset N: exercises for people who study hypervisors (docs/study/labs). The number
# is a goal of its own, of which nothing is made.
LAB_GOALS  := lab grade hint lab-reset
LAB_NUMBER := $(if $(filter $(LAB_GOALS),$(firstword $(MAKECMDGOALS))),$(word 2,$(MAKECMDGOALS)))
LAB_RUN     = $(PYTHON) tests/labs/run --build $B/labs
.PHONY: $(LAB_NUMBER)
$(if $(LAB_NUMBER),$(eval $(LAB_NUMBER): ; @:))

# Lab 2 is about VT-x.
lab grade: EMULATOR = $(if $(filter 2,$(LAB_NUMBER)),bochs,qemu)

lab: setup-engine
	@$(LAB_RUN) start $(LAB_NUMBER)

grade: setup-engine
	@$(LAB_RUN) grade $(LAB_NUMBER)

hint:
	@$(LAB_RUN) hint $(LAB_NUMBER)

lab-reset:
	@$(LAB_RUN) reset $(LAB_NUMBER)

gdb: setup
	@$(MAKE) $(PARALLEL) --no-print-directory $B/demo
	@scripts/gdb/gdb $B $B/demo

help:
	@echo 'make run     boot the demo in an emulator, with its console on this terminal'
	@echo '             CONF=linux: an unmodified Debian kernel instead; LINUX_KERNEL=cloud|generic|rt|newest'
	@echo '             CONF=disk: the same with its root on a disk in memory'
	@echo '             CONF=debian: a Debian system with systemd on such a disk'
	@echo '             CONF=links: two of them with a network between them'
	@echo '             CONF=devices: one with a SATA disk and a network card behind an IOMMU;'
	@echo '             DEVICES_ROOT=debian: a Debian system is on the disk'
	@echo '             CONF=jitter: how long a core is taken from a guest, for a real machine'
	@echo '             ENGINE=qemu|bochs|kvm: SVM or VT-x emulated, or the host'"'"'s own'
	@echo 'make demo    the same, unattended; exit status 0 if every guest did what it should'
	@echo 'make test    lint, then every test; the last line is the count. If CI is set in the environment,'
	@echo '             tests are not skipped because something is not installed'
	@echo 'make test-linux  Linux guests in depth: kernels, cores, memory sizes, ways to end'
	@echo 'make test-zoo    guests from Debian'"'"'s packages; writes docs/guests/zoo.md'
	@echo 'make test-long   boot tests that are too slow for make test'
	@echo 'make image   $B/bulkhead.img for a USB stick; CONF as of make run; NEXT=FOLDER: with a newer set'
	@echo '             of files as well, which is tried once'
	@echo 'make release $B/bulkhead-VERSION.tar.gz: the image, its files, plancheck, the guests and their'
	@echo '             kit, docs, and the hashes of all of them'
	@echo 'make lint    format, warnings, layers, headers'
	@echo 'make sloc    lines of code, and how many of them a guest can reach'
	@echo 'make bench   what an exit costs'
	@echo "make bench-devices  how fast a guest's disk and network card are, with and without Bulkhead; KINDS=sata"
	@echo 'make jitter  what a neighbour takes from a core that is not its own; ENGINE as of make run'
	@echo 'make fuzz    fuzz each target in tests/fuzz for SECONDS=15'
	@echo 'make fuzz-guest  guests that do random things: TIME=300 seconds, SEED=N'
	@echo 'make soak    guests under load, stopped and started at random: MINUTES=30, SEED=N'
	@echo 'make armour-mutants  removes the hypervisor'"'"'s hardening piece by piece and checks that'
	@echo '             a test notices: NAMES="...", QUICK=1 (docs/armour.md)'
	@echo 'make proof   prove the contracts in the code with Frama-C (docs/proofs.md)'
	@echo 'make gdb     the demo in QEMU, stopped at the hypervisor'"'"'s entry, with gdb and symbols'
	@echo 'make lab N   begin exercise N of docs/study/labs, in labs/N; without N: what there is'
	@echo 'make grade N what is right and what is wrong in it; make hint N: the next of three hints'
	@echo 'make lab-reset N  put it back; without N: all of them. What was there is kept in labs/N.old'
	@echo 'make clean   remove $B'

-include $(HV_OBJ:.o=.d) $(LD_OBJ:.o=.d) $(OBJECTS)/hv/kernel/core/offsets.d

clean:
	rm -rf $B
