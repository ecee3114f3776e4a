/* SPDX-License-Identifier: MIT */
#include "kernel/vcpu.h"

#include <stdarg.h>

#include "drivers/lapic.h"
#include "kernel/exit.h"
#include "kernel/panic.h"
#include "kernel/partition.h"
#include "kernel/reset.h"
#include "lib/bits.h"
#include "lib/fmt.h"
#include "lib/log.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"

#define IDLE_PUMP_FACTOR 20 /* so much slower when only input is looked for */

void vcpu_request(struct vcpu *v, uint32_t kicks)
{
    atomic_fetch_or(&v->kick, kicks);
    if (v->cpu != this_cpu())
        cpu_kick(v->cpu);
}

void vcpu_update_timer(struct vcpu *v)
{
    virt_set_timer(v, v->soft->timer_deadline, v->soft->pump_deadline);
}

void vcpu_hurry_console(struct vcpu *v)
{
    struct vcpu_soft *soft = v->soft;

    soft->console_busy = true;
    soft->pump_deadline = rdtsc() + soft->pump_ticks;
    vcpu_update_timer(v);
}

/* ------------------------------------------------------------------ stopping */

static void vcpu_print_state(struct vcpu *v, const struct vcpu_exit *x)
{
    struct vcpu_state s;

    virt_get_state(v, &s);
    log_line("  exit %s (0x%llx), qualification 0x%llx", virt_exit_name(x),
             (unsigned long long)x->raw_reason, (unsigned long long)x->qualification);
    log_line("  RIP 0x%llx RSP 0x%llx RFLAGS 0x%llx CPL %u", (unsigned long long)s.rip,
             (unsigned long long)s.gpr[REG_RSP], (unsigned long long)s.rflags,
             s.segments[SEG_SS].attributes >> 5 & 3u);
    log_line("  CR0 0x%llx CR3 0x%llx CR4 0x%llx EFER 0x%llx", (unsigned long long)s.cr0,
             (unsigned long long)s.cr3, (unsigned long long)s.cr4, (unsigned long long)s.efer);
    log_line("  RAX 0x%llx RBX 0x%llx RCX 0x%llx RDX 0x%llx", (unsigned long long)s.gpr[REG_RAX],
             (unsigned long long)s.gpr[REG_RBX], (unsigned long long)s.gpr[REG_RCX],
             (unsigned long long)s.gpr[REG_RDX]);
    log_line("  RSI 0x%llx RDI 0x%llx RBP 0x%llx CS 0x%x:0x%llx",
             (unsigned long long)s.gpr[REG_RSI], (unsigned long long)s.gpr[REG_RDI],
             (unsigned long long)s.gpr[REG_RBP], s.segments[SEG_CS].selector,
             (unsigned long long)s.segments[SEG_CS].base);
}

enum verdict vcpu_crash(struct vcpu *v, const struct vcpu_exit *x, const char *fmt, ...)
{
    char why[LOG_LINE_MAX];
    va_list args;

    if (!partition_end(v->vm, (struct vm_end){.kind = VM_END_CRASH}))
        return DO_STOP; /* it ends already, for another reason */
    va_start(args, fmt);
    fmt_vprint(why, sizeof(why), fmt, args);
    va_end(args);
    console_settle(&v->vm->console);
    log_line("guest '%s' vCPU %u on core #%u is stopped: %s", v->vm->name, v->index, v->cpu->id,
             why);
    vcpu_print_state(v, x);
    return DO_STOP;
}

/* ------------------------------------------------------------------ between two stays */

/* What waits to be injected. What cannot be yet comes here again at EXIT_WINDOW. */
enum verdict vcpu_on_window(struct vcpu *v)
{
    struct vcpu_soft *soft = v->soft;

    if (soft->nmi_pending && virt_inject_nmi(v))
        soft->nmi_pending = false;
    if (soft->timer_pending && virt_inject_interrupt(v, soft->timer_vector))
        soft->timer_pending = false;
    return DO_AGAIN;
}

/* A deadline has passed. */
enum verdict vcpu_on_timer(struct vcpu *v)
{
    struct vcpu_soft *soft = v->soft;
    const uint64_t now = rdtsc();

    if (soft->timer_deadline <= now) {
        soft->timer_deadline = UINT64_MAX;
        soft->timer_pending = true;
    }
    if (soft->pump_deadline <= now) {
        soft->console_busy = console_pump(now);
        soft->pump_deadline = now + (soft->console_busy ? 1 : IDLE_PUMP_FACTOR) * soft->pump_ticks;
    }
    vcpu_update_timer(v);
    return vcpu_on_window(v);
}

/* ------------------------------------------------------------------ phases */

static void vcpu_enter_state(struct vcpu *v, const struct vcpu_state *state)
{
    struct vcpu_soft *soft = v->soft;

    cpu_reset_guest_state(v->vm->xcr0_allowed);
    virt_vcpu_reset(v, state);
    vapic_reset(&soft->apic, v->apic_id);
    vmsr_reset(&soft->msr, v->index == 0);
    soft->xcr0 = XCR0_X87;
    soft->nmi_pending = false;
    soft->timer_pending = false;
    soft->timer_deadline = UINT64_MAX;
    soft->console_busy = false;
    soft->pump_deadline = soft->console_duty ? 0 : UINT64_MAX;
    soft->phase = VCPU_RUNNING;
    vcpu_update_timer(v);
}

static void vcpu_start(struct vcpu *v)
{
    struct vcpu_soft *soft = v->soft;
    struct vcpu_state state;

    for (uint32_t k = 0; k < EXIT_KIND_COUNT; k++)
        soft->exits[k] = 0;
    if (v->index != 0) {
        soft->phase = VCPU_WAIT_SIPI;
        return;
    }
    partition_load(v->vm);
    log_line("guest '%s' starts on core #%u, %llu ticks after the loader", v->vm->name, v->cpu->id,
             (unsigned long long)(rdtsc() - v->vm->tsc->start));
    reset_for_image(&state, &v->vm->plan->image);
    vcpu_enter_state(v, &state);
}

/* Hardware leaves a core with NMIs blocked after an NMI exit; only IRET ends that. The next VM
 * entry does as well, but a core that waits outside a guest has to do it by itself. */
static void vcpu_unblock_nmi(void)
{
    uint64_t scratch;
    __asm__ volatile("mov %%rsp, %0\n\t"
                     "push $0\n\t"
                     "push %0\n\t"
                     "pushfq\n\t"
                     "mov %%cs, %k0\n\t"
                     "push %0\n\t"
                     "lea 1f(%%rip), %0\n\t"
                     "push %0\n\t"
                     "iretq\n"
                     "1:"
                     : "=&r"(scratch)
                     :
                     : "memory", "cc");
}

/* Out of the guest: the core is ours again. */
static void vcpu_leave(struct vcpu *v, enum vcpu_phase phase)
{
    vcpu_unblock_nmi();
    lapic_reset();
    cpu_drain_interrupts();
    v->soft->phase = phase;
}

/* Carries out the requests of other cores. The order matters: a start ends waiting, a stop
 * everything, and of INIT and SIPI in one go the INIT was first. */
enum verdict vcpu_on_kick(struct vcpu *v)
{
    struct vcpu_soft *soft = v->soft;
    struct vcpu_state state;
    const uint32_t kicks = atomic_exchange(&v->kick, 0);

    if (panic_is_on())
        panic_stop_core();
    if ((kicks & KICK_START) && soft->phase == VCPU_PARKED)
        vcpu_start(v);
    if ((kicks & KICK_STOP) && soft->phase != VCPU_PARKED) {
        vcpu_leave(v, VCPU_PARKED);
        partition_parked(v->vm);
        return DO_LEAVE;
    }
    if ((kicks & KICK_INIT) && soft->phase == VCPU_RUNNING)
        vcpu_leave(v, VCPU_WAIT_SIPI);
    if ((kicks & KICK_SIPI) && soft->phase == VCPU_WAIT_SIPI) {
        reset_for_sipi(&state, atomic_load(&soft->sipi_vector));
        vcpu_enter_state(v, &state);
    }
    if ((kicks & KICK_NMI) && soft->phase == VCPU_RUNNING)
        soft->nmi_pending = true;
    return soft->phase == VCPU_RUNNING ? vcpu_on_window(v) : DO_LEAVE;
}

static void vcpu_wait(struct vcpu *v)
{
    if (!v->soft->console_duty) {
        cpu_wait(&v->kick);
        return;
    }
    const uint64_t now = rdtsc();
    console_pump(now);
    cpu_wait_until(&v->kick, now + v->soft->pump_ticks);
}

/* Carries out a verdict; false: out of the loop. */
static bool vcpu_apply(struct vcpu *v, const struct vcpu_exit *x, enum verdict verdict)
{
    switch (verdict) {
    case DO_NEXT:
        virt_advance(v, x);
        break;
    case DO_AGAIN:
        break;
    case DO_GP:
        virt_inject_exception(v, VECTOR_GP, true, 0);
        break;
    case DO_UD:
        virt_inject_exception(v, VECTOR_UD, false, 0);
        break;
    case DO_REFLECT:
        virt_reflect(v, x);
        break;
    case DO_LEAVE:
        return false;
    case DO_STOP: /* the stop request is among our kicks: it is obeyed instead of the next entry */
        break;
    }
    return true;
}

/* From the first entry until this core no longer runs its guest. */
static void vcpu_live(struct vcpu *v)
{
    struct vcpu_soft *soft = v->soft;
    struct vcpu_exit x;

    do {
        virt_run(v, &x);
        soft->exits[x.kind]++;
    } while (vcpu_apply(v, &x, exit_dispatch(v, &x)));
}

NORETURN void vcpu_thread(struct vcpu *v)
{
    for (;;) {
        if (v->soft->phase == VCPU_RUNNING)
            vcpu_live(v);
        else if (atomic_load(&v->kick))
            (void)vcpu_on_kick(v);
        else
            vcpu_wait(v);
    }
}
