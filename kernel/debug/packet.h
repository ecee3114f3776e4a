/* SPDX-License-Identifier: MIT */
/*
 * packet: the frames of gdb's remote serial protocol: bytes of an untrusted line → packets, and an
 * answer → bytes. Knows nothing of what packets say. GDB "Remote Protocol", "Overview". Pure.
 */
#pragma once

#include "lib/types.h"

#define PACKET_MAX 1024 /* characters of a packet between '$' and '#', in either direction */

enum packet_event {
    PACKET_NOTHING,
    PACKET_READY,     /* a packet is in `text` until the next byte; it is to be acknowledged */
    PACKET_DAMAGED,   /* to be asked for again */
    PACKET_ACK,       /* the last one that was sent has arrived, ... */
    PACKET_NAK,       /* ... or not */
    PACKET_INTERRUPT, /* the guest is to stop */
};

enum packet_state { PACKET_OUTSIDE, PACKET_TEXT, PACKET_SUM_1, PACKET_SUM_2 };

/* What arrives. All zero: nothing has yet. */
struct packet_in {
    char text[PACKET_MAX + 1]; /* ends with NUL; any other bytes */
    uint32_t len;
    enum packet_state state;
    uint8_t sum; /* of the bytes of `text` */
    uint8_t given;
    bool is_cut;    /* it was longer */
    bool no_digits; /* what stands for the sum is no number */
};

/* The next byte. */
MUST_CHECK enum packet_event packet_take(struct packet_in *in, uint8_t byte);

/* What is sent: one packet, again on demand. */
struct packet_out {
    char text[PACKET_MAX + 4]; /* '$', the answer, '#', two digits */
    uint32_t len, sent;
};

/* Begins an answer. What does not fit is left out: see packet_room(). */
void packet_begin(struct packet_out *out);
void packet_put(struct packet_out *out, const char *text);
void packet_put_bytes(struct packet_out *out, const char *bytes, size_t len);

/* `size` bytes as they are in memory, two digits each; of a number (size <= 8) the lowest first. */
void packet_put_hex(struct packet_out *out, const uint8_t *bytes, size_t size);
void packet_put_number(struct packet_out *out, uint64_t value, uint32_t size);

/* A number as people write it, in hexadecimal. */
void packet_put_value(struct packet_out *out, uint64_t value);

/* How many characters still fit. */
uint32_t packet_room(const struct packet_out *out);

/* The answer is complete: from here on its bytes are text[sent .. len). */
void packet_end(struct packet_out *out);

/* The value of a hexadecimal digit, or 16. */
uint32_t packet_digit(char c);
