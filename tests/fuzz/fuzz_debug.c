/* SPDX-License-Identifier: MIT */
/*
 * fuzz_debug: any bytes from the serial line of a guest's debugger: packets, commands, and changes
 * to registers. Whatever comes, a command keeps to its packet, and no register changes that may
 * not. And any page tables, which are walked in four reads.
 *
 * Input: the line's bytes; the guest's tables are made of the same.
 */
#include "kernel/debug/command.h"
#include "kernel/debug/packet.h"
#include "kernel/debug/registers.h"
#include "kernel/debug/walk.h"

#include "support.h"

#define RFLAGS_CHANGEABLE UINT64_C(0xcd5)

struct line {
    const uint8_t *bytes;
    size_t size;
    uint32_t reads;
};

/* Memory is the input, again and again. */
static uint64_t line_read(struct line *line, gpa_t at, uint32_t size)
{
    uint64_t value = 0;

    DEMAND(size == 4 || size == 8);
    DEMAND(at.v % size == 0);
    DEMAND(++line->reads <= 4);
    for (uint32_t i = 0; i < size; i++)
        value |= (uint64_t)line->bytes[(at.v + i) % line->size] << 8 * i;
    return value;
}

static void walk_any(struct line *line, struct vcpu_state *state, uint64_t linear)
{
    struct walk w;
    enum walk_step step = walk_begin(&w, state, linear);

    line->reads = 0;
    while (step == WALK_READ)
        step = walk_go(&w, line_read(line, w.at, w.size));
    DEMAND(step != WALK_FOUND || (w.at.v >> 52 == 0 && (w.at.v ^ linear) % 4096 == 0));
}

/* The rest is the guest's own to change, and stays. */
static void check_state(const struct vcpu_state *before, const struct vcpu_state *after)
{
    struct vcpu_state rest = *after;

    DEMAND(((before->rflags ^ after->rflags) & ~RFLAGS_CHANGEABLE) == 0);
    memcpy(rest.gpr, before->gpr, sizeof(rest.gpr));
    rest.rip = before->rip;
    rest.rflags = before->rflags;
    DEMAND(memcmp(&rest, before, sizeof(rest)) == 0);
}

static void obey(struct line *line, const struct command *c, struct vcpu_state *state)
{
    const struct vcpu_state before = *state;
    uint64_t value = 0;

    if (c->kind == COMMAND_WRITE_ONE && c->data_len >= 16 && command_number(c->data, 8, &value))
        (void)!registers_set(state, c->number, value);
    check_state(&before, state);
    if (c->kind == COMMAND_READ || c->kind == COMMAND_WRITE)
        walk_any(line, state, c->address);
}

static void check_command(const struct packet_in *in, const struct command *c)
{
    DEMAND(c->kind < COMMAND_KINDS);
    DEMAND(c->data_len == 0 ||
           (c->data >= in->text && c->data + c->data_len == in->text + in->len));
    DEMAND(c->thread <= COMMAND_THREADS || c->thread == COMMAND_THREAD_ALL);
    for (uint32_t i = 0; i < COMMAND_THREADS; i++)
        DEMAND(c->acts[i] <= ACT_STEP &&
               (c->kind == COMMAND_RESUME || c->kind == COMMAND_BAD || c->acts[i] == ACT_STAY));
    if (c->kind == COMMAND_WRITE)
        DEMAND(c->data_len == 2 * c->length && c->length <= PACKET_MAX / 2);
    if (c->kind == COMMAND_BREAK || c->kind == COMMAND_UNBREAK)
        DEMAND(c->number <= 4);
}

/* What was read is what is sent. */
static void check_echo(const struct packet_in *in)
{
    static struct packet_out out;
    static struct packet_in again;
    enum packet_event event = PACKET_NOTHING;

    packet_begin(&out);
    packet_put_bytes(&out, in->text, in->len);
    DEMAND(packet_room(&out) == PACKET_MAX - in->len);
    packet_end(&out);
    again = (struct packet_in){0};
    for (uint32_t i = 0; i < out.len; i++)
        event = packet_take(&again, (uint8_t)out.text[i]);
    DEMAND(event == PACKET_READY && again.len == in->len);
    DEMAND(memcmp(again.text, in->text, in->len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct packet_in in;
    struct line line = {.bytes = data, .size = size};
    struct vcpu_state state;
    struct command command;

    in = (struct packet_in){0};
    memset(&state, 0, sizeof(state));
    if (size >= 5) {
        memcpy(&state.cr3, data, 4);
        state.cr0 = (uint64_t)(data[4] & 1) << 31;
        state.cr4 = data[4] & 0x30;
        state.efer = (uint64_t)(data[4] & 2) << 9;
    }
    for (size_t i = 0; i < size; i++) {
        const enum packet_event event = packet_take(&in, data[i]);
        DEMAND(in.len <= PACKET_MAX);
        if (event != PACKET_READY)
            continue;
        command_parse(in.text, in.len, &command);
        check_command(&in, &command);
        check_echo(&in);
        obey(&line, &command, &state);
    }
    return 0;
}
