/* SPDX-License-Identifier: MIT */
#include "kernel/monitor/commands.h"

#include "kernel/config/guess.h"
#include "kernel/config/next.h"
#include "kernel/console/answer.h"
#include "kernel/console/console.h"
#include "kernel/core/confirm.h"
#include "kernel/core/power.h"
#include "kernel/monitor/commands_export.h"
#include "kernel/monitor/commands_look.h"
#include "kernel/vm/life.h"
#include "kernel/vm/serial.h"
#include "lib/fmt.h"
#include "lib/log.h"
#include "lib/string.h"
#include "lib/x86/insn.h"

#define WORDS_MAX (2 + COMMANDS_MORE)
#define WORD_MAX  24

#define GUEST      "GUEST"               /* the name of one, as an argument */
#define GUEST_MORE "GUEST [CORE] [PART]" /* and what the command looks at, in c->more */
#define EXPORT     "export GUEST"        /* the name behind a word */

/* A line cut into words. */
struct words {
    uint32_t count;
    char text[WORDS_MAX][WORD_MAX];
};

struct command {
    const char *name;
    const char *arguments; /* GUEST, EXPORT, a word as it is, or "" */
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

/* The nearest of the commands or guests to what was typed; NULL: nothing is near. */
static const char *commands_guess(const struct commands *c, bool command, const char *typed)
{
    const struct span word = span_of(typed);
    const char *best = NULL, *name;

    for (uint32_t i = 0; (name = commands_candidate(c, command, i)); i++) {
        if (guess_is_near(word, name) &&
            (!best || guess_distance(word, name) < guess_distance(word, best)))
            best = name;
    }
    return best;
}

static struct vm *commands_guest(const struct commands *c, const char *name)
{
    for (uint32_t i = 0; i < c->view.vm_count; i++) {
        if (text_equal(c->view.vms[i]->name, name))
            return c->view.vms[i];
    }
    return NULL;
}

/* ------------------------------------------------------------------ acting */

static void on_stop(struct commands *c, struct vm *vm)
{
    (void)c;
    if (!life_stop(vm))
        answer_line("guest '%s' is not running", vm->name);
}

static void on_start(struct commands *c, struct vm *vm)
{
    (void)c;
    if (life_start(vm))
        return;
    if (atomic_load(&vm->phase) == VM_RUNNING)
        answer_line("guest '%s' is already running", vm->name);
    else
        answer_line("guest '%s' is starting or stopping; try again", vm->name);
}

static void on_restart(struct commands *c, struct vm *vm)
{
    (void)c;
    if (!life_end(vm, (struct vm_end){.kind = VM_END_RESTART, .by_operator = true}) &&
        !life_start(vm))
        answer_line("guest '%s' is starting or stopping; try again", vm->name);
}

static void on_kill(struct commands *c, struct vm *vm)
{
    (void)c;
    if (!life_end(vm, (struct vm_end){.kind = VM_END_CRASH, .by_operator = true}))
        answer_line("guest '%s' is not running", vm->name);
}

static void on_focus(struct commands *c, struct vm *vm)
{
    (void)c;
    answer_line("your input now goes to guest '%s'; %s returns to the monitor", vm->name,
                CONSOLE_KEY_NAME);
    console_focus(&vm->console);
}

static void on_attach(struct commands *c, struct vm *vm)
{
    if (atomic_load(&vm->phase) == VM_STOPPED) {
        answer_line("guest '%s' is not running", vm->name);
        return;
    }
    c->attached = vm;
    console_attach(&vm->console);
}

static void on_break(struct commands *c, struct vm *vm)
{
    (void)c;
    if (!serial_break(vm))
        answer_line("guest '%s' is not running", vm->name);
    else
        log_line("a break was sent to guest '%s'", vm->name);
}

static void on_confirm(struct commands *c, struct vm *vm)
{
    const char *cannot;

    (void)c, (void)vm;
    if (!confirm_is_tried(&cannot))
        answer_line("no set of files is tried in this boot: there is nothing to confirm");
    else if (cannot != NULL)
        answer_line(NEXT_FOLDER " cannot be confirmed: %s", cannot);
    else if (confirm_is_stored())
        answer_line(NEXT_FOLDER " is confirmed already");
    else
        confirm_ask("the operator");
}

static void on_reboot(struct commands *c, struct vm *vm)
{
    (void)c, (void)vm;
    life_end_all();
    confirm_before_end();
    console_flush(); /* what is said of them comes first */
    log_line("the operator typed `reboot`: starting the machine again");
    power_reset();
}

static void on_poweroff(struct commands *c, struct vm *vm)
{
    (void)c, (void)vm;
    life_end_all();
    confirm_before_end();
    console_flush();
    log_line("the operator typed `poweroff`: switching the machine off");
    power_off();
}

/* ------------------------------------------------------------------ the table */

static void on_help(struct commands *c, struct vm *vm);

static const struct command commands_table[] = {
    {"help", "", "this list", on_help},
    {"list", "", "the guests and their states", commands_on_list},
    {"stop", GUEST, "end it now and erase its memory", on_stop},
    {"start", GUEST, "start it from its image", on_start},
    {"restart", GUEST, "stop and start", on_restart},
    {"kill", GUEST, "end it as a crash: on_crash decides what follows", on_kill},
    {"focus", GUEST, "give it the keyboard", on_focus},
    {"attach", GUEST, "give it the keyboard and show its output unfiltered", on_attach},
    {"break", GUEST, "send a break to its UART: SysRq for a Linux", on_break},
    {"regs", GUEST, "registers of its cores, or of its last life", commands_on_regs},
    {"vmcs", GUEST_MORE, "on VT-x: the VMCS of a core; [CORE] [PART] may follow", commands_on_vmcs},
    {"vmcb", GUEST_MORE, "on SVM: the VMCB, likewise", commands_on_vmcb},
    {"crash", GUEST, "the report of its last crash", commands_on_crash},
    {"stats", GUEST, "exits, hypercalls, refused accesses", commands_on_stats},
    {"trace", GUEST, "its last exits", commands_on_trace},
    {"trace", EXPORT, "the same, for scripts/trace on the desk", commands_on_export},
    {"plan", "", "the plan made from the file", commands_on_plan},
    {"isolation", "", "who owns what, and what is not isolated", commands_on_isolation},
    {"log", "", "the latest lines of this boot's log", commands_on_log},
    {"log", "last", "the end of the previous boot's log", commands_on_log_last},
    {"cpu", "", "the cores", commands_on_cpu},
    {"memory", "", "the hypervisor's memory and the memory for guests", commands_on_memory},
    {"machine", "", "what the boot log says of the machine", commands_on_machine},
    {"pci", "", "its PCI functions", commands_on_pci},
    {"confirm", "", "keep the set of files that is tried", on_confirm},
    {"reboot", "", "start the machine again", on_reboot},
    {"poweroff", "", "switch the machine off", on_poweroff},
};

static void on_help(struct commands *c, struct vm *vm)
{
    (void)c, (void)vm;
    for (uint32_t i = 0; i < ARRAY_SIZE(commands_table); i++)
        answer_line("  %-9s %-6.6s %s", commands_table[i].name, commands_table[i].arguments,
                    commands_table[i].help);
    answer_line("  %s switches the keyboard between the monitor and the guest", CONSOLE_KEY_NAME);
    answer_line("  Ctrl-R attaches the guest that had it");
}

static bool command_takes(const struct command *command, const struct words *w)
{
    if (w->count == 1 || !command->arguments[0])
        return w->count == 1 && !command->arguments[0];
    if (text_equal(command->arguments, GUEST_MORE))
        return true;
    if (w->count == 3)
        return text_equal(command->arguments, EXPORT) && text_equal(w->text[1], "export");
    return w->count == 2 &&
           (text_equal(command->arguments, GUEST) || text_equal(command->arguments, w->text[1]));
}

static void command_call(struct commands *c, const struct command *command, const struct words *w)
{
    const bool needs_guest = text_equal(command->arguments, GUEST) ||
                             text_equal(command->arguments, GUEST_MORE) ||
                             text_equal(command->arguments, EXPORT);
    const char *argument = w->text[text_equal(command->arguments, EXPORT) ? 2 : 1];
    struct vm *vm = needs_guest ? commands_guest(c, argument) : NULL;

    if (!needs_guest || vm) {
        for (uint32_t i = 0; i < COMMANDS_MORE; i++)
            c->more[i] = 2 + i < w->count ? w->text[2 + i] : "";
        command->run(c, vm);
        return;
    }
    const char *guess = commands_guess(c, false, argument);
    if (guess)
        answer_line("there is no guest '%s': did you mean '%s'?", argument, guess);
    else
        answer_line("there is no guest '%s': `list` shows the guests", argument);
}

/* Words that other consoles know. */
static const struct {
    const char *typed, *meant;
} commands_elsewhere[] = {
    {"ls", "list"},           {"ps", "list"},      {"halt", "poweroff"},
    {"shutdown", "poweroff"}, {"reset", "reboot"},
};

static void commands_unknown(const struct commands *c, const char *word)
{
    const char *guess = NULL;

    if (text_equal(word, "exit") || text_equal(word, "quit")) {
        answer_line("%s gives the keyboard to a guest; `poweroff` switches the machine off",
                    CONSOLE_KEY_NAME);
        return;
    }
    for (uint32_t i = 0; i < ARRAY_SIZE(commands_elsewhere) && !guess; i++) {
        if (text_equal(commands_elsewhere[i].typed, word))
            guess = commands_elsewhere[i].meant;
    }
    if (!guess)
        guess = commands_guess(c, true, word);
    if (guess)
        answer_line("unknown command '%s': did you mean '%s'?", word, guess);
    else
        answer_line("unknown command '%s': `help` lists the commands", word);
}

static void commands_usage(const char *name)
{
    for (uint32_t i = 0; i < ARRAY_SIZE(commands_table); i++) {
        if (text_equal(commands_table[i].name, name))
            answer_line("usage: %s%s%s", name, commands_table[i].arguments[0] ? " " : "",
                        commands_table[i].arguments);
    }
}

void commands_run(struct commands *c, const char *line)
{
    struct words w;

    if (!words_split(&w, line)) {
        answer_line("too many words, or one too long: `help` lists the commands");
        return;
    }
    if (w.count == 0)
        return;
    bool known = false;
    if (text_equal(w.text[0], "?"))
        (void)text_copy(w.text[0], sizeof(w.text[0]), "help");
    for (uint32_t i = 0; i < ARRAY_SIZE(commands_table); i++) {
        const struct command *command = &commands_table[i];
        if (!text_equal(command->name, w.text[0]))
            continue;
        if (command_takes(command, &w)) {
            command_call(c, command, &w);
            return;
        }
        known = true;
    }
    if (known)
        commands_usage(w.text[0]);
    else
        commands_unknown(c, w.text[0]);
}

void commands_attach(struct commands *c)
{
    const struct console_stream *stream = console_last_focus();

    for (uint32_t i = 0; i < c->view.vm_count; i++) {
        if (&c->view.vms[i]->console == stream)
            on_attach(c, c->view.vms[i]);
    }
}

void commands_watch(struct commands *c)
{
    if (!c->attached || atomic_load(&c->attached->phase) != VM_STOPPED)
        return;
    console_detach(&c->attached->console);
    c->attached = NULL;
}

const char *commands_candidate(const struct commands *c, bool command, uint32_t index)
{
    if (!command)
        return index < c->view.vm_count ? c->view.vms[index]->name : NULL;
    for (uint32_t i = 0; i < ARRAY_SIZE(commands_table); i++) {
        const char *name = commands_table[i].name;
        if (i > 0 && text_equal(name, commands_table[i - 1].name))
            continue; /* with another argument */
        if (index-- == 0)
            return name;
    }
    return NULL;
}

/* ------------------------------------------------------------------ sampling */

void commands_init(struct commands *c, const struct monitor_view *view)
{
    *c = (struct commands){.view = *view, .sampled = rdtsc()};
}

bool commands_tick(struct commands *c, uint64_t now)
{
    if (ticks_since(now, c->sampled) < c->view.tsc->hz)
        return false;
    c->sampled = now;
    for (uint32_t i = 0; i < c->view.vm_count; i++) {
        struct commands_sample *s = &c->samples[i];
        const uint64_t exits = commands_exits(c->view.vms[i]);
        s->per_second = exits >= s->exits ? exits - s->exits : exits; /* a new life counts anew */
        s->exits = exits;
    }
    return true;
}
