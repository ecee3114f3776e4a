/* SPDX-License-Identifier: MIT */
#include "kernel/monitor/commands_look.h"

#include "kernel/console/answer.h"
#include "kernel/console/console.h"
#include "kernel/console/kept.h"
#include "kernel/core/cores.h"
#include "kernel/plan/isolation.h"
#include "kernel/vm/diagnosis.h"
#include "kernel/vm/exit_counts.h"
#include "kernel/vm/halt.h"
#include "kernel/vm/kick.h"
#include "lib/bits.h"
#include "lib/fmt.h"
#include "lib/log.h"
#include "lib/x86/insn.h"

typedef unsigned long long ull;

/* For another core to give its registers: an emulator's host may be busy. The second, where a guest
 * waits meanwhile, in one of its exits. */
#define SHOW_WAIT_US       1000000
#define SHOW_WAIT_SHORT_US 5000

#define QUOTE "  | " /* before a line that was said earlier */

const char *commands_phase_name(const struct vm *vm)
{
    switch ((enum vm_phase)atomic_load(&vm->phase)) {
    case VM_STOPPED:
        return "stopped";
    case VM_RUNNING:
        return "running";
    case VM_STOPPING:
        return "stopping";
    case VM_BACKOFF:
        return "backoff";
    }
    return "?";
}

static void vm_last_end(const struct vm *vm, char *buf, size_t size)
{
    switch (vm->end.kind) {
    case VM_END_NONE:
        fmt_print(buf, size, "-");
        break;
    case VM_END_POWER_OFF:
        fmt_print(buf, size, "power-off, code %u", vm->end.code);
        break;
    case VM_END_RESTART:
        fmt_print(buf, size, vm->end.by_operator ? "restarted by the operator" : "restart");
        break;
    case VM_END_CRASH:
        fmt_print(buf, size, vm->end.by_operator ? "killed" : "crash");
        break;
    case VM_END_HALT:
        fmt_print(buf, size, "halted for good");
        break;
    case VM_END_STOP:
        fmt_print(buf, size, "stopped by the operator");
        break;
    }
}

void commands_status(const struct commands *c, char *buf, size_t size)
{
    size_t len = fmt_print(buf, size, " keyboard: %s (%s)", console_focus_name(), CONSOLE_KEY_NAME);

    for (uint32_t i = 0; i < c->view.vm_count; i++) {
        const struct vm *vm = c->view.vms[i];
        len += fmt_print(buf + len, size - len, " | %s %s", vm->name, commands_phase_name(vm));
    }
}

uint64_t commands_exits(const struct vm *vm)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < vm->vcpu_count; i++)
        sum += trace_count(&vm->vcpus[i].soft->stats.trace);
    return sum;
}

void commands_on_list(struct commands *c, struct vm *vm)
{
    char memory[24], end[40];

    (void)vm;
    answer_line(
        "guest           state     cores  memory      uptime       exits/s  lives  last end");
    for (uint32_t i = 0; i < c->view.vm_count; i++) {
        struct vm *g = c->view.vms[i];
        const bool on = atomic_load(&g->phase) == VM_RUNNING;
        const uint64_t lived = on ? ticks_since(rdtsc(), g->started) : g->lived;
        const uint64_t ms = time_to_ns(&g->tsc->scale, lived) / NS_PER_MS;

        fmt_size(memory, sizeof(memory), g->plan->config->memory);
        vm_last_end(g, end, sizeof(end));
        answer_line("%-15s %-9s %-6u %-11s %6llu.%03llu s %9llu  %-5u  %s", g->name,
                    commands_phase_name(g), g->vcpu_count, memory, (ull)(ms / 1000),
                    (ull)(ms % 1000), (ull)c->samples[i].per_second, g->restarts + 1, end);
        if (on)
            halt_ask(g); /* of one that only seems to run, the next line says so */
    }
}

bool commands_ask(const struct commands *c, struct vcpu *v, enum kick kick)
{
    const uint32_t before = atomic_load(&v->soft->shown_count);
    const uint32_t limit = this_cpu()->vcpu ? SHOW_WAIT_SHORT_US : SHOW_WAIT_US;

    kick_send(v, kick);
    for (uint32_t us = 0; us < limit; us += 10) {
        if (atomic_load(&v->soft->shown_count) != before)
            return true;
        tsc_delay_us(c->view.tsc, 10);
    }
    return false;
}

/* The registers of a vCPU that runs; false: its core does not answer. */
static bool ask_registers(const struct commands *c, struct vcpu *v, struct vcpu_state *state)
{
    if (v->cpu == this_cpu()) { /* we are in one of its exits */
        virt_get_state(v, state);
        return true;
    }
    if (!commands_ask(c, v, KICK_SHOW))
        return false;
    *state = v->soft->shown;
    return true;
}

static void print_registers(const struct commands *c, struct vcpu *v)
{
    const struct vcpu_soft *soft = v->soft;
    const bool ended = soft->phase == VCPU_PARKED && v->vm->end.kind != VM_END_NONE;
    struct vcpu_state state = soft->shown;
    char line[LOG_LINE_MAX];

    if (soft->phase == VCPU_RUNNING && !ask_registers(c, v, &state)) {
        answer_line("%s vCPU %u on core #%u does not answer", v->vm->name, v->index, v->cpu->id);
        return;
    }
    if (soft->phase == VCPU_WAIT_SIPI || (ended && soft->ended_in == VCPU_WAIT_SIPI)) {
        answer_line("%s vCPU %u on core #%u: waits for a SIPI%s", v->vm->name, v->index, v->cpu->id,
                    ended ? ", when its life ended" : "");
        return;
    }
    if (soft->phase == VCPU_PARKED && !ended) {
        answer_line("%s vCPU %u: not running", v->vm->name, v->index);
        return;
    }
    answer_line("%s vCPU %u on core #%u%s:", v->vm->name, v->index, v->cpu->id,
                ended ? ", when its life ended" : "");
    for (uint32_t l = 0; diagnosis_state_line(&state, l, line, sizeof(line)); l++)
        answer_line("%s", line);
}

void commands_on_regs(struct commands *c, struct vm *vm)
{
    for (uint32_t i = 0; i < vm->vcpu_count; i++)
        print_registers(c, &vm->vcpus[i]);
}

void commands_on_crash(struct commands *c, struct vm *vm)
{
    struct postmortem_reader reader = {0};
    struct postmortem *p = &vm->postmortem;
    char line[LOG_LINE_MAX + 1];

    if (p->crashes == 0) {
        answer_line("guest '%s' has not crashed since the machine started", vm->name);
        return;
    }
    const uint64_t ago = ticks_since(rdtsc(), p->when);
    answer_line("%s, %llu ms ago, in life %u of %u:", vm->name,
                (ull)(time_to_ns(&c->view.tsc->scale, ago) / NS_PER_MS), p->life, vm->restarts + 1);
    while (postmortem_next(p, &reader, line, sizeof(line)))
        answer_line(QUOTE "%s", line);
    if (p->full)
        answer_line("  the rest was not kept");
}

static void print_refused(uint32_t vcpu, const char *one, const char *more, const struct refused *r)
{
    char line[LOG_LINE_MAX] = "";
    size_t len = 0;

    if (r->total == 0)
        return;
    for (uint32_t i = 0; i < REFUSED_ROWS && r->rows[i].count; i++)
        len += fmt_print(line + len, sizeof(line) - len, " %x (%u)", r->rows[i].index,
                         r->rows[i].count);
    answer_line("  vCPU %u: %llu %s refused:%s", vcpu, (ull)r->total, r->total == 1 ? one : more,
                line);
}

static const char *call_name(enum bulkhead_call call)
{
    switch (call) {
    case BULKHEAD_CALL_VERSION:
        return "version";
    case BULKHEAD_CALL_CONSOLE_WRITE:
        return "console-write";
    case BULKHEAD_CALL_CONSOLE_READ:
        return "console-read";
    case BULKHEAD_CALL_TIME:
        return "time";
    case BULKHEAD_CALL_TIMER_SET:
        return "timer-set";
    case BULKHEAD_CALL_POWER_OFF:
        return "power-off";
    case BULKHEAD_CALL_RESTART:
        return "restart";
    case BULKHEAD_CALL_WATCHDOG:
        return "watchdog";
    case BULKHEAD_CALL_CRASH:
        return "crash";
    case BULKHEAD_CALL_LINK_INFO:
        return "link-info";
    case BULKHEAD_CALL_LINK_RING:
        return "link-ring";
    case BULKHEAD_CALL_LINK_VECTOR:
        return "link-vector";
    case BULKHEAD_CALL_END: /* where numbers that no call has are counted */
        return "unknown";
    }
    return "?";
}

static void print_calls(const struct vm *vm, uint32_t i)
{
    const struct vcpu_stats *s = &vm->vcpus[i].soft->stats;
    char line[LOG_LINE_MAX] = "";
    size_t len = 0;

    for (uint32_t k = 0; k <= BULKHEAD_CALL_COUNT; k++) {
        const char *name = call_name((enum bulkhead_call)(BULKHEAD_CALL_BASE + k));
        if (s->calls[k])
            len += fmt_print(line + len, sizeof(line) - len, " %s %llu", name, (ull)s->calls[k]);
    }
    answer_line("  vCPU %u: %llu event%s injected; hypercalls:%s", i, (ull)s->injected,
                fmt_plural(s->injected), len ? line : " none");
    print_refused(i, "MSR access", "MSR accesses", &s->msrs);
    print_refused(i, "access to a closed port", "accesses to closed ports", &s->ports);
}

void commands_on_stats(struct commands *c, struct vm *vm)
{
    char line[LOG_LINE_MAX];

    exit_counts_report(vm, line, sizeof(line));
    answer_line("%s: %s", vm->name, line);
    for (uint32_t i = 0; i < vm->vcpu_count; i++)
        print_calls(vm, i);
    if (vm->device_count > 0)
        answer_line("  devices: the IOMMU refused %llu request%s of theirs",
                    (ull)vm->faults.counted, fmt_plural(vm->faults.counted));
    const struct console_stream *s = &vm->console;
    const uint32_t refused = atomic_load(&s->tx.refused);
    answer_line("  console: %llu line%s, %llu byte%s; %u write%s refused because the buffer was "
                "full",
                (ull)s->lines, fmt_plural(s->lines), (ull)s->bytes, fmt_plural(s->bytes), refused,
                fmt_plural(refused));
    answer_line("  its memory was cleared and its image copied in %llu us",
                (ull)(time_to_ns(&c->view.tsc->scale, vm->load_ticks) / NS_PER_US));
}

void commands_on_trace(struct commands *c, struct vm *vm)
{
    struct trace_row rows[TRACE_ROWS];
    char line[LOG_LINE_MAX];

    for (uint32_t i = 0; i < vm->vcpu_count; i++) {
        const struct trace *trace = &vm->vcpus[i].soft->stats.trace;
        const uint64_t exits = trace_count(trace);
        const uint32_t count = trace_copy(trace, rows);
        const uint64_t now = rdtsc(); /* once: it takes time to show a row */

        answer_line("%s vCPU %u, the last %u of %llu exit%s:", vm->name, i, count, (ull)exits,
                    fmt_plural(exits));
        for (uint32_t r = 0; r < count; r++) {
            const uint64_t ago = ticks_since(now, rows[r].time);
            diagnosis_trace_line(&rows[r], virt_exit_name(rows[r].hw_code),
                                 time_to_ns(&c->view.tsc->scale, ago) / NS_PER_US, line,
                                 sizeof(line));
            answer_line("%s", line);
        }
    }
}

void commands_on_plan(struct commands *c, struct vm *vm)
{
    (void)vm;
    plan_print(c->view.plan, c->view.machine, answer_line);
}

/* linker.ld */
extern const uint8_t image_start[], image_end[];

void commands_on_isolation(struct commands *c, struct vm *vm)
{
    const uint64_t image = (uintptr_t)image_start;
    const struct isolation of = {
        .plan = c->view.plan,
        .machine = c->view.machine,
        .msrs = c->view.vendor->msrs,
        .bus_locks = c->view.bus_locks,
        .safe_leaves = c->view.safe_leaves,
        .image = {.base = image, .size = (uintptr_t)image_end - image},
        .pool = c->view.pages->pool,
        .dma = !iommu_blocks_dma(c->view.iommu)  ? ISOLATION_DMA_OPEN
               : iommu_blocks_all(c->view.iommu) ? ISOLATION_DMA_BLOCKED
                                                 : ISOLATION_DMA_INTERRUPTS_OPEN,
        .dma_refused = c->view.faults->counted,
        .dma_why = iommu_why_open(c->view.iommu),
    };

    (void)vm;
    isolation_print(&of, answer_line);
}

/* What goes into the log's ring in one go. */
#define LOG_LINES 50

static void print_log(bool previous)
{
    struct lastlog_lines lines = kept_tail(previous, LOG_LINES);
    char line[LOG_LINE_MAX];

    while (kept_next(&lines, line, sizeof(line)))
        answer_line(QUOTE "%s", line);
}

void commands_on_log(struct commands *c, struct vm *vm)
{
    (void)c, (void)vm;
    print_log(false);
}

void commands_on_log_last(struct commands *c, struct vm *vm)
{
    (void)c, (void)vm;
    if (kept_tail(true, 1).half == NULL)
        answer_line("no log of a previous boot is available");
    print_log(true);
}

/* "; 3 SMIs": since the hypervisor started. Only the core itself can read its count; one that
 * nobody uses is not woken for it. */
static void print_smis(const struct commands *c, struct cpu *cpu, char *buf, size_t size)
{
    bool is_known = cpu->smis.is_there;

    buf[0] = '\0';
    if (is_known && cpu == this_cpu())
        smi_look(&cpu->smis);
    else if (is_known)
        is_known = cpu->vcpu && commands_ask(c, cpu->vcpu, KICK_SHOW);
    if (is_known) {
        const uint32_t seen = atomic_load(&cpu->smis.seen);
        fmt_print(buf, size, "; %u SMI%s", seen, fmt_plural(seen));
    }
}

void commands_on_cpu(struct commands *c, struct vm *vm)
{
    char smis[24];

    (void)vm;
    for (uint32_t i = 0; i < c->view.machine->core_count; i++) {
        struct cpu *cpu = cpus[i];
        print_smis(c, cpu, smis, sizeof(smis));
        const uint64_t nmis = atomic_load(&cpu->nmis), strays = atomic_load(&cpu->spurious);
        answer_line("core #%u APIC id %u: %s%s; the hypervisor took %llu NMI%s and %llu unexpected "
                    "interrupt%s%s",
                    i, cpu->apic_id,
                    cpu->vcpu ? "guest "
                    : i == 0  ? "the monitor"
                              : "unused",
                    cpu->vcpu ? cpu->vcpu->vm->name : "", (ull)nmis, fmt_plural(nmis), (ull)strays,
                    fmt_plural(strays), smis);
    }
}
