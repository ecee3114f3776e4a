/* SPDX-License-Identifier: MIT */
#include "exit_machine.h"

#include <stdarg.h>
#include <stdio.h>

#include "drivers/lapic.h"
#include "guests/kit/abi.h"
#include "kernel/core/machine_check.h"
#include "kernel/vm/crash.h"
#include "kernel/vm/deadlines.h"
#include "kernel/vm/debug.h"
#include "kernel/vm/device.h"
#include "kernel/vm/diagnosis.h"
#include "kernel/vm/halt.h"
#include "kernel/vm/inject.h"
#include "kernel/vm/kick.h"
#include "kernel/vm/life.h"
#include "kernel/vm/memory.h"
#include "kernel/vm/requests.h"
#include "kernel/vm/table.h"
#include "lib/bits.h"
#include "lib/fmt.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"
#include "vdev/vendor.h"
#include "vmx/vmx.h"

struct exit_machine machine;

/* What no exit may change, as it was before one. */
static struct {
    struct vcpu v;
    struct vcpu_soft soft;
} before;

/* ------------------------------------------------------------------ making it */

/* Three hosts: one that has everything, one that has nothing, one that makes no sense. */
static void machine_make_host(struct vcpuid_host *host, struct fuzz_input *in)
{
    const uint8_t kind = fuzz_u8(in);
    uint64_t noise = fuzz_take(in, 8);
    uint32_t leaf, subleaf;

    memset(host, 0, sizeof(*host));
    while (vcpuid_host_wants(&cpuid_intel, host->count, &leaf, &subleaf)) {
        DEMAND(host->count < VCPUID_HOST_MAX);
        struct cpuid_row *row = &host->rows[host->count++];
        uint32_t *const words[] = {&row->eax, &row->ebx, &row->ecx, &row->edx};
        *row = (struct cpuid_row){.leaf = leaf, .subleaf = subleaf};
        for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
            noise = noise * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            *words[i] = kind % 3 == 0 ? UINT32_MAX : kind % 3 == 1 ? 0 : (uint32_t)(noise >> 32);
        }
    }
}

static void machine_make_vcpu(uint32_t i, const struct vcpuid_host *host)
{
    struct vcpu *v = &machine.vcpus[i];
    struct vcpu_soft *soft = &machine.softs[i];
    const struct vcpuid_wish wish = {.apic_id = v->apic_id,
                                     .core_count = machine.vm.vcpu_count,
                                     .physical_bits = 39,
                                     .tsc_hz = machine.tsc.hz,
                                     .xcr0_allowed = machine.vm.xcr0_allowed};

    v->index = i;
    v->cpu = &machine.core;
    v->vm = &machine.vm;
    v->soft = soft;
    soft->phase = VCPU_RUNNING;
    trace_reset(&soft->stats.trace);
    soft->xcr0 = XCR0_X87;
    soft->timer_deadline = UINT64_MAX;
    soft->pump_deadline = UINT64_MAX;
    soft->console_duty = i == 0;
    soft->peers.count = machine.vm.vcpu_count;
    soft->peers.self = i;
    for (uint32_t k = 0; k < machine.vm.vcpu_count; k++)
        soft->peers.apic_ids[k] = machine.vcpus[k].apic_id;
    vapic_reset(&soft->apic, v->apic_id);
    vmsr_reset(&soft->msr, &msr_intel, i == 0);
    if (machine.v == v) /* the others' are never looked at */
        vcpuid_build(&soft->cpuid, &cpuid_intel, host, &wish);
}

/* Both sides are the guest's own, so that what is sent is judged as all that it sends. */
static void machine_make_links(struct fuzz_input *in)
{
    struct vm *vm = &machine.vm;
    struct link *link = &machine.link;

    vm->end_count = fuzz_u8(in) % (VLINKS + 1);
    machine.link_config.side_count = 2;
    machine.link_config.memory = 64 * KIB;
    machine.link_plan.config = &machine.link_config;
    link->plan = &machine.link_plan;
    for (uint32_t i = 0; i < vm->end_count; i++) {
        struct vlink *device = &vm->ends[i].device;
        vm->ends[i].link = link;
        machine.plan.ends[i] = (struct plan_end){.side = i % 2, .at = gpa(VPCI_MEMORY_FIRST)};
        device->side = i % 2;
        device->side_count = 2;
        device->alive = &link->alive;
        vlink_init(device, i, VPCI_MEMORY_FIRST + i * 64 * KIB, 64 * KIB);
        vpci_plug(&vm->pci, VPCI_LINK + i, &device->identity);
        link->sides[i % 2].vm = vm;
        link->sides[i % 2].end = i;
    }
    link->sides[0].vm = link->sides[1].vm = vm;
}

void machine_make(struct fuzz_input *in)
{
    static struct vcpuid_host host;
    struct vm *vm = &machine.vm;

    memset(&machine, 0, sizeof(machine));
    vm->name = "guest";
    vm->next.is_told = true;
    guest_map_add_ram(&machine.plan.map, hpa(GIB), 128 * MIB);
    machine.plan.config = &machine.config;
    vm->plan = &machine.plan;
    vm->vcpus = machine.vcpus;
    vm->vcpu_count = 1 + fuzz_u8(in) % VAPIC_PEERS_MAX;
    machine.v = &machine.vcpus[fuzz_u8(in) % vm->vcpu_count];
    const uint32_t base = (uint32_t)fuzz_take(in, 4);
    const uint32_t step = 1 + (uint32_t)fuzz_take(in, 1);
    for (uint32_t i = 0; i < vm->vcpu_count; i++) /* distinct, and never the broadcast id */
        machine.vcpus[i].apic_id = base % (UINT32_MAX - 64 * 256) + i * step;

    machine.tsc.hz = TIME_HZ_MIN + fuzz_take(in, 8) % (TIME_HZ_MAX - TIME_HZ_MIN + 1);
    machine.tsc.scale = time_scale_make(machine.tsc.hz);
    machine.tsc.start = fuzz_number(in);
    machine.now = machine.tsc.start;
    machine.cr0_fixed0 = CR0_PE | CR0_NE | CR0_PG;
    machine.cr4_fixed0 = CR4_VMXE;
    vm->tsc = &machine.tsc;
    machine.has_pit = (base & 1) != 0;
    tx_init(&vm->console.tx);
    rx_init(&vm->console.rx);
    const struct vrtc_clock clock = {.scale = &machine.tsc.scale, .start = machine.tsc.start};
    bus_reset(&vm->bus, &vm->console.tx, &vm->console.rx, &clock, machine.has_pit);
    vpci_reset(&vm->pci);
    machine_make_links(in);
    atomic_store(&vm->phase, VM_RUNNING);
    machine_make_host(&host, in);
    vm->xcr0_allowed = vcpuid_xcr0_allowed(&host);
    machine.cr4_allowed = vcpuid_cr4_allowed(&cpuid_intel, &host);
    DEMAND((machine.cr4_allowed & (CR4_VMXE | CR4_SMXE)) == 0);
    for (uint32_t i = 0; i < vm->vcpu_count; i++)
        machine_make_vcpu(i, &host);
}

bool machine_peer(uint32_t apic_id, uint32_t *index)
{
    for (uint32_t i = 0; i < machine.vm.vcpu_count; i++) {
        if (machine.vcpus[i].apic_id == apic_id) {
            *index = i;
            return true;
        }
    }
    return false;
}

void machine_remember(void)
{
    memset(&machine.effects, 0, sizeof(machine.effects));
    before.v = *machine.v;
    before.soft = *machine.v->soft;
}

void machine_check(void)
{
    const struct vcpu *v = machine.v;
    const struct vcpu_soft *soft = v->soft;
    const struct vcpu_soft *was = &before.soft;

    DEMAND(v->regs.gpr[REG_RSP] == before.v.regs.gpr[REG_RSP]);
    DEMAND(v->index == before.v.index && v->apic_id == before.v.apic_id);
    DEMAND(v->vm == &machine.vm && v->soft == before.v.soft && v->cpu == before.v.cpu);
    DEMAND(memcmp(&soft->peers, &was->peers, sizeof(soft->peers)) == 0);
    DEMAND(memcmp(&soft->cpuid, &was->cpuid, sizeof(soft->cpuid)) == 0);
    DEMAND(soft->apic.apic_id == v->apic_id && soft->msr.is_bsp == was->msr.is_bsp);
    DEMAND(soft->phase == was->phase && soft->console_duty == was->console_duty);
    DEMAND((soft->xcr0 & ~machine.vm.xcr0_allowed & ~XCR0_X87) == 0 && (soft->xcr0 & XCR0_X87));
    DEMAND((machine.vm.bus.pit.clock != NULL) == machine.has_pit);
    DEMAND(machine.vm.vcpus == machine.vcpus && machine.vm.vcpu_count == soft->peers.count);
    DEMAND(machine.effects.msr_writes + (machine.effects.sends > 0) + (machine.effects.asked != 0) +
               machine.effects.xsetbvs + machine.effects.ends + machine.effects.crashes <=
           1);
}

/* ------------------------------------------------------------------ the hardware */

/* The only registers that an exit may write, and only what cannot fault or leave the guest. SDM
 * "Local Vector Table", "Spurious Interrupt". */
void wrmsr(uint32_t index, uint64_t value)
{
    const uint64_t masked = BIT64(16), enabled = BIT64(8);

    machine.effects.msr_writes++;
    if (index == MSR_X2APIC_SVR) {
        DEMAND((value & ~(MASK64(7, 0) | enabled)) == 0);
    } else if (index == MSR_X2APIC_LVT_TIMER) {
        DEMAND((value & ~(MASK64(7, 0) | masked | MASK64(18, 17))) == 0);
        DEMAND((value & MASK64(18, 17)) != MASK64(18, 17));
    } else {
        DEMAND(index == MSR_X2APIC_LVT_ERROR);
        DEMAND((value & ~(MASK64(7, 0) | masked)) == 0);
    }
    /* "While software-disabled, LVT mask bits cannot be cleared." */
    DEMAND(index == MSR_X2APIC_SVR || (value & masked) || (machine.v->soft->apic.svr & enabled));
}

void memory_scrub(struct range host)
{
    (void)host;
    DEMAND(false); /* no life begins or ends here */
}

void mfence_lfence(void)
{
}

/* Fixed, edge, physical, asserted, to one core of this guest, each at most once. */
void lapic_write_icr(uint32_t apic_id, uint32_t command)
{
    uint32_t index;

    machine.effects.sends++;
    DEMAND((command & ~MASK64(7, 0)) == BIT64(14));
    DEMAND(machine.is_wrmsr || (command & 0xff) >= 32); /* a device's: no exception */
    DEMAND(machine_peer(apic_id, &index));
    DEMAND((machine.effects.sent_to >> index & 1) == 0);
    machine.effects.sent_to |= BIT64(index);
}

/* SDM "XSETBV—Set Extended Control Register": none of this may be a #GP in the hypervisor. */
void xsetbv(uint32_t index, uint64_t value)
{
    const uint64_t avx512 = value >> 5 & 7;

    machine.effects.xsetbvs++;
    DEMAND(index == 0 && (value & 1) && (value & ~machine.vm.xcr0_allowed) == 0);
    DEMAND(!(value >> 2 & 1) || (value >> 1 & 1));
    DEMAND(avx512 == 0 || (avx512 == 7 && (value >> 2 & 1)));
    DEMAND((value >> 3 & 3) == 0); /* MPX: never one without the other; here never */
}

uint64_t rdtsc(void)
{
    return machine.now;
}

/* ------------------------------------------------------------------ the backend */

uint64_t virt_cr4(const struct vcpu *v)
{
    DEMAND(v == machine.v);
    return machine.cr4;
}

uint8_t virt_cpl(const struct vcpu *v)
{
    DEMAND(v == machine.v);
    return machine.cpl;
}

bool virt_in_64bit(const struct vcpu *v)
{
    DEMAND(v == machine.v);
    return machine.in_64bit;
}

enum verdict virt_halt(struct vcpu *v)
{
    DEMAND(v == machine.v && machine.cpl == 0);
    return DO_NEXT;
}

void virt_explain(struct vcpu *v, const struct vcpu_exit *x, char *buf, size_t size)
{
    DEMAND(x->kind == EXIT_ENTRY_FAILED);
    fmt_print(buf, size, "vCPU %u", v->index);
}

/* As vmx/run.c does it, with the real policy of vmx/cr.c: what the guest believes may be anything
 * that is accepted, what the processor runs with may not. */
enum verdict virt_control(struct vcpu *v, const struct vcpu_exit *x)
{
    const struct vmx_caps caps = {.cr0_fixed0 = machine.cr0_fixed0,
                                  .cr4_fixed0 = machine.cr4_fixed0};
    const uint64_t allowed = machine.cr4_allowed;

    DEMAND(v == machine.v && (x->cr.number == 0 || x->cr.number == 4));
    if (x->cr.number == 0) {
        const struct vmx_cr_policy p = vmx_cr0_policy(&caps);
        const uint64_t real = vmx_cr_real(p, x->cr.value);
        if (!vmx_cr0_ok(x->cr.value))
            return DO_GP;
        DEMAND((real & CR0_NE) && (real & (CR0_CD | CR0_NW)) == 0 && real >> 32 == 0);
    } else {
        const struct vmx_cr_policy p = vmx_cr4_policy(&caps, allowed);
        const uint64_t real = vmx_cr_real(p, x->cr.value);
        if (!vmx_cr4_ok(p, x->cr.value))
            return DO_GP;
        DEMAND((real & (CR4_VMXE | CR4_MCE)) == (CR4_VMXE | CR4_MCE));
        DEMAND((real & ~(allowed | CR4_VMXE | CR4_MCE)) == 0);
    }
    return DO_AGAIN;
}

/* ------------------------------------------------------------------ the rest of kernel/ */

void kick_send(struct vcpu *v, uint32_t kicks)
{
    DEMAND(v >= machine.vcpus && v < machine.vcpus + machine.vm.vcpu_count);
    DEMAND(kicks == KICK_NMI || kicks == KICK_INIT || kicks == KICK_SIPI);
    const uint64_t bit = BIT64(v - machine.vcpus);
    DEMAND((machine.effects.asked & bit) == 0);
    machine.effects.asked |= bit;
    machine.effects.requests |= kicks;
}

void deadlines_update(struct vcpu *v)
{
    DEMAND(v == machine.v);
    machine.effects.timer_updates++;
}

void deadlines_hurry_console(struct vcpu *v)
{
    DEMAND(v == machine.v && v->soft->console_duty);
    v->soft->console_busy = true;
}

enum machine_check_end machine_check_take(const struct guest_map *map)
{
    DEMAND(map == &machine.v->vm->plan->map);
    return MACHINE_CHECK_GUEST;
}

void halt_look(struct vcpu *v, bool ask)
{
    DEMAND(v == machine.v && ask && machine.cpl == 0);
}

enum verdict requests_take(struct vcpu *v)
{
    DEMAND(v == machine.v);
    return DO_AGAIN;
}

enum verdict deadlines_look(struct vcpu *v, uint64_t now)
{
    DEMAND(v == machine.v && now == machine.now);
    return DO_AGAIN;
}

void inject_pending(struct vcpu *v)
{
    DEMAND(v == machine.v);
}

enum verdict crash_guest(struct vcpu *v, const struct vcpu_exit *x, const char *fmt, ...)
{
    char why[LOG_LINE_MAX];
    va_list args;

    DEMAND(v == machine.v && x != NULL);
    va_start(args, fmt);
    fmt_vprint(why, sizeof(why), fmt, args);
    va_end(args);
    DEMAND(why[0] != '\0');
    machine.effects.crashes++;
    return DO_STOP;
}

enum verdict crash_by_guest(struct vcpu *v, const struct crash_report *report)
{
    const struct vcpu_exit x = {.kind = EXIT_HYPERCALL, .report = *report};
    char why[LOG_LINE_MAX];

    DEMAND(report->code <= BULKHEAD_CRASH_LAST);
    diagnosis_report(report, 0, why, sizeof(why));
    return crash_guest(v, &x, "%s", why);
}

/* The guest has no device: fuzz_vpass.c has them. */
uint32_t device_read(const struct vm *vm, uint32_t d, uint32_t reg)
{
    (void)vm;
    DEMAND(d == reg && d != reg);
    return 0;
}

void device_write(struct vm *vm, uint32_t d, uint32_t reg, uint32_t mask, uint32_t value)
{
    (void)vm;
    (void)mask;
    (void)value;
    DEMAND(d == reg && d != reg);
}

/* Nor has it tables of one, or a debugger. */
bool table_write(struct vcpu *v, const struct vcpu_exit *x)
{
    (void)v;
    (void)x;
    return false;
}

void table_written(struct vcpu *v)
{
    DEMAND(v->soft->table_write.v == 0);
}

bool debug_takes(struct vcpu *v, const struct vcpu_exit *x)
{
    (void)v;
    (void)x;
    return false;
}

void life_tell(struct vm *vm, enum note_kind kind, const char *fmt, ...)
{
    (void)kind, (void)fmt;
    DEMAND(vm == &machine.vm && ++machine.told == 1); /* of a life, whatever the guest does */
}

bool life_end(struct vm *vm, struct vm_end end)
{
    DEMAND(vm == &machine.vm && end.kind != VM_END_CRASH && end.code <= 255);
    machine.effects.ends++;
    return true;
}
