/* SPDX-License-Identifier: MIT */
#include "kernel/debug/command.h"

#include "lib/bits.h"
#include "lib/string.h"

#define BREAK_TYPES 5 /* software, hardware, write, read, access */

/* What is left of the packet's text. The NUL behind it ends every number and word. */
struct command_text {
    const char *at;
    uint32_t left;
};

static bool command_skip(struct command_text *t, char c)
{
    if (t->left == 0 || *t->at != c)
        return false;
    t->at++;
    t->left--;
    return true;
}

static bool command_skip_word(struct command_text *t, const char *word)
{
    const size_t len = strlen(word);

    if (t->left < len || memcmp(t->at, word, len) != 0)
        return false;
    t->at += len;
    t->left -= (uint32_t)len;
    return true;
}

/* A number of at most 16 digits. */
static bool command_value(struct command_text *t, uint64_t *value)
{
    uint32_t digits = 0;

    *value = 0;
    for (; t->left > 0 && packet_digit(*t->at) < 16; t->at++, t->left--) {
        if (++digits > 16)
            return false;
        *value = *value << 4 | packet_digit(*t->at);
    }
    return digits > 0;
}

static bool command_u32(struct command_text *t, uint32_t *number)
{
    uint64_t value;

    if (!command_value(t, &value) || value > UINT32_MAX)
        return false;
    *number = (uint32_t)value;
    return true;
}

/* "-1", "0" or the number of a thread that there may be. */
static bool command_thread(struct command_text *t, uint32_t *thread)
{
    if (command_skip_word(t, "-1")) {
        *thread = COMMAND_THREAD_ALL;
        return true;
    }
    return command_u32(t, thread) && *thread <= COMMAND_THREADS;
}

static bool command_is_over(const struct command_text *t)
{
    return t->left == 0;
}

/* "ADDRESS,LENGTH" */
static bool command_place(struct command_text *t, struct command *c)
{
    return command_value(t, &c->address) && command_skip(t, ',') && command_value(t, &c->length);
}

static void command_rest_is_data(struct command_text *t, struct command *c)
{
    c->data = t->at;
    c->data_len = t->left;
    t->left = 0;
}

/* ------------------------------------------------------------------ resuming */

static void command_act(struct command *c, uint32_t thread, enum command_act act)
{
    for (uint32_t i = 0; i < COMMAND_THREADS; i++) {
        const bool is_meant = thread == COMMAND_THREAD_ALL || thread == i + 1 ||
                              (thread == COMMAND_THREAD_ANY && i == 0);
        if (is_meant && c->acts[i] == ACT_STAY)
            c->acts[i] = (uint8_t)act;
    }
}

/* A signal's number is read and dropped: a guest has no signals. */
static bool command_action(struct command_text *t, enum command_act *act)
{
    uint32_t signal;
    const bool has_signal = t->left > 0 && (*t->at == 'C' || *t->at == 'S');

    if (command_skip(t, 'c') || command_skip(t, 'C'))
        *act = ACT_CONTINUE;
    else if (command_skip(t, 's') || command_skip(t, 'S'))
        *act = ACT_STEP;
    else
        return false;
    return !has_signal || command_u32(t, &signal);
}

/* ";ACTION[:THREAD]..." Of what is said about a thread, the first counts. */
static bool command_actions(struct command_text *t, struct command *c)
{
    enum command_act act;

    c->kind = COMMAND_RESUME;
    if (t->left == 0)
        return false;
    while (command_skip(t, ';')) {
        uint32_t thread = COMMAND_THREAD_ALL;
        if (!command_action(t, &act) || (command_skip(t, ':') && !command_thread(t, &thread)))
            return false;
        command_act(c, thread, act);
    }
    return true;
}

/* ------------------------------------------------------------------ by their first letters */

static bool command_break(struct command_text *t, struct command *c, enum command_kind kind)
{
    c->kind = kind;
    if (!command_u32(t, &c->number) || !command_skip(t, ',') || !command_place(t, c))
        return false;
    if (c->number >= BREAK_TYPES)
        c->kind = COMMAND_UNKNOWN;
    if (command_skip(t, ';')) /* conditions and commands: none were offered */
        c->kind = COMMAND_UNKNOWN;
    t->left = c->kind == COMMAND_UNKNOWN ? 0 : t->left;
    return true;
}

static bool command_write(struct command_text *t, struct command *c)
{
    c->kind = COMMAND_WRITE;
    if (!command_place(t, c) || !command_skip(t, ':'))
        return false;
    command_rest_is_data(t, c);
    return c->length <= PACKET_MAX / 2 && c->data_len == 2 * c->length;
}

static bool command_write_one(struct command_text *t, struct command *c)
{
    c->kind = COMMAND_WRITE_ONE;
    if (!command_u32(t, &c->number) || !command_skip(t, '='))
        return false;
    command_rest_is_data(t, c);
    return true;
}

/* "Hg": registers of this thread from now on; "Hc" is older than vCont, and of no use beside it. */
static bool command_set_thread(struct command_text *t, struct command *c)
{
    c->kind = COMMAND_THREAD;
    if (command_skip(t, 'c'))
        c->kind = COMMAND_UNKNOWN;
    else if (!command_skip(t, 'g'))
        return false;
    return command_thread(t, &c->thread);
}

static bool command_features(struct command_text *t, struct command *c)
{
    c->kind = COMMAND_FEATURES;
    return command_place(t, c);
}

/* Those that have more behind them, which is not looked at. */
static bool command_query_word(struct command_text *t, struct command *c)
{
    static const struct {
        const char *word;
        enum command_kind kind;
    } rows[] = {
        {"qSupported", COMMAND_SUPPORTED},
        {"qfThreadInfo", COMMAND_THREADS_FIRST},
        {"qsThreadInfo", COMMAND_THREADS_NEXT},
        {"qAttached", COMMAND_ATTACHED},
        {"qC", COMMAND_CURRENT},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct command_text rest = *t;
        if (!command_skip_word(&rest, rows[i].word) || (rest.left > 0 && *rest.at != ':'))
            continue;
        c->kind = rows[i].kind;
        t->left = 0;
        return true;
    }
    return false;
}

static bool command_query(struct command_text *t, struct command *c)
{
    if (command_query_word(t, c))
        return true;
    if (command_skip_word(t, "qXfer:features:read:target.xml:"))
        return command_features(t, c);
    if (command_skip_word(t, "qThreadExtraInfo,")) {
        c->kind = COMMAND_THREAD_TEXT;
        return command_thread(t, &c->thread);
    }
    if (command_skip_word(t, "Qbulkhead.physical:")) {
        c->kind = COMMAND_PHYSICAL;
        return command_u32(t, &c->number) && c->number <= 1;
    }
    t->left = 0;
    return true;
}

static bool command_v(struct command_text *t, struct command *c)
{
    if (command_skip_word(t, "vCont")) {
        if (!command_skip(t, '?'))
            return command_actions(t, c);
        c->kind = COMMAND_CAN_RESUME;
        return true;
    }
    t->left = 0;
    return true;
}

/* "c" and "s" without vCont: all threads, or the first. An address to go on at is not offered. */
static bool command_old_resume(struct command *c, enum command_act act)
{
    c->kind = COMMAND_RESUME;
    command_act(c, act == ACT_STEP ? COMMAND_THREAD_ANY : COMMAND_THREAD_ALL, act);
    return true;
}

static bool command_letter(struct command_text *t, struct command *c, char letter)
{
    switch (letter) {
    case '?':
        c->kind = COMMAND_WHY;
        return true;
    case 'g':
        c->kind = COMMAND_READ_ALL;
        return true;
    case 'G':
        c->kind = COMMAND_WRITE_ALL;
        command_rest_is_data(t, c);
        return true;
    case 'p':
        c->kind = COMMAND_READ_ONE;
        return command_u32(t, &c->number);
    case 'P':
        return command_write_one(t, c);
    case 'm':
        c->kind = COMMAND_READ;
        return command_place(t, c);
    case 'M':
        return command_write(t, c);
    case 'Z':
        return command_break(t, c, COMMAND_BREAK);
    case 'z':
        return command_break(t, c, COMMAND_UNBREAK);
    case 'H':
        return command_set_thread(t, c);
    case 'T':
        c->kind = COMMAND_IS_ALIVE;
        return command_thread(t, &c->thread);
    case 'c':
        return command_old_resume(c, ACT_CONTINUE);
    case 's':
        return command_old_resume(c, ACT_STEP);
    case 'D':
        c->kind = COMMAND_DETACH;
        t->left = 0;
        return true;
    case 'k':
        c->kind = COMMAND_KILL;
        t->left = 0;
        return true;
    default:
        t->left = 0;
        return true;
    }
}

void command_parse(const char *text, uint32_t len, struct command *command)
{
    struct command_text t = {.at = text, .left = len};
    bool ok;

    *command = (struct command){.kind = COMMAND_UNKNOWN};
    if (len == 0)
        return;
    if (*text == 'q' || *text == 'Q') {
        ok = command_query(&t, command);
    } else if (*text == 'v') {
        ok = command_v(&t, command);
    } else {
        t.at++;
        t.left--;
        ok = command_letter(&t, command, *text);
    }
    if (!ok || !command_is_over(&t))
        *command = (struct command){.kind = COMMAND_BAD};
}

/* ------------------------------------------------------------------ data */

bool command_byte(const char *digits, uint8_t *byte)
{
    const uint32_t high = packet_digit(digits[0]);

    if (high == 16 || packet_digit(digits[1]) == 16)
        return false;
    *byte = (uint8_t)(high << 4 | packet_digit(digits[1]));
    return true;
}

bool command_number(const char *digits, uint32_t size, uint64_t *value)
{
    *value = 0;
    for (uint32_t i = 0; i < size; i++) {
        uint8_t byte;
        if (!command_byte(digits + (size_t)2 * i, &byte))
            return false;
        *value |= (uint64_t)byte << 8 * i;
    }
    return true;
}
