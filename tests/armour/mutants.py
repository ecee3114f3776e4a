# SPDX-License-Identifier: MIT
"""
What tests/armour/run takes away, row by row of the table in docs/armour.md, and what has to notice:
Audit, the lines of the live audit that go WRONG; Fault, a fault on purpose that ends in another way;
Boot, a boot test; Unit, a host test; Lint, a check; Build, the compiler or the linker.
"""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Audit:
    """Exactly these lines of tests/hook/armour.c go WRONG. `dies`: the machine does not get to the
    audit's end. Four cores: with a sibling and another guest."""
    measures: list
    cores: int = 2
    dies: bool = False
    engine: str = "bochs"


@dataclasses.dataclass(frozen=True)
class Fault:
    """A fault of tests/boot/test_armour.py; `instead`: what is seen in place of its panic."""
    fault: str
    instead: str
    engine: str = "bochs"


@dataclasses.dataclass(frozen=True)
class Boot:
    """Another test of tests/boot."""
    test: str


@dataclasses.dataclass(frozen=True)
class Unit:
    test: str


@dataclasses.dataclass(frozen=True)
class Lint:
    check: str


@dataclasses.dataclass(frozen=True)
class Build:
    target: str
    text: str


@dataclasses.dataclass(frozen=True)
class Mutant:
    name: str
    edits: list     # (file, what stands there once, what is put there)
    notices: list   # each has to notice


def mutant(name, file, old, new, *notices):
    return Mutant(name, [(file, old, new)], list(notices))


def audit(*measures, cores=2, dies=False):
    return Audit(list(measures), cores, dies)


def svm_audit(*measures, dies=False):
    return Audit(list(measures), 2, dies, "qemu")


W_XOR_X = "nothing is writable and executable, nothing is a user's"
RIGHTS = "code, constants and sealed data have their rights"
GUARDS = "stacks have guard pages"
PRIVATE = "stacks are their core's alone"
NO_GUEST = "no guest's memory is mapped"
UNMAPPED = "trampoline and APIC page are unmapped"
TABLES = "tables cannot be written"
ZERO = "entries that are not present are zero"
OWN_MEMORY = "a guest reaches its own memory only"
REGISTERS = "control registers"
STACKS = "fatal exceptions have stacks of their own"
CANARIES = "each core has a canary of its own"
EXCEPTIONS = "intercepted exceptions"
CONTROLS = "guest controls are closed"
OWNED = "control bits that are ours are owned"
BITMAPS = "bitmaps are as the policy says"
CLEAN = "a guest finds a clean core"
CLEARED = "registers are cleared on exit"
NMI = "an NMI is taken and counted"
SPECULATION = "speculation is fenced as chosen"
INTERRUPTS = "PIC and I/O APIC are masked"
BUS = "no device masters the bus"

FLAGS = Lint("gcc: the flags that protect are in force everywhere")
NO_INDIRECT = Lint("gcc: no indirect branch on the way from a guest")
WRITABLE = Lint("gcc: only what has to be can be written while guests run")
MASKED = Lint("gcc: a mask stays where a check has been")


def without_flag(flag, around="{}"):
    name = f"flag-{flag.strip('-').split('=')[0]}"
    return mutant(name, "Makefile", around.format(f" {flag}"), around.format(""), FLAGS)


def cleared(name, old, new="", file="kernel/core/cpu.c"):
    """A line of cpu_reset_guest_state(), or of vmx_reset_core()."""
    return mutant(f"clean-{name}", file, old, new, audit(CLEAN))


MUTANTS = {
    "Nothing is writable and executable, nothing is a user's (W^X, NX)": [
        mutant("all-executable", "mm/hostmap.c", "((rights & PT_X) != 0 ? 0 : HOST_XD)", "0",
               audit(W_XOR_X, RIGHTS, GUARDS, TABLES), Unit("test_hostmap")),
        mutant("user-pages", "mm/hostmap.c", "return address.v | HOST_P | HOST_A",
               "return address.v | HOST_P | HOST_A | HOST_US", Unit("test_hostmap")),
        mutant("assert-w-xor-x", "mm/hostmap.c",
               "ASSERT((rights & PT_W) == 0 || (rights & PT_X) == 0);", "", Unit("test_hostmap")),
    ],
    "Code read-execute, constants read-only, WP and NXE set, now and after each exit": [
        mutant("constants-writable", "kernel/start/address_space.c",
               "{text_end, rodata_end - text_end, PT_R,",
               "{text_end, rodata_end - text_end, PT_R | PT_W,", audit(RIGHTS)),
        mutant("constants-executable", "kernel/start/address_space.c",
               "{text_end, rodata_end - text_end, PT_R,",
               "{text_end, rodata_end - text_end, PT_R | PT_X,", audit(RIGHTS)),
        mutant("no-wp", "mm/host.c", "CR0_NE | CR0_WP |", "CR0_NE |",
               audit(REGISTERS), Fault("sealed", "powered off|PANIC")),
        mutant("no-wp-after-exit", "vmx/vmcs.c", "vmwrite_nat(VMCS_HOST_CR0, read_cr0());",
               "vmwrite_nat(VMCS_HOST_CR0, read_cr0() & ~CR0_WP);", audit(REGISTERS)),
        mutant("no-nxe-after-exit", "vmx/vmcs.c", "vmwrite64(VMCS_HOST_EFER, rdmsr(MSR_EFER));",
               "vmwrite64(VMCS_HOST_EFER, rdmsr(MSR_EFER) & ~EFER_NXE);",
               audit(REGISTERS, dies=True)),
        mutant("pat-after-exit", "vmx/vmcs.c", "vmwrite64(VMCS_HOST_PAT, rdmsr(MSR_PAT));",
               "vmwrite64(VMCS_HOST_PAT, PAT_RESET);", audit(REGISTERS)),
        mutant("sysenter-after-exit", "vmx/vmcs.c", "vmwrite32(VMCS_HOST_SYSENTER_CS, 0);",
               "vmwrite32(VMCS_HOST_SYSENTER_CS, read_cs());", audit(REGISTERS)),
    ],
    "SMEP, SMAP, UMIP where the processor has them, MCE": [
        mutant("no-smep", "mm/host.c", "CPUID_7_EBX_SMEP) != 0 ? CR4_SMEP : 0)",
               "CPUID_7_EBX_SMEP) != 0 ? 0 : 0)", audit(REGISTERS)),
        mutant("no-smap", "mm/host.c", "CPUID_7_EBX_SMAP) != 0 ? CR4_SMAP : 0)",
               "CPUID_7_EBX_SMAP) != 0 ? 0 : 0)", audit(REGISTERS)),
        mutant("no-umip", "mm/host.c", "CPUID_7_ECX_UMIP) != 0 ? CR4_UMIP : 0)",
               "CPUID_7_ECX_UMIP) != 0 ? 0 : 0)", audit(REGISTERS)),
        mutant("no-mce", "mm/host.c", "CPUID_FEATURES_EDX_MCE) != 0 ? CR4_MCE", "0) != 0 ? CR4_MCE",
               audit(REGISTERS)),
        mutant("cr4-after-exit", "vmx/vmcs.c", "vmwrite_nat(VMCS_HOST_CR4, read_cr4());",
               "vmwrite_nat(VMCS_HOST_CR4, read_cr4() & ~CR4_SMAP);", audit(REGISTERS)),
    ],
    "Unmapped pages around each of a core's five stacks": [
        mutant("guard-above", "mm/hostmap.c",
               "return pt_map(own, host_translated(host_stack_top(stack) - size), hpa(address), size,",
               "return pt_map(own, host_translated(host_stack_top(stack) - size), hpa(address), "
               "size + PAGE_SIZE,", audit(GUARDS, PRIVATE), Unit("test_hostmap")),
        mutant("guard-below", "mm/hostmap.c",
               "return pt_map(own, host_translated(host_stack_top(stack) - size), hpa(address), size,",
               "return pt_map(own, host_translated(host_stack_top(stack) - size) - PAGE_SIZE, "
               "hpa(address - PAGE_SIZE), size + PAGE_SIZE,", audit(GUARDS, PRIVATE),
               Unit("test_hostmap")),
        mutant("no-guards", "mm/hostmap.h", "#define HOST_STACK_STRIDE (8 * PAGE_SIZE)",
               "#define HOST_STACK_STRIDE (4 * PAGE_SIZE)",
               Build("build/hv/mm/hostmap.o", "room for a guard page")),
    ],
    "Stacks and window private to their core": [
        mutant("stacks-shared", "mm/hostmap.c",
               "enum status s = pt_unmap(&map->shared, address, size);", "enum status s = OK;",
               audit(PRIVATE), Unit("test_hostmap")),
    ],
    "NMI, #DF, #MC, #DB on stacks of their own": [
        mutant("ist-nmi", "kernel/core/trap.c", "return STACK_NMI;", "return 0;", audit(STACKS)),
        mutant("ist-df", "kernel/core/trap.c", "return STACK_DF;", "return 0;", audit(STACKS)),
        mutant("ist-mc", "kernel/core/trap.c", "return STACK_MC;", "return 0;",
               audit(STACKS), Fault("machine-check", "#DF")),
        mutant("ist-db", "kernel/core/trap.c", "return STACK_DB;", "return 0;", audit(STACKS)),
        mutant("ist-in-waits", "kernel/core/trap.c", "idt[v].ist = wait_idt[v].ist = trap_ist(v);",
               "idt[v].ist = trap_ist(v);", audit(STACKS),
               Fault("machine-check", "resolution")),
        mutant("ist-tss", "kernel/core/cpu.c", "t->tss.ist[s - 1] = host_stack_top((enum host_stack)s);",
               "t->tss.ist[s - 1] = host_stack_top(STACK_NMI);", audit(STACKS)),
    ],
    "Guest memory unmapped while guests run": [
        mutant("window-left-open", "kernel/vm/memory.c",
               "memory_load_disks(vm, core);\n    host_window_close(core);",
               "memory_load_disks(vm, core);", audit(NO_GUEST)),
        mutant("window-left-open-by-sibling", "kernel/vm/memory.c",
               "    memory_fill(core, hpa(host.base), NULL, host.size);\n"
               "    host_window_close(core);",
               "    memory_fill(core, hpa(host.base), NULL, host.size);",
               audit(NO_GUEST, cores=4)),
        mutant("disk-left-mapped", "kernel/start/address_space.c",
               "if (m->given) /* a guest's now */", "if (false) /* a guest's now */",
               audit(NO_GUEST, cores=4)),
        mutant("window-close-forgets", "mm/host.c", "host_window_set(core, 0);", "(void)core;",
               audit(NO_GUEST)),
    ],
    "Page tables, EPT, bitmaps, GDT, TSS, IDT, plan and settings read-only from launch on": [
        mutant("sealed-writable", "kernel/start/address_space.c",
               "        {(uintptr_t)image_sealed, (uintptr_t)image_sealed_end - "
               "(uintptr_t)image_sealed},\n", "",
               audit(RIGHTS, TABLES), Fault("sealed", "powered off|PANIC")),
        mutant("pool-writable", "kernel/start/address_space.c",
               "        pages_constant(&start->pages),\n", "", audit(TABLES)),
        mutant("make-constant", "mm/hostmap.c",
               "pt_protect(&map->shared, what.base, what.size, PT_R, PT_WRITE_BACK)",
               "pt_protect(&map->shared, what.base, what.size, PT_R | PT_W, PT_WRITE_BACK)",
               audit(RIGHTS, TABLES), Unit("test_hostmap")),
        mutant("tables-among-data", "mm/pagetable.c", "void *table = pages_get_constant(pt->pages, 1);",
               "void *table = pages_get(pt->pages, 1, PAGE_SIZE);",
               Unit("test_hostmap"), Fault("sealed", "PANIC .*virt_nested_valid")),
        mutant("roots-among-data", "mm/pagetable.c", "void *root = pages_get_constant(pages, 1);",
               "void *root = pages_get(pages, 1, PAGE_SIZE);", Unit("test_hostmap"),
               Fault("sealed", "PANIC .*virt_nested_valid")),
        mutant("bitmaps-among-data", "vmx/cpu.c",
               "pages_get_constant(pages, (sizeof(*s) + PAGE_SIZE - 1) / PAGE_SIZE);",
               "pages_get(pages, (sizeof(*s) + PAGE_SIZE - 1) / PAGE_SIZE, PAGE_SIZE);",
               audit(TABLES)),
        mutant("svm-maps-among-data", "svm/cpu.c",
               "pages_get_constant(pages, PAGES_OF(*s));",
               "pages_get(pages, PAGES_OF(*s), PAGE_SIZE);", svm_audit(TABLES)),
        mutant("svm-spec-not-sealed", "svm/cpu.c", "SEALED struct svm_spec_plan svm_spec;",
               "struct svm_spec_plan svm_spec;", svm_audit(TABLES), WRITABLE),
        mutant("stale-tlb", "kernel/start/smp.c", "    host_flush_tlb(); /* what was sealed meanwhile "
               "(address_space_seal()) is so here too */\n", "", Fault("sealed", "powered off|PANIC")),
        mutant("plan-among-data", "kernel/start/launch.c",
               "pages_get_constant(&start->pages, (size + PAGE_SIZE - 1) / PAGE_SIZE);",
               "pages_get(&start->pages, (size + PAGE_SIZE - 1) / PAGE_SIZE, PAGE_SIZE);",
               audit(TABLES)),
        mutant("config-not-sealed", "kernel/start/launch.c", "static SEALED struct config config;",
               "static struct config config;", audit(TABLES), WRITABLE),
        # The audit runs on a guest's core: the boot core's are lint's to see.
        mutant("gdt-not-sealed", "kernel/core/cores.c",
               "static SEALED struct cpu_tables cores_boot_tables;",
               "static struct cpu_tables cores_boot_tables;", WRITABLE),
        mutant("gdt-among-data", "kernel/core/cores.c",
               "pages_get_constant(pages, cores_pages(others, sizeof(*tables)));",
               "pages_get(pages, cores_pages(others, sizeof(*tables)), PAGE_SIZE);", audit(TABLES)),
        mutant("wait-idt-not-sealed", "kernel/core/trap.c",
               "static SEALED ALIGNED(16) struct idt_gate wait_idt",
               "static ALIGNED(16) struct idt_gate wait_idt", audit(TABLES), WRITABLE),
        mutant("boot-state-not-sealed", "kernel/main.c", "static SEALED struct start_state start;",
               "static struct start_state start;", WRITABLE),
        mutant("spec-not-sealed", "vmx/caps.c", "SEALED struct spec_plan vmx_spec;",
               "struct spec_plan vmx_spec;", WRITABLE),
    ],
    "Nothing below the window's table, the one that changes, can be executed": [
        mutant("window-executable", "mm/hostmap.c",
               "*entry = host_table(hpa((uintptr_t)table), PT_LEVELS) | HOST_XD;",
               "*entry = host_table(hpa((uintptr_t)table), PT_LEVELS);", Unit("test_hostmap")),
    ],
    "Entries that are not present are zero (L1TF)": [
        mutant("unmap-keeps-address", "mm/pagetable.c", "        *spot.entry = 0;",
               "        *spot.entry &= ~BIT64(0);", audit(ZERO), Unit("test_pagetable")),
        mutant("window-keeps-address", "mm/host.c", "host_window_set(core, 0);",
               "host_window_set(core, *core->window_entry & ~BIT64(0));", audit(ZERO)),
    ],
    "Trampoline and APIC page unmapped at launch, a HLT left in the trampoline; a silent core held "
    "in INIT": [
        mutant("trampoline-mapped", "kernel/start/address_space.c",
               "        s = host_map_remove(&start->map, start->low_page.v, PAGE_SIZE);\n", "",
               audit(UNMAPPED)),
        mutant("apic-mapped", "kernel/start/address_space.c",
               "        s = host_map_remove(&start->map, LAPIC_MMIO, PAGE_SIZE);", "        (void)0;",
               audit(UNMAPPED)),
        mutant("silent-core-not-held", "kernel/start/smp.c",
               "    lapic_init_core(cpus[id]->apic_id);\n    smp_delay_us(LAPIC_INIT_US);\n", "",
               Boot("test_cores.py::test_cores_that_answer_too_late")),
        mutant("trampoline-alive", "kernel/start/address_space.c",
               "        smp_retire(start->low_page);\n", "", audit(UNMAPPED)),
    ],
    "A canary on each stack, per core and per boot": [
        without_flag("-fstack-protector-strong"),
        mutant("smash-unseen", "Makefile", " -fstack-protector-strong", "",
               Fault("smash", "PANIC .*#(GP|PF|UD)|timed out|resolution")),
        mutant("canary-of-nobody", "kernel/start/bring_up.c", "        cpu->canary = canary_make();",
               "        cpu->canary = 0;", audit(CANARIES)),
        mutant("canary-of-all", "kernel/start/bring_up.c", "        cpu->canary = canary_make();",
               "        cpu->canary = cpus[0].canary;", audit(CANARIES)),
        mutant("canary-constant", "kernel/core/canary.c", "canary_random() ^ rdtsc();", "1;",
               audit(CANARIES)),
        mutant("canary-of-the-boot-core", "kernel/main.c",
               "    cores_boot.canary = canary_make(); /* before anything returns that has checked the "
               "old one */\n", "", audit(CANARIES)),
        mutant("canary-in-strings", "kernel/core/canary.c", "(z ^ z >> 31) << 8", "(z ^ z >> 31) | 1",
               audit(CANARIES)),
    ],
    "No FPU, no red zone, zeroed locals": [
        without_flag("-mgeneral-regs-only", "{} -mno-red-zone -fno"),
        without_flag("-mno-red-zone", "{} -fno-strict-aliasing -fno-jump"),
        without_flag("-ftrivial-auto-var-init=zero"),
        mutant("fpu-in-assembly", "kernel/core/panic.c", "        cpu_cli();\n",
               '        __asm__ volatile("pxor %xmm0, %xmm0");\n        cpu_cli();\n',
               Lint("gcc: no x87, SSE or AVX register in the hypervisor")),
    ],
    "No register of a guest's left in ours after an exit": [
        *(mutant(f"exit-keeps-{register}", "vmx/switch.asm",
                 f"        xor     {register}, {register}\n", "", audit(CLEARED))
          for register in ("esi", "edi", "r8d", "r9d", "r10d", "r11d")),
        mutant("abandoned-entry-keeps-registers", "vmx/switch.asm",
               "        shl     rcx, 32\n        CLEAR_GPRS\n", "        shl     rcx, 32\n",
               audit(CLEARED)),
        *(mutant(f"svm-exit-keeps-{register}", "svm/switch.asm",
                 f"        xor     {register}, {register}\n", "", svm_audit(CLEARED))
          for register in ("ebp", "esi", "edi", "r8d", "r9d", "r10d", "r11d", "r13d")),
    ],
    "No indirect branch on the way from a guest": [
        mutant("indirect-call", "vmx/run.c", "    const uint64_t reason = vmx_switch(v, stay);\n",
               "    void (*volatile go)(struct vcpu *) = vmx_before_entry;\n    go(v);\n"
               "    const uint64_t reason = vmx_switch(v, stay);\n", NO_INDIRECT),
        without_flag("-fno-jump-tables"),
    ],
    "IBRS, RRSBA_DIS_S, BHI_DIS_S for good; IBPB between lives; return stack filled at exits, VERW "
    "and L1D flush at entries where needed": [
        mutant("spec-ctrl-not-written", "vmx/cpu.c",
               "        wrmsr(MSR_SPEC_CTRL, vmx_spec.spec_ctrl);", "        (void)0;",
               audit(SPECULATION)),
        mutant("plain-exit", "vmx/vmcs.c", "return (uintptr_t)vmx_exit_one;",
               "return (uintptr_t)vmx_exit;", audit(SPECULATION)),
        mutant("traced-exit-not-filled", "vmx/switch.asm", "        jmp     vmx_exit_fill",
               "        jmp     vmx_exit", audit(SPECULATION)),
        mutant("svm-traced-exit-not-filled", "svm/switch.asm", "%if %1\n        FORGET",
               "%if %1 = 1\n        FORGET",
               svm_audit(SPECULATION)),
        mutant("few-calls", "vmx/switch.asm", "RSB_ENTRIES     equ 32", "RSB_ENTRIES     equ 16",
               audit(SPECULATION)),
        mutant("no-call", "vmx/switch.asm",
               "        SAVE_GPRS\n        CALL_OVER\n        add     rsp, 8\n", "        SAVE_GPRS\n",
               audit(SPECULATION)),
        mutant("entry-work-forgotten", "vmx/run.c", "        vmx_clear_buffers(); /* last */",
               "        vmx_clear_buffers();\n    v->hw_work &= ~(uint32_t)WORK_BUFFERS;",
               audit(SPECULATION), Unit("test_entry")),
        mutant("first-entry-without-work", "vmx/cpu.c", "v->hw_work = vmx_spec.at_entry ? WORK_BUFFERS : 0;",
               "v->hw_work = 0;", Unit("test_entry")),
        mutant("svm-few-calls", "svm/switch.asm", "RSB_ENTRIES     equ 64", "RSB_ENTRIES     equ 32",
               svm_audit(SPECULATION)),
        mutant("svm-never-filled", "svm/switch.h", "if (v->hw_exit == SVM_WAY_PLAIN)",
               "if (svm_spec.at_exit != AT_EXIT_BARRIER)", svm_audit(SPECULATION)),
        mutant("svm-entry-work-forgotten", "svm/run.c", "        verw_own_segment(); /* last */",
               "        v->hw_work &= ~(uint32_t)WORK_BUFFERS;", svm_audit(SPECULATION)),
        mutant("no-verw", "vmx/run.c", "        verw_own_segment();", "        (void)0;",
               Unit("test_entry")),
        mutant("no-l1d-flush", "vmx/run.c", "        wrmsr(MSR_FLUSH_CMD, FLUSH_CMD_L1D);",
               "        (void)0;", Unit("test_entry")),
        mutant("buffers-not-cleared", "vmx/run.c", "        vmx_clear_buffers(); /* last */", "        (void)0;",
               Unit("test_entry")),
        mutant("no-ibpb", "vmx/cpu.c", "        wrmsr(MSR_PRED_CMD, PRED_CMD_IBPB);", "        (void)0;",
               Unit("test_entry")),
        mutant("no-ibrs", "vmx/spec.c", "        value |= SPEC_CTRL_IBRS;", "        (void)0;",
               Unit("test_spec")),
        mutant("no-rrsba-dis", "vmx/spec.c", "        value |= SPEC_CTRL_RRSBA_DIS;",
               "        (void)0;", Unit("test_spec")),
        mutant("no-bhi-dis", "vmx/spec.c", "        value |= SPEC_CTRL_BHI_DIS;", "        (void)0;",
               Unit("test_spec")),
    ],
    "Numbers that a guest chooses masked where they are an index: hypercall, CPUID leaf": [
        mutant("hypercall-unmasked", "kernel/vm/hypercall.c",
               "calls[index_masked(number, VCPU_CALLS)]++;", "calls[number]++;",
               Unit("test_masks")),
        mutant("cpuid-unmasked", "vdev/vcpuid.h",
               "t->place[index_masked(leaf, VCPUID_SLOTS)];",
               "t->place[leaf];", Unit("test_masks")),
        mutant("cpuid-far-unmasked", "vdev/vcpuid.h",
               "t->place[index_masked(vcpuid_slot(leaf), VCPUID_SLOTS)];",
               "t->place[vcpuid_slot(leaf)];", Unit("test_masks")),
        mutant("mask-optimised-away", "lib/bits.h", '    __asm__("" : "+r"(index));\n', "", MASKED),
    ],
    "#DB, #AC, #MC intercepted": [
        *(mutant(f"{vector.lower()}-not-intercepted", "kernel/virt.h",
                 "#define INTERCEPTED_EXCEPTIONS (BIT32(VECTOR_DB) | BIT32(VECTOR_AC) | "
                 "BIT32(VECTOR_MC))",
                 f"#define INTERCEPTED_EXCEPTIONS (BIT32(VECTOR_{others[0]}) | "
                 f"BIT32(VECTOR_{others[1]}))", audit(EXCEPTIONS))
          for vector, others in (("DB", ("AC", "MC")), ("AC", ("DB", "MC")), ("MC", ("DB", "AC")))),
        mutant("svm-none-intercepted", "svm/state.c",
               "vmcb->intercept_exceptions = INTERCEPTED_EXCEPTIONS;",
               "vmcb->intercept_exceptions = 0;", svm_audit(EXCEPTIONS)),
    ],
    "What a guest may do to a core is closed but for what it needs: controls, CR0 and CR4 masks, MSR "
    "and I/O bitmaps, its own memory": [
        mutant("no-nmi-exits", "vmx/vmcs.c",
               "vmwrite32(VMCS_PIN_BASED_CONTROLS, vmx_controls.pin & ~PIN_PREEMPTION_TIMER);",
               "vmwrite32(VMCS_PIN_BASED_CONTROLS, vmx_controls.pin & ~(PIN_PREEMPTION_TIMER | "
               "PIN_NMI | PIN_VIRTUAL_NMIS));", audit(CONTROLS)),
        mutant("no-io-bitmaps", "vmx/vmcs.c", "vmx_controls.cpu & ~CPU_MONITOR_TRAP;",
               "vmx_controls.cpu & ~(CPU_MONITOR_TRAP | CPU_IO_BITMAPS);", audit(CONTROLS)),
        mutant("no-mwait-exits", "vmx/fit.c", "CPU_SECONDARY | CPU_MWAIT | CPU_MONITOR |",
               "CPU_SECONDARY | CPU_MONITOR |", audit(CONTROLS), Unit("test_fit")),
        mutant("one-control-more", "vmx/fit.c", "CPU2_RDTSCP | CPU2_INVPCID |",
               "BIT32(13) | CPU2_RDTSCP | CPU2_INVPCID |", audit(CONTROLS)),
        mutant("debug-controls-kept", "vmx/fit.c", "{.must = ENTRY_LOAD_DEBUG | ENTRY_LOAD_PAT",
               "{.must = ENTRY_LOAD_PAT", audit(CONTROLS), Unit("test_fit")),
        mutant("cache-disable", "vmx/cr.c", ".owned = fixed | CR0_CD | CR0_NW,",
               ".owned = fixed,", audit(OWNED)),
        mutant("mce-off", "vmx/cr.c", ".fixed = caps->cr4_fixed0 | CR4_MCE,",
               ".fixed = caps->cr4_fixed0,", audit(OWNED)),
        mutant("mce-not-owned", "vmx/cr.c", "~cr4_allowed | caps->cr4_fixed0 | CR4_MCE,",
               "~(cr4_allowed | CR4_MCE) | caps->cr4_fixed0,", audit(OWNED)),
        mutant("cr4-open", "vmx/cr.c", ".owned = ~cr4_allowed |",
               ".owned = (~cr4_allowed & ~CR4_SMXE) |", audit(OWNED)),
        mutant("cr4-shadow", "vmx/vmcs.c", "vmwrite_nat(VMCS_CR4_SHADOW, state->cr4);",
               "vmwrite_nat(VMCS_CR4_SHADOW, state->cr4 | CR4_VMXE);", audit(OWNED)),
        mutant("ports-open", "vmx/bitmaps.c", "memset(shared->io, 0xff, sizeof(shared->io));",
               "memset(shared->io, 0xff, sizeof(shared->io) - 1);", audit(BITMAPS)),
        mutant("msrs-open", "vmx/bitmaps.c", "memset(&shared->msr, 0xff, sizeof(shared->msr));",
               "memset(&shared->msr, 0xff, sizeof(shared->msr) - 1);", audit(BITMAPS)),
        mutant("writes-open-with-reads", "vmx/bitmaps.c",
               "if (row->write == MSR_DIRECT)", "if (row->read == MSR_DIRECT)",
               audit(BITMAPS)),
        mutant("bitmap-elsewhere", "vmx/vmcs.c",
               "vmwrite64(VMCS_IO_BITMAP_B, (uintptr_t)&shared->io[1]);",
               "vmwrite64(VMCS_IO_BITMAP_B, (uintptr_t)&shared->io[0]);", audit(BITMAPS)),
        mutant("svm-no-mwait-exits", "svm/state.c",
               "INTERCEPT2_MONITOR | INTERCEPT2_MWAIT | INTERCEPT2_XSETBV)",
               "INTERCEPT2_MONITOR | INTERCEPT2_XSETBV)", svm_audit(CONTROLS)),
        mutant("svm-no-task-switch-exits", "svm/state.c",
               "INTERCEPT1_TASK_SWITCH | INTERCEPT1_FERR_FREEZE |", "INTERCEPT1_FERR_FREEZE |",
               svm_audit(CONTROLS)),
        mutant("svm-no-freeze-exits", "svm/state.c",
               "INTERCEPT1_TASK_SWITCH | INTERCEPT1_FERR_FREEZE |", "INTERCEPT1_TASK_SWITCH |",
               svm_audit(CONTROLS), Unit("test_svm_state")),
        mutant("svm-virtual-saves", "svm/state.c", "    vmcb->asid = ASID_GUEST;",
               "    vmcb->asid = ASID_GUEST;\n    vmcb->virt_ext = VIRT_EXT_VMSAVE_LOAD;",
               svm_audit(CONTROLS)),
        mutant("svm-efer-open", "svm/bitmaps.c", "    memset(b->io, 0xff, sizeof(b->io));",
               "    memset(b->io, 0xff, sizeof(b->io));\n    b->msr[(0x2000 + 0x80) / 4] = 0xfc;",
               svm_audit(OWNED, BITMAPS)),
        mutant("svm-ports-open", "svm/bitmaps.c", "memset(b->io, 0xff, sizeof(b->io));",
               "memset(b->io, 0xff, sizeof(b->io) - 1);", svm_audit(BITMAPS)),
        mutant("svm-msrs-open", "svm/bitmaps.c", "memset(b->msr, 0xff, sizeof(b->msr));",
               "memset(b->msr, 0xff, sizeof(b->msr) - 1);", svm_audit(BITMAPS)),
        mutant("svm-writes-open-with-reads", "svm/bitmaps.c", "if (row->write == MSR_DIRECT)",
               "if (row->read == MSR_DIRECT)", svm_audit(BITMAPS)),
        mutant("svm-not-flushed", "svm/state.c", "vmcb->tlb_control = TLB_FLUSH_ALL;",
               "vmcb->tlb_control = TLB_DO_NOTHING;", svm_audit(OWN_MEMORY, CLEAN)),
        mutant("memory-of-the-next", "mm/guest_map.c", "s = pt_map(pt, r->at.v, r->to, r->size,",
               "s = pt_map(pt, r->at.v, hpa(r->to.v + PAGE_SIZE_2M), r->size,",
               Unit("test_guest_map"), Fault("sealed", "PANIC .*virt_nested_valid")),
        mutant("one-tag-for-all", "vmx/cpu.c", "s->vpid = config->tag;", "s->vpid = 1;",
               audit(OWN_MEMORY, cores=4)),
    ],
    "A core is as after a reset when a guest starts on it: FPU and vectors, PKRU, XCR0, debug "
    "registers, syscall MSRs, CR2, APIC": [
        cleared("vectors", "    fpu_reset_xsave(cpu_guest_components(xcr0_allowed));\n",
                "    (void)cpu_guest_components(xcr0_allowed);\n"),
        mutant("clean-pkru", "kernel/core/cpu.c",
               "return xcr0_allowed | (cpuid_leaf(CPUID_XSAVE, 0).eax & XCR0_PKRU);",
               "return xcr0_allowed;", audit(CLEAN), svm_audit(CLEAN)),
        mutant("clean-components", "kernel/core/fpu.asm", "        mov     eax, -1\n",
               "        mov     eax, 3\n", audit(CLEAN)),
        mutant("clean-xcr0", "kernel/core/fpu.asm", "        mov     eax, 1\n",
               "        mov     eax, 3\n", audit(CLEAN)),
        *(cleared(f"dr{n}", f"    write_dr{n}(0);\n") for n in range(4)),
        cleared("dr6", "    write_dr6(DR6_RESET);\n", file="vmx/cpu.c"),
        cleared("dr7", "    write_dr7(DR7_RESET);\n"),
        *(cleared(name.lower(), f"    wrmsr(MSR_{name}, 0);\n", file="vmx/cpu.c")
          for name in ("STAR", "LSTAR", "CSTAR", "FMASK", "KERNEL_GS_BASE")),
        cleared("tsc-aux", "        wrmsr(MSR_TSC_AUX, 0);", "        (void)0;"),
        cleared("cr2", "    write_cr2(0);\n", file="vmx/cpu.c"),
        cleared("apic", "    lapic_reset();\n"),
        cleared("pending-interrupts", "    cpu_drain_interrupts();\n    /* \"Local",
                "    /* \"Local"),
        cleared("svr", "    wrmsr(MSR_X2APIC_SVR, HOST_VECTOR_SPURIOUS);\n"),
        mutant("clean-tpr", "drivers/lapic.c", "    lapic_write(MSR_X2APIC_TPR, 0);\n", "",
               audit(CLEAN)),
        mutant("clean-debugctl-at-entry", "vmx/vmcs.c", "vmwrite64(VMCS_GUEST_DEBUGCTL, 0);",
               "vmwrite64(VMCS_GUEST_DEBUGCTL, 2);", audit(CLEAN)),
        mutant("clean-dr7-at-entry", "vmx/vmcs.c", "vmwrite_nat(VMCS_GUEST_DR7, DR7_RESET);",
               "vmwrite_nat(VMCS_GUEST_DR7, 0x401);", audit(CLEAN)),
        *(mutant(f"svm-clean-{field}", "svm/state.c", line, "", svm_audit(CLEAN))
          for field, line in (("dr6", "    vmcb->dr6 = DR6_RESET;\n"),
                              ("pat", "    vmcb->g_pat = PAT_RESET;\n"))),
        # Not left out: the one bit of the reset value is 1 whatever is loaded.
        mutant("svm-clean-dr7", "svm/state.c", "vmcb->dr7 = DR7_RESET;", "vmcb->dr7 = 0x401;",
               svm_audit(CLEAN)),
        mutant("svm-clean-syscall", "svm/cpu.c", "    memset(hw, 0, offsetof(struct svm_vcpu, look));\n",
               "    const uint64_t star = hw->vmcb.star;\n    memset(hw, 0, offsetof(struct svm_vcpu, look));\n"
               "    hw->vmcb.star = star;\n", svm_audit(CLEAN)),
    ],
    "PIC, I/O APIC and ISA DMA masked; no PCI function masters the bus": [
        mutant("pic-1", "kernel/start/quiesce.c", "    out8(PIC1_MASK_PORT, PIC_ALL_MASKED);\n", "",
               audit(INTERRUPTS)),
        mutant("pic-2", "kernel/start/quiesce.c", "    out8(PIC2_MASK_PORT, PIC_ALL_MASKED);\n", "",
               audit(INTERRUPTS)),
        mutant("ioapic", "kernel/start/quiesce.c", "regs[IOAPIC_DATA] = IOAPIC_MASKED;",
               "regs[IOAPIC_DATA] = 0;", audit(INTERRUPTS)),
        mutant("ioapic-last-pin", "kernel/start/quiesce.c", "pin <= last; pin++",
               "pin < last; pin++", audit(INTERRUPTS)),
        mutant("interrupts-not-quiet", "kernel/start/handover.c",
               "    quiesce_interrupts(&start->acpi);\n", "",
               audit(INTERRUPTS)),
        mutant("dma-1", "kernel/start/quiesce.c", "    out8(DMA1_MASK_PORT, DMA_ALL_MASKED);\n", "",
               audit(BUS)),
        mutant("dma-2", "kernel/start/quiesce.c", "    out8(DMA2_MASK_PORT, DMA_ALL_MASKED);\n", "",
               audit(BUS)),
        mutant("devices-not-quiet", "kernel/start/handover.c",
               "    start->ecam = quiesce_devices(&start->acpi, start->machine.has_screen, "
               "&start->machine.devices);\n", "", audit(BUS)),
        mutant("bus-masters", "drivers/pci/pci_quiet.c", "command & ~PCI_COMMAND_MASTER);", "command);",
               audit(BUS), Unit("test_pci")),
    ],
    "Where there is an IOMMU it blocks DMA and interrupts of every device, on before guests have "
    "memory, whatever the firmware left": [
        mutant("iommu-not-asked", "kernel/main.c", "        dma_block(&start); /*", "        /*",
               Boot("test_iommu.py::test_guests_run")),
        mutant("iommu-not-started", "drivers/iommu/iommu.c",
               "            u->why = iommu_start_unit(iommu, u);", "            (void)iommu_start_unit;",
               Unit("test_iommu")),
        mutant("vtd-not-translating", "drivers/iommu/vtd.c",
               "return vtd_command(unit, VTD_TRANSLATE, true) ? NULL :",
               "return vtd_command(unit, VTD_TRANSLATE, false) ? NULL :", Unit("test_vtd"),
               Unit("test_iommu")),
        mutant("vtd-interrupts-not-remapped", "drivers/iommu/iommu.c",
               ".interrupts = iommu_unit_remaps(iommu, unit) ? t->interrupts : NULL,",
               ".interrupts = NULL,", Unit("test_iommu")),
        mutant("vtd-old-interrupts", "drivers/iommu/vtd.c",
               "    if (!vtd_command(unit, VTD_COMPATIBLE, false))",
               "    if (!vtd_command(unit, VTD_COMPATIBLE, true))", Unit("test_vtd")),
        mutant("vtd-firmware-cached", "drivers/iommu/vtd.c",
               "    vtd_put(unit, VTD_DO_CONTEXTS, 0);\n", "", Unit("test_vtd")),
        mutant("amdvi-not-on", "drivers/iommu/amdvi.c",
               "control | AMDVI_EVENTS | AMDVI_COMMANDS | AMDVI_ON);",
               "control | AMDVI_EVENTS | AMDVI_COMMANDS);", Unit("test_amdvi"), Unit("test_iommu")),
        mutant("amdvi-entries-zero", "drivers/iommu/amdvi.c",
               "entry[0] = AMDVI_DTE_VALID | AMDVI_DTE_LEVELS | empty.v;", "entry[0] = 0;",
               Unit("test_amdvi")),
        mutant("amdvi-interrupts-pass", "drivers/iommu/amdvi.c",
               "        entry[2] = AMDVI_DTE_IRQS;", "        entry[2] = 0;", Unit("test_amdvi")),
        mutant("amdvi-firmware-excludes", "drivers/iommu/amdvi.c",
               "    regs_write64(unit->regs, AMDVI_EXCLUSION, 0);\n", "", Unit("test_amdvi")),
        mutant("amdvi-firmware-cached", "drivers/iommu/amdvi.c",
               "    amdvi_put(unit, AMDVI_DO_ALL, 0);\n", "", Unit("test_amdvi")),
    ],
    "A device that a guest has reaches that guest's RAM and disks only, and interrupts its cores "
    "only": [
        mutant("device-reaches-devices", "drivers/iommu/iommu_devices.c",
               "if (r->kind == REGION_RAM || r->kind == REGION_DISK)", "if (r->kind != REGION_DISK)",
               Unit("test_iommu")),
        mutant("device-writes-what-its-guest-reads", "drivers/iommu/iommu_devices.c",
               "r->rights & (PT_R | PT_W), PT_WRITE_BACK);", "PT_R | PT_W, PT_WRITE_BACK);",
               Unit("test_iommu")),
        mutant("device-open-early", "drivers/iommu/vtd.c", "    vtd_store(&pair[0], root.v);",
               "    vtd_store(&pair[0], root.v | VTD_PRESENT);", Unit("test_vtd")),
        mutant("device-never-forgotten", "drivers/iommu/iommu_devices.c",
               "    const bool done = iommu_forget(iommu, device);",
               "    const bool done = true || iommu_forget(iommu, device);", Unit("test_iommu")),
        mutant("interrupts-of-another", "drivers/iommu/vtd.c", "id | VTD_VERIFY_ALL);", "id);",
               Unit("test_vtd")),
        mutant("no-vector-no-change", "drivers/iommu/amdvi.c", "        regs_put_pair(pair, 0, 0);",
               "        (void)pair;", Unit("test_amdvi")),
    ],
    "At a life's end a device is cut off, and reset, before its guest's memory is cleared": [
        mutant("device-not-cut-off", "kernel/vm/device.c",
               "iommu_close(vm->iommu, device_id(d)) && device_unroute", "device_unroute",
               Unit("test_device")),
        mutant("device-cut-off-unsure", "kernel/vm/device.c",
               'return d->is_lost ? "could not be cut off by the IOMMU" : NULL;', "return NULL;",
               Unit("test_device")),
        mutant("device-still-masters", "kernel/vm/device.c",
               "    device_command(d, COMMAND_PIN_OFF | COMMAND_MEMORY);\n    if (d->layout.msi != 0)",
               "    if (d->layout.msi != 0)", Unit("test_device")),
        mutant("device-not-reset", "kernel/vm/device.c", "device_reset(vm, &vm->devices[i]);",
               "(void)device_reset;", Unit("test_device")),
        mutant("device-not-left", "kernel/vm/life.c",
               "const struct plan_device *lost = device_leave(vm, &why);",
               "const struct plan_device *lost = NULL;",
               Boot("test_passthrough.py::test_restarts_in_flight")),
    ],
    "After a reset, what keeps a device from its neighbours' memory past the IOMMU (ACS) is on again": [
        mutant("device-free-of-acs", "kernel/vm/device.c",
               "        d->config[d->plan->entry->acs / 4] = d->acs;\n", "        (void)d->acs;\n",
               Unit("test_device")),
    ],
    "Of a device's configuration space a guest has what the rows say, and no other bit": [
        mutant("config-no-snoop", "vdev/vpass.c", "#define EXPRESS_REQUESTS     0x00007000u",
               "#define EXPRESS_REQUESTS     0x00007800u", Unit("test_vpass")),
        mutant("config-any-bit", "vdev/vpass.c", "(value & row->through & ~clears)",
               "(value & ~clears)", Unit("test_vpass")),
        mutant("config-bars", "vdev/vpass.c",
               "        write_bar(p, (reg - REG_BAR0) / 4 % VPASS_BARS, value);\n"
               "        return (struct vpass_effect){.to_hardware = false};",
               "        write_bar(p, (reg - REG_BAR0) / 4 % VPASS_BARS, value);\n"
               "        return (struct vpass_effect){.to_hardware = true};", Unit("test_vpass")),
        mutant("config-message", "vdev/vpass.c", "    row_at(l, at + 4)->kept = MSI_ADDRESS;",
               "    row_at(l, at + 4)->kept = row_at(l, at + 4)->through = MSI_ADDRESS;",
               Unit("test_vpass")),
        mutant("config-virtio-window", "vdev/vpass.c", "        if (type != VIRTIO_WINDOW)\n", "",
               Unit("test_vpass")),
        mutant("config-power", "vdev/vpass.c",
               "        l->power = (uint8_t)at;\n        return false;",
               "        l->power = (uint8_t)at;\n        return true;", Unit("test_vpass")),
    ],
    "A guest's write to an MSI-X table is one instruction on other nested tables, and of what it "
    "wrote only masks and checked messages reach the device": [
        mutant("table-writable", "mm/guest_map.c",
               ".rights = PT_R,\n                                             .type = PT_WRITE_BACK,\n"
               "                                             .kind = REGION_TABLE",
               ".rights = PT_R | PT_W,\n                                             .type = PT_WRITE_BACK,\n"
               "                                             .kind = REGION_TABLE",
               Unit("test_plan_devices")),
        mutant("table-message-as-written", "kernel/vm/table.c",
               "    own[WORD_ADDRESS] = address;", "    own[WORD_ADDRESS] = entry[WORD_ADDRESS];",
               Unit("test_table")),
        mutant("table-message-unchecked", "kernel/vm/table.c", " && entry[WORD_HIGH] == 0 &&", " &&",
               Unit("test_table")),
        mutant("table-unmasked-while-it-changes", "kernel/vm/table.c",
               "    own[WORD_CONTROL] = CONTROL_MASKED;\n    if (sends", "    if (sends",
               Unit("test_table")),
        mutant("table-window", "kernel/vm/table.c", "#define STORE_REACH 63", "#define STORE_REACH 15",
               Unit("test_table")),
        mutant("table-reset-unmasked", "kernel/vm/table.c",
               "        d->table[(size_t)i * ENTRY_WORDS + WORD_CONTROL] = CONTROL_MASKED;",
               "        (void)d->table[i];", Unit("test_table")),
        mutant("table-of-the-last-life", "kernel/vm/table.c", "        page[i] = 0;",
               "        (void)page[i];", Unit("test_table")),
        mutant("table-walked", "kernel/vm/table.c", "        x->fault.table_walk || !virt_write_once(v))",
               "        !virt_write_once(v))", Unit("test_table")),
        mutant("svm-step-without-rf", "svm/once.c", ".rflags = vmcb->rflags | RFLAGS_RF,",
               ".rflags = vmcb->rflags,", Unit("test_once")),
        mutant("svm-step-interrupted", "svm/once.c",
               "(hw->once.rflags | RFLAGS_TF) & ~RFLAGS_IF;", "hw->once.rflags | RFLAGS_TF;",
               Unit("test_once")),
        mutant("svm-step-keeps-shadow", "svm/once.c",
               "    vmcb->interrupt_shadow &= ~SHADOW_ACTIVE;\n    const bool steps",
               "    vmcb->interrupt_shadow = hw->once.shadow;\n    const bool steps", Unit("test_once")),
        mutant("svm-step-keeps-faults", "svm/once.c", "        once_reflect(&hw->vmcb, vector);\n", "",
               Unit("test_once")),
        mutant("svm-step-in-delivery", "svm/once.c", " || (vmcb->exit_int_info & EVENT_VALID) ||", " ||",
               Unit("test_once")),
        mutant("vmx-step-stays-open", "vmx/run.c",
               "    if (v->hw_work & WORK_ONCE)\n        vmx_once(v, false);\n", "", Unit("test_entry")),
        mutant("vmx-step-in-delivery", "vmx/once.c",
               " || (vmread32(VMCS_IDT_VECTORING_INFO) & INTR_VALID))", ")", Unit("test_entry")),
    ],
    "The firmware's SetVariable runs on tables of its own: what its list of runtime memory says, "
    "checked, and neither guests' memory nor the window": [
        mutant("runtime-overlaps", "kernel/start/runtime_map.c",
               "    if (!runtime_is_firmwares(list, where))", "    if (list->count == 0)",
               Unit("test_runtime_map")),
        mutant("runtime-writable-code", "kernel/start/runtime_map.c",
               "    if ((row->rights & RUNTIME_BOTH) == RUNTIME_BOTH)", "    if (row->pages == 0)",
               Unit("test_runtime_map")),
        mutant("runtime-low", "kernel/start/runtime_map.c", "{RAM_LOW_END, BIT64(47) - RAM_LOW_END}",
               "{0, BIT64(47)}", Unit("test_runtime_map")),
        mutant("runtime-call-elsewhere", "kernel/start/runtime_map.c",
               "return is_code ? NULL :", "return is_code || info->runtime_count > 0 ? NULL :",
               Unit("test_runtime_map")),
        mutant("runtime-maps-a-guest", "kernel/start/address_space.c",
               "    enum status s = address_space_map_own(start, &start->runtime);\n",
               "    enum status s = address_space_map_own(start, &start->runtime);\n    if (s == OK)\n"
               "        s = host_map_add(&start->runtime, 16 * MIB, PAGE_SIZE, PT_R, PT_WRITE_BACK);\n",
               Boot("test_next.py::test_fault_in_the_firmware")),
    ],
    "A fault of ours, once a core has its own tables, ends in a record, a backtrace and a halt; in a "
    "reset only where the file says `on_panic = reboot`": [
        mutant("error-code-of-gp", "kernel/core/trap.asm", "((v) >= 10 && (v) <= 14)",
               "((v) >= 10 && (v) <= 12) || (v) == 14", Fault("general-protection", "PANIC")),
        mutant("no-backtrace", "kernel/core/panic.c", "    panic_backtrace(rip, rbp, is_return);\n",
               "    if (rip == 0)\n        panic_backtrace(rip, rbp, is_return);\n",
               Fault("general-protection", "PANIC")),
        Mutant("reset-after-panic",
               [("kernel/core/panic.c", "again\");\n        panic_stop_core();",
                 "again\");\n        machine_reset();")],
               [Boot("test_panic.py::test_exception")]),
        mutant("no-record", "kernel/core/trap.c", "    else\n        panic_trap(frame);",
               "    else if (panic_is_elsewhere())\n        panic_trap(frame);",
               Fault("sealed", "timed out|died")),
        mutant("machine-check-as-interrupt", "kernel/core/trap.c",
               "if (vector < EXCEPTIONS && !lapic_in_service((uint8_t)vector)) {",
               "if (vector < EXCEPTIONS && lapic_in_service((uint8_t)vector)) {",
               Fault("machine-check", "PANIC|timed out|resolution|powered off")),
    ],
    "An NMI outside a guest is taken and counted": [
        mutant("nmi-not-counted", "kernel/core/trap.c",
               "    atomic_fetch_add_explicit(&this_cpu()->nmis, 1, memory_order_relaxed);\n", "",
               audit(NMI)),
    ],
}
