/* SPDX-License-Identifier: MIT */
#include "kernel/monitor/debugger_look.h"

#include "kernel/debug/registers.h"
#include "kernel/debug/walk.h"
#include "kernel/vm/debug.h"
#include "lib/bits.h"

#define BYTES_MAX (PACKET_MAX / 2)

static void debugger_put_register(struct debugger *d, const struct vcpu_state *s, uint32_t number)
{
    const uint32_t size = registers_size(number);
    uint64_t value;

    if (registers_get(s, number, &value)) {
        packet_put_number(&d->out, value, size);
        return;
    }
    for (uint32_t i = 0; i < size; i++)
        packet_put(&d->out, "xx");
}

static void debugger_read_registers(struct debugger *d, const struct debug_core *c, uint32_t first,
                                    uint32_t end)
{
    packet_begin(&d->out);
    for (uint32_t number = first; number < end; number++)
        debugger_put_register(d, &c->state, number);
    packet_end(&d->out);
}

/* What is not known stays as it is, whatever is written there. */
static bool debugger_write_register(struct vcpu_state *s, uint32_t number, const char *digits)
{
    const uint32_t size = registers_size(number);
    uint64_t value;

    if (!registers_get(s, number, &value))
        return true;
    return command_number(digits, size, &value) && registers_set(s, number, value);
}

/* All or none. */
static bool debugger_write_registers(struct debug_core *c, uint32_t first, uint32_t end,
                                     const struct command *command)
{
    struct vcpu_state s = c->state;
    const char *at = command->data;
    uint32_t left = command->data_len;

    for (uint32_t number = first; number < end; number++) {
        const uint32_t digits = 2 * registers_size(number);
        if (left < digits || !debugger_write_register(&s, number, at))
            return false;
        at += digits;
        left -= digits;
    }
    if (left > 0)
        return false;
    c->state = s;
    c->is_changed = true;
    return true;
}

void debugger_look_registers(struct debugger *d, const struct command *c)
{
    struct debug_core *core = debugger_chosen(d);
    const bool is_all = c->kind == COMMAND_READ_ALL || c->kind == COMMAND_WRITE_ALL;
    const uint32_t first = is_all ? 0 : c->number;
    const uint32_t end = is_all ? registers_count() : first + 1;

    if (core == NULL || registers_size(first) == 0)
        debugger_say(d, DEBUGGER_BAD);
    else if (c->kind == COMMAND_READ_ALL || c->kind == COMMAND_READ_ONE)
        debugger_read_registers(d, core, first, end);
    else
        debugger_say(d, debugger_write_registers(core, first, end, c) ? "OK" : DEBUGGER_BAD);
}

/* ------------------------------------------------------------------ memory */

/* By the guest's own tables. */
static bool debugger_walk(const struct debugger *d, const struct vcpu_state *s, uint64_t address,
                          gpa_t *at)
{
    struct walk w;
    enum walk_step step = walk_begin(&w, s, address);

    while (step == WALK_READ) {
        uint8_t bytes[8] = {0};
        uint64_t entry = 0;

        if (debug_read(d->vm, w.at, bytes, w.size) != w.size)
            return false;
        for (uint32_t i = 0; i < w.size; i++)
            entry |= (uint64_t)bytes[i] << 8 * i;
        step = walk_go(&w, entry);
    }
    *at = w.at;
    return step == WALK_FOUND;
}

/* Where `address` is, and how much of `size` is there with it. */
static bool debugger_find(const struct debugger *d, const struct vcpu_state *s, uint64_t address,
                          size_t *size, gpa_t *at)
{
    *size = min_u64(*size, PAGE_SIZE - address % PAGE_SIZE);
    *at = gpa(address);
    return d->is_physical || debugger_walk(d, s, address, at);
}

/* How many bytes of `size` were there. */
static size_t debugger_copy(struct debugger *d, const struct vcpu_state *s, uint64_t address,
                            uint8_t *bytes, size_t size, bool is_write)
{
    size_t done = 0;
    gpa_t at;

    while (done < size) {
        size_t step = size - done;
        if (!debugger_find(d, s, address + done, &step, &at))
            break;
        const size_t copied = is_write ? debug_write(d->vm, at, bytes + done, step)
                                       : debug_read(d->vm, at, bytes + done, step);
        done += copied;
        if (copied < step)
            break;
    }
    return done;
}

void debugger_look_memory(struct debugger *d, const struct command *c)
{
    const struct debug_core *core = debugger_chosen(d);
    const size_t size = min_u64(c->length, BYTES_MAX);
    const bool is_write = c->kind == COMMAND_WRITE;
    uint8_t bytes[BYTES_MAX];

    if (core == NULL) {
        debugger_say(d, DEBUGGER_BAD);
        return;
    }
    for (size_t i = 0; is_write && i < size; i++)
        if (!command_byte(c->data + 2 * i, &bytes[i])) {
            debugger_say(d, DEBUGGER_BAD);
            return;
        }
    const size_t done = debugger_copy(d, &core->state, c->address, bytes, size, is_write);
    if (is_write) {
        debugger_say(d, done == size ? "OK" : DEBUGGER_MEMORY);
    } else if (done == 0 && size > 0) {
        debugger_say(d, DEBUGGER_MEMORY);
    } else {
        packet_begin(&d->out);
        packet_put_hex(&d->out, bytes, done);
        packet_end(&d->out);
    }
}
