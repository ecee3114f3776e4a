/* SPDX-License-Identifier: MIT */
#include "kernel/monitor/debugger.h"

#include "kernel/debug/command.h"
#include "kernel/debug/registers.h"
#include "kernel/monitor/debugger_look.h"
#include "kernel/vm/debug.h"
#include "lib/bits.h"
#include "lib/log.h"
#include "lib/string.h"
#include "lib/uart16550.h"

#define BAUD           115200
#define BYTES_PER_TICK 64
#define TOLD_MAX       16 /* of its comings and goings: nobody fills the log from there */

#define SIGNAL_INTERRUPT "02" /* SIGINT */
#define SIGNAL_TRAP      "05" /* SIGTRAP */

_Static_assert((int)DEBUG_STAY == ACT_STAY && (int)DEBUG_CONTINUE == ACT_CONTINUE &&
                   (int)DEBUG_STEP == ACT_STEP,
               "acts are handed on as they are");
_Static_assert(COMMAND_THREADS == GUEST_CORES_MAX, "a thread for each vCPU");

void debugger_begin(struct debugger *d, struct vm *vm)
{
    *d = (struct debugger){.vm = vm};
    if (uart_init(&d->uart, UART_COM2, BAUD))
        log_line("guest '%s': gdb can be at serial2 (0x%x, %u baud)", vm->name, UART_COM2, BAUD);
    else
        log_line("guest '%s': serial2 (0x%x) does not answer any more", vm->name, UART_COM2);
}

/* ------------------------------------------------------------------ answers */

/* The vCPU that is why they stopped, or else the one chosen before. Of several, each is told of in
 * its turn. */
static void debugger_find_reason(struct debugger *d)
{
    for (uint32_t i = 0; i < d->vm->vcpu_count; i++)
        if (debugger_is_held(d, i) && debugger_core(d, i)->why != DEBUG_NO_REASON) {
            d->thread = i;
            return;
        }
}

static void debugger_tell_stop(struct debugger *d)
{
    static const char *const words[] = {
        [DEBUG_EXECUTE] = "hwbreak:;", [DEBUG_WRITE] = "watch:", [DEBUG_ACCESS] = "awatch:"};

    debugger_find_reason(d);
    struct debug_core *c = debugger_chosen(d);
    if (c == NULL)
        return;
    packet_begin(&d->out);
    packet_put(&d->out, c->why == DEBUG_NO_REASON ? "T" SIGNAL_INTERRUPT : "T" SIGNAL_TRAP);
    if (c->why == DEBUG_MET) {
        packet_put(&d->out, words[c->met.kind]);
        if (c->met.kind != DEBUG_EXECUTE) {
            packet_put_value(&d->out, c->met.address);
            packet_put(&d->out, ";");
        }
    }
    packet_put(&d->out, "thread:");
    packet_put_value(&d->out, d->thread + 1);
    packet_put(&d->out, ";");
    packet_end(&d->out);
    c->why = DEBUG_NO_REASON;
    d->is_owed = false;
}

static void debugger_leave(struct debugger *d)
{
    if (d->is_attached && d->told <= TOLD_MAX)
        log_line("guest '%s': the debugger at serial2 lets it go%s", d->vm->name,
                 d->told == TOLD_MAX ? "; no more is said of it" : "");
    d->is_attached = d->is_owed = d->is_physical = false;
    debug_end(d->vm);
}

/* Without a life there is nothing to hold: said so that gdb takes its leave. */
static void debugger_stop(struct debugger *d)
{
    if (atomic_load(&d->vm->phase) == VM_RUNNING) {
        debug_hold(d->vm);
        return;
    }
    debugger_say(d, "W00");
    debugger_leave(d);
}

/* ------------------------------------------------------------------ breakpoints, going on */

/* No instruction of the guest's is replaced: `break` takes a debug register as `hbreak` does. The
 * processor has none for reads alone. */
static void debugger_break(struct debugger *d, const struct command *c)
{
    static const enum debug_kind kinds[] = {DEBUG_EXECUTE, DEBUG_EXECUTE, DEBUG_WRITE, DEBUG_ACCESS,
                                            DEBUG_ACCESS};
    const struct debug_break what = {
        .address = c->address, .length = (uint8_t)c->length, .kind = kinds[c->number]};

    if (c->number == 3 || c->length > 8) {
        debugger_say(d, "");
    } else if (debugger_chosen(d) == NULL) {
        debugger_say(d, DEBUGGER_BAD);
    } else if (c->kind == COMMAND_UNBREAK) {
        debug_unbreak(d->vm, &what);
        debugger_say(d, "OK");
    } else {
        debugger_say(d, debug_break(d->vm, &what) ? "OK" : DEBUGGER_BAD);
    }
}

/* Something that another vCPU was stopped by at the same time, and that does not come again. */
static bool debugger_has_more(const struct debugger *d)
{
    for (uint32_t i = 0; i < d->vm->vcpu_count; i++) {
        const struct debug_core *c = debugger_core(d, i);
        if (debugger_is_held(d, i) &&
            (c->why == DEBUG_STEPPED || (c->why == DEBUG_MET && c->met.kind != DEBUG_EXECUTE)))
            return true;
    }
    return false;
}

static void debugger_resume(struct debugger *d, const struct command *c)
{
    bool any = false;

    for (uint32_t i = 0; i < d->vm->vcpu_count; i++)
        any = any || (debugger_is_held(d, i) && c->acts[i] != ACT_STAY);
    /* Of a guest that has ended, everything may go on. */
    if (debugger_chosen(d) != NULL && !any) {
        debugger_say(d, DEBUGGER_BAD);
        return;
    }
    d->is_owed = true;
    if (!debugger_has_more(d))
        debug_let_go(d->vm, c->acts);
}

/* ------------------------------------------------------------------ questions */

static void debugger_features(struct debugger *d, const struct command *c)
{
    const uint64_t size = strlen(registers_xml);
    const uint64_t from = min_u64(c->address, size);

    packet_begin(&d->out);
    const uint64_t part = min_u64(min_u64(size - from, c->length), packet_room(&d->out) - 1);
    packet_put(&d->out, from + part < size ? "m" : "l");
    packet_put_bytes(&d->out, registers_xml + from, part);
    packet_end(&d->out);
}

static void debugger_threads(struct debugger *d)
{
    bool is_stopped = debugger_chosen(d) != NULL;

    packet_begin(&d->out);
    for (uint32_t i = 0, count = 0; is_stopped && i < d->vm->vcpu_count; i++) {
        if (!debugger_is_held(d, i))
            continue;
        packet_put(&d->out, count++ == 0 ? "m" : ",");
        packet_put_value(&d->out, i + 1);
    }
    if (packet_room(&d->out) == PACKET_MAX)
        packet_put(&d->out, "l");
    packet_end(&d->out);
}

/* In hexadecimal, as everything that is for people. */
static void debugger_thread_text(struct debugger *d, const struct command *c)
{
    static const char held[] = "vCPU, held", other[] = "vCPU, waits for a SIPI";
    const bool is_held = c->thread > 0 && debugger_is_held(d, c->thread - 1);
    const char *text = is_held ? held : other;

    packet_begin(&d->out);
    packet_put_hex(&d->out, (const uint8_t *)text, strlen(text));
    packet_end(&d->out);
}

static void debugger_choose(struct debugger *d, const struct command *c)
{
    if (c->thread != COMMAND_THREAD_ANY && c->thread != COMMAND_THREAD_ALL)
        d->thread = c->thread - 1;
    debugger_say(d, d->thread < d->vm->vcpu_count ? "OK" : DEBUGGER_BAD);
    d->thread = d->thread < d->vm->vcpu_count ? d->thread : 0;
}

static void debugger_say_thread(struct debugger *d)
{
    packet_begin(&d->out);
    packet_put(&d->out, "QC");
    packet_put_value(&d->out, d->thread + 1);
    packet_end(&d->out);
}

static void debugger_attach(struct debugger *d)
{
    if (!d->is_attached && ++d->told <= TOLD_MAX)
        log_line("guest '%s': a debugger at serial2 holds it", d->vm->name);
    d->is_attached = d->is_owed = d->is_new = true;
    debugger_stop(d);
}

/* ------------------------------------------------------------------ the line */

/* What is answered whatever the guest does; NULL: it depends. */
static const char *debugger_fixed(enum command_kind kind)
{
    static const char *const answers[COMMAND_KINDS] = {
        [COMMAND_UNKNOWN] = "",
        [COMMAND_BAD] = DEBUGGER_BAD,
        [COMMAND_CAN_RESUME] = "vCont;c;C;s;S",
        [COMMAND_SUPPORTED] =
            "PacketSize=400;qXfer:features:read+;swbreak+;hwbreak+;vContSupported+",
        [COMMAND_THREADS_NEXT] = "l",
        [COMMAND_ATTACHED] = "1",
    };

    return answers[kind];
}
_Static_assert(PACKET_MAX == 0x400, "PacketSize");

/* How it goes on between the two of them. */
static void debugger_session(struct debugger *d, const struct command *c)
{
    if (c->kind == COMMAND_WHY) {
        debugger_attach(d);
    } else if (c->kind == COMMAND_RESUME) {
        debugger_resume(d, c);
    } else if (c->kind == COMMAND_PHYSICAL) {
        d->is_physical = c->number;
        debugger_say(d, "OK");
    } else {
        if (c->kind ==
            COMMAND_DETACH) /* COMMAND_KILL ends the session as well, and not the guest */
            debugger_say(d, "OK");
        debugger_leave(d);
    }
}

static void debugger_obey(struct debugger *d, const struct command *c)
{
    const char *fixed = debugger_fixed(c->kind);

    if (fixed != NULL) {
        debugger_say(d, fixed);
        return;
    }
    switch (c->kind) {
    case COMMAND_READ_ALL:
    case COMMAND_WRITE_ALL:
    case COMMAND_READ_ONE:
    case COMMAND_WRITE_ONE:
        debugger_look_registers(d, c);
        break;
    case COMMAND_READ:
    case COMMAND_WRITE:
        debugger_look_memory(d, c);
        break;
    case COMMAND_BREAK:
    case COMMAND_UNBREAK:
        debugger_break(d, c);
        break;
    case COMMAND_THREAD:
        debugger_choose(d, c);
        break;
    case COMMAND_IS_ALIVE:
        debugger_say(d, c->thread > 0 && debugger_is_held(d, c->thread - 1) ? "OK" : DEBUGGER_BAD);
        break;
    case COMMAND_FEATURES:
        debugger_features(d, c);
        break;
    case COMMAND_THREADS_FIRST:
        debugger_threads(d);
        break;
    case COMMAND_CURRENT:
        debugger_say_thread(d);
        break;
    case COMMAND_THREAD_TEXT:
        debugger_thread_text(d, c);
        break;
    case COMMAND_WHY:
    case COMMAND_RESUME:
    case COMMAND_DETACH:
    case COMMAND_KILL:
    case COMMAND_PHYSICAL:
        debugger_session(d, c);
        break;
    case COMMAND_UNKNOWN: /* debugger_fixed()'s */
    case COMMAND_BAD:
    case COMMAND_CAN_RESUME:
    case COMMAND_SUPPORTED:
    case COMMAND_THREADS_NEXT:
    case COMMAND_ATTACHED:
    case COMMAND_KINDS:
        break;
    }
}
static void debugger_take(struct debugger *d, uint8_t byte)
{
    struct command command;

    switch (packet_take(&d->in, byte)) {
    case PACKET_NOTHING:
    case PACKET_ACK:
        break;
    case PACKET_NAK:
        d->out.sent = 0;
        break;
    case PACKET_DAMAGED:
        d->ack = '-';
        break;
    case PACKET_INTERRUPT:
        if (d->is_owed)
            debugger_stop(d);
        break;
    case PACKET_READY:
        d->ack = '+';
        d->out = (struct packet_out){0};
        command_parse(d->in.text, d->in.len, &command);
        debugger_obey(d, &command);
        break;
    }
}

static void debugger_send(struct debugger *d)
{
    if (d->ack != 0 && uart_put(&d->uart, &d->ack, 1) == 0)
        return;
    d->ack = 0;
    d->out.sent += (uint32_t)uart_put(&d->uart, (const uint8_t *)d->out.text + d->out.sent,
                                      d->out.len - d->out.sent);
}

void debugger_tick(struct debugger *d)
{
    uint8_t byte;

    if (d->vm == NULL)
        return;
    for (uint32_t i = 0; i < BYTES_PER_TICK && uart_get(&d->uart, &byte); i++)
        debugger_take(d, byte);
    if (d->is_owed && debug_is_stopped(d->vm)) {
        if (d->is_new)
            d->vm->debug->break_count = 0;
        d->is_new = false;
        debugger_tell_stop(d);
    }
    debugger_send(d);
}
