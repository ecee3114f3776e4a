/* SPDX-License-Identifier: MIT */
/*
 * command: what a packet of gdb's says → a command, checked. The text is untrusted. GDB "Remote
 * Protocol", "Packets", "General Query Packets", "vCont packet". Pure.
 */
#pragma once

#include "kernel/debug/packet.h"
#include "lib/types.h"

/* Threads are vCPUs, numbered from 1, as 0 means any of them. */
#define COMMAND_THREADS    64
#define COMMAND_THREAD_ANY 0
#define COMMAND_THREAD_ALL UINT32_MAX

enum command_kind {
    COMMAND_UNKNOWN, /* the answer is empty */
    COMMAND_BAD,     /* known, and not as it has to be */
    COMMAND_WHY,
    COMMAND_READ_ALL,  /* registers */
    COMMAND_WRITE_ALL, /* data */
    COMMAND_READ_ONE,  /* number */
    COMMAND_WRITE_ONE, /* number, data */
    COMMAND_READ,      /* memory: address, length */
    COMMAND_WRITE,     /* address, length; data: twice as many digits */
    COMMAND_BREAK,     /* number: 0 to 4, address, length */
    COMMAND_UNBREAK,   /* the same */
    COMMAND_THREAD,    /* the one that registers are of */
    COMMAND_IS_ALIVE,  /* thread */
    COMMAND_RESUME,    /* acts */
    COMMAND_CAN_RESUME,
    COMMAND_DETACH,
    COMMAND_KILL,
    COMMAND_SUPPORTED,
    COMMAND_FEATURES, /* address (an offset), length */
    COMMAND_THREADS_FIRST,
    COMMAND_THREADS_NEXT,
    COMMAND_CURRENT,
    COMMAND_ATTACHED,
    COMMAND_THREAD_TEXT, /* thread */
    COMMAND_PHYSICAL,    /* number: 1: addresses are guest-physical, 0: linear */
    COMMAND_KINDS,
};

enum command_act { ACT_STAY, ACT_CONTINUE, ACT_STEP };

struct command {
    enum command_kind kind;
    uint32_t number;
    uint32_t thread; /* 1 .. COMMAND_THREADS, or one of the two words above */
    uint64_t address, length;
    const char *data; /* hexadecimal digits, in the text that was parsed */
    uint32_t data_len;
    uint8_t acts[COMMAND_THREADS]; /* enum command_act, of thread i + 1 */
};

/* `text` has `len` characters and then a NUL. */
void command_parse(const char *text, uint32_t len, struct command *command);

/* Two digits → a byte; false: they are none. */
MUST_CHECK bool command_byte(const char *digits, uint8_t *byte);

/* `size` bytes (8 at most), the lowest first, as packet_put_number() writes them. */
MUST_CHECK bool command_number(const char *digits, uint32_t size, uint64_t *value);
