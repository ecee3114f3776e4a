/* SPDX-License-Identifier: MIT */
#include "kernel/monitor/monitor.h"

#include <stdatomic.h>

#include "kernel/console/answer.h"
#include "kernel/console/console.h"
#include "kernel/console/prompt.h"
#include "kernel/core/confirm.h"
#include "kernel/core/cpu.h"
#include "kernel/core/nmi.h"
#include "kernel/core/power.h"
#include "kernel/monitor/commands.h"
#include "kernel/monitor/commands_export.h"
#include "kernel/monitor/commands_look.h"
#include "kernel/monitor/debugger.h"
#include "kernel/monitor/dma_watch.h"
#include "kernel/monitor/editor.h"
#include "kernel/vm/cable.h"
#include "kernel/vm/deadlines.h"
#include "kernel/vm/halt.h"
#include "kernel/vm/life.h"
#include "kernel/vm/serial.h"
#include "kernel/vm/vcpu.h"
#include "kernel/vm/watch.h"
#include "lib/bits.h"
#include "lib/fmt.h"
#include "lib/log.h"
#include "lib/string.h"
#include "lib/time.h"
#include "lib/x86/insn.h"

#define PROMPT         "bulkhead> "
#define KEYS_PER_ROUND 32 /* typed keys handled in one service */
#define IDLE_FACTOR    20 /* duty: so much slower when only input is looked for */
#define DUTY_PART      20 /* duty: this part of a period is for the console ... */
#define DUTY_REST      9  /* ... and so many times what it really took is the guest's */
/* So much oftener where a debugger may speak, whose packets come at the line's full speed. */
#define DEBUGGER_FACTOR 8
#define CANDIDATE_MAX   40
#define STATUS_MAX      256 /* more than a row of the screen */

static struct monitor {
    struct commands commands;
    struct editor editor;
    struct nmi_watch nmis;
    struct debugger debugger;
    uint64_t refused_at; /* TSC; when the IOMMUs had last refused something */
    bool end_told;       /* to an operator, since the last guest's end */
} monitor;

static void monitor_show_prompt(void)
{
    const struct editor *e = &monitor.editor;
    char text[PROMPT_MAX];
    const size_t len = fmt_print(text, sizeof(text), "%s%s", PROMPT, e->line);

    console_set_prompt(text, (uint32_t)len, (uint32_t)(sizeof(PROMPT) - 1) + e->cursor);
}

static void monitor_show_status(void)
{
    char text[STATUS_MAX];

    commands_status(&monitor.commands, text, sizeof(text));
    console_set_status(text);
}

void monitor_init(const struct monitor_view *view)
{
    commands_init(&monitor.commands, view);
    for (uint32_t i = 0; i < view->vm_count; i++)
        if (view->vms[i]->debug)
            debugger_begin(&monitor.debugger, view->vms[i]);
    monitor_show_prompt();
    log_line("%s opens and closes the monitor; `help` there lists the commands", CONSOLE_KEY_NAME);
    monitor_show_status();
}

/* ------------------------------------------------------------------ completion */

/* Completes the word before the cursor as far as all candidates agree, and lists them when that
 * gets nowhere. The first word is a command, others are guests. */
static void monitor_complete(void)
{
    struct editor *e = &monitor.editor;
    char word[EDITOR_LINE_MAX], common[CANDIDATE_MAX] = "", list[LOG_LINE_MAX] = "";
    uint32_t start = e->cursor, found = 0;
    const char *name;

    while (start > 0 && e->line[start - 1] != ' ')
        start--;
    const uint32_t len = e->cursor - start;
    memcpy(word, e->line + start, len);
    size_t list_len = 0;
    for (uint32_t i = 0; (name = commands_candidate(&monitor.commands, start == 0, i)); i++) {
        if (memcmp(name, word, len < strlen(name) ? len : strlen(name)) != 0 || strlen(name) < len)
            continue;
        if (found++ == 0)
            (void)text_copy(common, sizeof(common), name);
        for (uint32_t c = 0; common[c]; c++) {
            if (common[c] != name[c])
                common[c] = '\0';
        }
        list_len += fmt_print(list + list_len, sizeof(list) - list_len, "  %s", name);
    }
    if (found > 0)
        editor_insert(e, common + len);
    if (found == 1)
        editor_insert(e, " ");
    else if (found > 1 && strlen(common) == len)
        answer_line("%s", list);
}

/* ------------------------------------------------------------------ service */

/* Up to the first command; true: there was one. Also what was typed before the keyboard was given
 * away: it was typed for us. */
static bool monitor_keys(void)
{
    char line[EDITOR_LINE_MAX];
    uint8_t byte;
    bool changed = false;

    for (uint32_t i = 0; i < KEYS_PER_ROUND && console_read(&byte); i++) {
        switch (editor_key(&monitor.editor, byte)) {
        case EDITOR_NOTHING:
            break;
        case EDITOR_TAB:
            monitor_complete();
            changed = true;
            break;
        case EDITOR_CHANGED:
            changed = true;
            break;
        case EDITOR_ATTACH:
            commands_attach(&monitor.commands);
            return true;
        case EDITOR_ENTER:
            editor_take(&monitor.editor, line);
            monitor_show_prompt(); /* a command may be the last thing this machine does */
            answer_line("> %s", line);
            commands_run(&monitor.commands, line);
            return true;
        }
    }
    if (changed)
        monitor_show_prompt();
    return false;
}

/* When all guests have ended nobody but an operator can do anything any more: without one the
 * machine is switched off. `waiting`: the guests' last words and ours about them are not out yet;
 * they come first. */
static void monitor_check_end(bool waiting)
{
    if (atomic_load(&life_count) != 0) {
        monitor.end_told = false;
        return;
    }
    if (!console_is_monitor()) {
        monitor_show_status();
        console_flush();
        log_line("every guest has ended: switching the machine off");
        power_off();
    }
    if (waiting || monitor.end_told)
        return;
    monitor.end_told = true;
    log_line("every guest has ended; the monitor is open: `start GUEST` or `poweroff`");
}

/* Once a second. */
static void monitor_look_at(struct vm *vm)
{
    halt_watch(vm);
    life_watch_confirm(vm);
}

/* Where one comes others often follow, and a unit may hold no more than one. */
static bool monitor_look_for_faults(uint64_t now)
{
    const bool found = dma_watch_look(&monitor.commands.view, now);

    if (found)
        monitor.refused_at = now;
    return found;
}

/* Pumps the console, for about `ticks` of the TSC, or carries out what was typed; true: more waits.
 * One thing at a time: each is short, and where a guest waits for its core, their sum counts. */
static bool monitor_service(uint64_t now, uint64_t ticks)
{
    debugger_tick(&monitor.debugger);
    if (commands_tick(&monitor.commands, now)) {
        monitor_show_status();
        (void)monitor_look_for_faults(now);
        nmi_look(&monitor.nmis, cpus[0], monitor.commands.view.tsc->hz, now);
        for (uint32_t i = 0; i < monitor.commands.view.vm_count; i++)
            monitor_look_at(monitor.commands.view.vms[i]);
        return true;
    }
    const bool is_refused = ticks_since(now, monitor.refused_at) < monitor.commands.view.tsc->hz &&
                            monitor_look_for_faults(now);
    commands_watch(&monitor.commands);
    const bool waiting =
        monitor_keys() || commands_export_step(&monitor.commands, now) || console_pump(now, ticks);
    for (uint32_t i = 0; i < monitor.commands.view.vm_count; i++) {
        serial_tick(monitor.commands.view.vms[i]);
        cable_tick(monitor.commands.view.vms[i]);
    }
    confirm_look(cpus[0]->vcpu == NULL || atomic_load(&life_count) == 0);
    monitor_check_end(waiting);
    return waiting || is_refused;
}

/* On a core whose guest runs: takes a tenth of the core's time at most. */
static void monitor_interrupt(struct vcpu *v)
{
    const uint64_t period = v->soft->pump_ticks, start = rdtsc();
    const bool is_busy = monitor_service(start, period / DUTY_PART);
    const uint64_t end = rdtsc();
    const uint64_t pause =
        max_u64(is_busy ? period : IDLE_FACTOR * period, DUTY_REST * ticks_since(end, start));

    deadlines_set_console(v, end + pause, is_busy);
}

NORETURN void monitor_run(struct cpu *core)
{
    const uint64_t period = monitor.commands.view.tsc->hz / PUMPS_PER_SECOND;
    struct vcpu *v = core->vcpu;

    for (;;) {
        if (v)
            vcpu_loop(v);
        if (v && v->soft->phase == VCPU_RUNNING) {
            monitor_interrupt(v);
            continue;
        }
        const uint64_t now = rdtsc();
        const bool is_busy = monitor_service(now, period / 2);
        if (v) {
            deadlines_set_console(v, now + period, is_busy);
            continue;
        }
        const uint64_t pause = monitor.debugger.vm ? period / DEBUGGER_FACTOR : period;
        atomic_store(&core->wake, 0); /* before the look: a deadline set behind it wakes again */
        cpu_wait_until(&core->wake, watch_look(rdtsc(), now + pause));
    }
}
