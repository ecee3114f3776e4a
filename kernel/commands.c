/* SPDX-License-Identifier: MIT */
#include "kernel/commands.h"

#include "kernel/console.h"
#include "kernel/isolation.h"
#include "kernel/power.h"
#include "kernel/report_exits.h"
#include "kernel/vcpu.h"
#include "lib/fmt.h"
#include "lib/log.h"
#include "lib/string.h"
#include "lib/x86/insn.h"

typedef unsigned long long ull;

#define WORDS_MAX    3
#define WORD_MAX     24
#define SHOW_WAIT_US 5000 /* for another core to give its registers */

/* A line cut into words. */
struct words {
    uint32_t count;
    char text[WORDS_MAX][WORD_MAX];
};

struct command {
    const char *name;
    const char *arguments; /* "GUEST", "[GUEST]" or "" */
    const char *help;
    void (*run)(struct commands *c, struct vm *vm);
};

/* ------------------------------------------------------------------ words and guests */

/* False: too many or too long. */
static bool words_split(struct words *w, const char *line)
{
    w->count = 0;
    while (*line) {
        uint32_t len = 0;
        while (*line == ' ')
            line++;
        if (!*line)
            break;
        if (w->count == WORDS_MAX)
            return false;
        while (*line && *line != ' ') {
            if (len + 1 == WORD_MAX)
                return false;
            w->text[w->count][len++] = *line++;
        }
        w->text[w->count++][len] = '\0';
    }
    return true;
}

static struct vm *commands_guest(const struct commands *c, const char *name)
{
    for (uint32_t i = 0; i < c->view.vm_count; i++) {
        if (text_equal(c->view.vms[i]->name, name))
            return c->view.vms[i];
    }
    return NULL;
}

static const char *vm_phase_name(const struct vm *vm)
{
    switch ((enum vm_phase)atomic_load(&vm->phase)) {
    case VM_STOPPED:
        return "stopped";
    case VM_RUNNING:
        return "running";
    case VM_STOPPING:
        return "stopping";
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
        fmt_print(buf, size, "restart");
        break;
    case VM_END_CRASH:
        fmt_print(buf, size, "crash");
        break;
    case VM_END_STOP:
        fmt_print(buf, size, "stopped by the operator");
        break;
    }
}

static uint64_t vm_exits(const struct vm *vm)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < vm->vcpu_count; i++) {
        for (uint32_t k = 0; k < EXIT_KIND_COUNT; k++)
            sum += vm->vcpus[i].soft->stats.exits[k];
    }
    return sum;
}

/* ------------------------------------------------------------------ looking */

static void on_list(struct commands *c, struct vm *vm)
{
    char memory[24], end[40];

    (void)vm;
    log_line("guest           state     cores  memory      uptime       exits/s  lives  last end");
    for (uint32_t i = 0; i < c->view.vm_count; i++) {
        const struct vm *g = c->view.vms[i];
        const bool on = atomic_load(&g->phase) == VM_RUNNING;
        const uint64_t ms = on ? time_to_ns(&g->tsc->scale, rdtsc() - g->started) / NS_PER_MS : 0;

        fmt_size(memory, sizeof(memory), g->plan->config->memory);
        vm_last_end(g, end, sizeof(end));
        log_line("%-15s %-9s %-6u %-11s %6llu.%03llu s %9llu  %-5u  %s", g->name, vm_phase_name(g),
                 g->vcpu_count, memory, (ull)(ms / 1000), (ull)(ms % 1000),
                 (ull)c->samples[i].per_second, g->restarts + 1, end);
    }
}

static void on_regs(struct commands *c, struct vm *vm)
{
    char line[LOG_LINE_MAX];
    struct vcpu_state own;

    for (uint32_t i = 0; i < vm->vcpu_count; i++) {
        struct vcpu *v = &vm->vcpus[i];
        const struct vcpu_state *state = &v->soft->shown;
        const uint32_t before = atomic_load(&v->soft->shown_count);

        if (v->soft->phase != VCPU_RUNNING) {
            log_line("%s vCPU %u: not running", vm->name, i);
            continue;
        }
        if (v->cpu == this_cpu()) { /* we are in one of its exits */
            virt_get_state(v, &own);
            state = &own;
        } else {
            vcpu_request(v, KICK_SHOW);
            for (uint32_t us = 0; us < SHOW_WAIT_US; us += 10) {
                if (atomic_load(&v->soft->shown_count) != before)
                    break;
                tsc_delay_us(&c->view.boot->tsc, 10);
            }
        }
        log_line("%s vCPU %u on core #%u:", vm->name, i, v->cpu->id);
        for (uint32_t l = 0; diagnosis_state_line(state, l, line, sizeof(line)); l++)
            log_line("%s", line);
    }
}

static void print_calls(const struct vm *vm, uint32_t i)
{
    static const char *const names[BULKHEAD_CALL_COUNT + 1] = {
        "version",   "console-write", "console-read", "time",   "timer-set",
        "power-off", "restart",       "watchdog",     "unknown"};
    const struct vcpu_stats *s = &vm->vcpus[i].soft->stats;
    char line[LOG_LINE_MAX] = "";
    size_t len = 0;

    for (uint32_t k = 0; k <= BULKHEAD_CALL_COUNT; k++) {
        if (s->calls[k])
            len +=
                fmt_print(line + len, sizeof(line) - len, " %s %llu", names[k], (ull)s->calls[k]);
    }
    log_line("  vCPU %u: %llu events injected; hypercalls:%s", i, (ull)s->injected,
             len ? line : " none");
    if (s->msrs.total == 0)
        return;
    len = 0;
    for (uint32_t r = 0; r < REFUSED_ROWS && s->msrs.rows[r].count; r++)
        len += fmt_print(line + len, sizeof(line) - len, " %x (%u)", s->msrs.rows[r].index,
                         s->msrs.rows[r].count);
    log_line("  vCPU %u: %llu MSR accesses refused:%s", i, (ull)s->msrs.total, line);
}

static void on_stats(struct commands *c, struct vm *vm)
{
    char line[LOG_LINE_MAX];

    (void)c;
    report_exits(vm, line, sizeof(line));
    log_line("%s: %s", vm->name, line);
    for (uint32_t i = 0; i < vm->vcpu_count; i++)
        print_calls(vm, i);
    log_line("  ports: %llu accesses to closed ports, the last to %x",
             (ull)atomic_load(&vm->bus.refused), atomic_load(&vm->bus.last_refused));
    log_line("  console: %llu lines, %llu bytes", (ull)vm->console.lines, (ull)vm->console.bytes);
}

static void on_trace(struct commands *c, struct vm *vm)
{
    char line[LOG_LINE_MAX];

    for (uint32_t i = 0; i < vm->vcpu_count; i++) {
        const struct vcpu_stats *s = &vm->vcpus[i].soft->stats;
        const uint32_t end = s->trace_next;
        const uint32_t rows = end < TRACE_ROWS ? end : TRACE_ROWS;

        log_line("%s vCPU %u, the last %u of %u exits:", vm->name, i, rows, end);
        for (uint32_t r = end - rows; r != end; r++) {
            const struct trace_row row = s->trace[r % TRACE_ROWS];
            diagnosis_trace_line(&row,
                                 time_to_ns(&c->view.boot->tsc.scale, rdtsc() - row.time) / 1000,
                                 line, sizeof(line));
            log_line("%s", line);
        }
    }
}

static void on_plan(struct commands *c, struct vm *vm)
{
    char line[LOG_LINE_MAX];

    (void)vm;
    for (uint32_t i = 0; plan_print(c->view.plan, i, line, sizeof(line)); i++)
        log_line("%s", line);
}

static void on_isolation(struct commands *c, struct vm *vm)
{
    char line[LOG_LINE_MAX];

    (void)vm;
    for (uint32_t i = 0; isolation_line(c->view.boot, c->view.plan, i, line, sizeof(line)); i++)
        log_line("%s", line);
}

static void on_cpu(struct commands *c, struct vm *vm)
{
    (void)vm;
    for (uint32_t i = 0; i < c->view.boot->machine.core_count; i++) {
        const struct cpu *cpu = &cpus[i];
        log_line("core #%u APIC id %u: %s%s, %llu NMIs and %llu unexpected interrupts taken by us",
                 i, cpu->apic_id,
                 cpu->vcpu ? "guest "
                 : i == 0  ? "the monitor"
                           : "unused",
                 cpu->vcpu ? cpu->vcpu->vm->name : "", (ull)atomic_load(&cpu->nmis),
                 (ull)atomic_load(&cpu->spurious));
    }
}

static void on_memory(struct commands *c, struct vm *vm)
{
    const struct boot_state *boot = c->view.boot;
    char size[24];

    (void)vm;
    log_line("page pool: %llu of %llu pages used, sealed",
             (ull)(boot->pages.pool.size / PAGE_SIZE - pages_left(&boot->pages)),
             (ull)(boot->pages.pool.size / PAGE_SIZE));
    for (uint32_t i = 0; i < boot->machine.range_count; i++) {
        const struct range r = boot->machine.ranges[i];
        fmt_size(size, sizeof(size), r.size);
        log_line("for guests: 0x%llx-0x%llx %s", (ull)r.base, (ull)(r.base + r.size - 1), size);
    }
}

/* ------------------------------------------------------------------ acting */

static void on_stop(struct commands *c, struct vm *vm)
{
    (void)c;
    if (!partition_end(vm, (struct vm_end){.kind = VM_END_STOP, .by_operator = true}))
        log_line("guest '%s' is not running", vm->name);
}

static void on_start(struct commands *c, struct vm *vm)
{
    (void)c;
    if (!partition_start(vm))
        log_line("guest '%s' is not stopped", vm->name);
}

static void on_restart(struct commands *c, struct vm *vm)
{
    (void)c;
    if (!partition_end(vm, (struct vm_end){.kind = VM_END_RESTART, .by_operator = true}) &&
        !partition_start(vm))
        log_line("guest '%s' is on its way between two states: try again", vm->name);
}

static void on_kill(struct commands *c, struct vm *vm)
{
    (void)c;
    if (!partition_end(vm, (struct vm_end){.kind = VM_END_CRASH, .by_operator = true}))
        log_line("guest '%s' is not running", vm->name);
}

static void on_focus(struct commands *c, struct vm *vm)
{
    (void)c;
    log_line("what you type goes to guest '%s'; %s brings you back", vm->name, CONSOLE_KEY_NAME);
    console_focus(&vm->console);
}

static void on_reboot(struct commands *c, struct vm *vm)
{
    (void)c, (void)vm;
    log_line("starting the machine again");
    power_reset();
}

static void on_poweroff(struct commands *c, struct vm *vm)
{
    (void)c, (void)vm;
    log_line("switching the machine off");
    power_off();
}

/* ------------------------------------------------------------------ the table */

static void on_help(struct commands *c, struct vm *vm);

static const struct command commands_table[] = {
    {"help", "", "this list", on_help},
    {"list", "", "the guests and how they are", on_list},
    {"stop", "GUEST", "end it now; its memory is erased", on_stop},
    {"start", "GUEST", "begin it afresh", on_start},
    {"restart", "GUEST", "stop and start", on_restart},
    {"kill", "GUEST", "as if it had crashed: on_crash says what comes next", on_kill},
    {"focus", "GUEST", "give it the keyboard", on_focus},
    {"regs", "GUEST", "registers of its cores", on_regs},
    {"stats", "GUEST", "exits, hypercalls, refusals", on_stats},
    {"trace", "GUEST", "its last exits", on_trace},
    {"plan", "", "the plan made from the file", on_plan},
    {"isolation", "", "who owns what, and what is not isolated", on_isolation},
    {"cpu", "", "the cores", on_cpu},
    {"memory", "", "the hypervisor's memory and what was left for guests", on_memory},
    {"reboot", "", "start the machine again", on_reboot},
    {"poweroff", "", "switch the machine off", on_poweroff},
};

static void on_help(struct commands *c, struct vm *vm)
{
    (void)c, (void)vm;
    for (uint32_t i = 0; i < ARRAY_SIZE(commands_table); i++)
        log_line("  %-9s %-6s %s", commands_table[i].name, commands_table[i].arguments,
                 commands_table[i].help);
    log_line("  %s gives the keyboard to the guest that had it, and takes it back",
             CONSOLE_KEY_NAME);
}

void commands_run(struct commands *c, const char *line)
{
    struct words w;

    if (!words_split(&w, line)) {
        log_line("too many or too long words: `help` lists the commands");
        return;
    }
    if (w.count == 0)
        return;
    for (uint32_t i = 0; i < ARRAY_SIZE(commands_table); i++) {
        const struct command *command = &commands_table[i];
        const uint32_t wanted = command->arguments[0] ? 2 : 1;
        if (!text_equal(command->name, w.text[0]))
            continue;
        struct vm *vm = w.count == 2 ? commands_guest(c, w.text[1]) : NULL;
        if (w.count != wanted)
            log_line("usage: %s %s", command->name, command->arguments);
        else if (wanted == 2 && !vm)
            log_line("there is no guest '%s': `list` shows them", w.text[1]);
        else
            command->run(c, vm);
        return;
    }
    log_line("there is no command '%s': `help` lists them", w.text[0]);
}

const char *commands_candidate(const struct commands *c, bool command, uint32_t index)
{
    if (command)
        return index < ARRAY_SIZE(commands_table) ? commands_table[index].name : NULL;
    return index < c->view.vm_count ? c->view.vms[index]->name : NULL;
}

/* ------------------------------------------------------------------ sampling */

void commands_init(struct commands *c, const struct monitor_view *view)
{
    *c = (struct commands){.view = *view, .sampled = rdtsc()};
}

void commands_tick(struct commands *c, uint64_t now)
{
    if (now - c->sampled < c->view.boot->tsc.hz)
        return;
    c->sampled = now;
    for (uint32_t i = 0; i < c->view.vm_count; i++) {
        struct commands_sample *s = &c->samples[i];
        const uint64_t exits = vm_exits(c->view.vms[i]);
        s->per_second = exits >= s->exits ? exits - s->exits : exits; /* a new life counts anew */
        s->exits = exits;
    }
}
