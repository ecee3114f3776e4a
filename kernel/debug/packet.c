/* SPDX-License-Identifier: MIT */
#include "kernel/debug/packet.h"

#include "lib/fmt.h"
#include "lib/string.h"

#define INTERRUPT 0x03
#define NO_DIGIT  16
#define OUT_TAIL  3 /* '#' and two digits */

static const char packet_digits[] = "0123456789abcdef";

uint32_t packet_digit(char c)
{
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (uint32_t)(c - 'a') + 10;
    if (c >= 'A' && c <= 'F')
        return (uint32_t)(c - 'A') + 10;
    return NO_DIGIT;
}

/* ------------------------------------------------------------------ what arrives */

static void packet_start(struct packet_in *in)
{
    in->state = PACKET_TEXT;
    in->len = 0;
    in->sum = 0;
    in->is_cut = in->no_digits = false;
}

static enum packet_event packet_take_outside(struct packet_in *in, uint8_t byte)
{
    switch (byte) {
    case '$':
        packet_start(in);
        return PACKET_NOTHING;
    case '+':
        return PACKET_ACK;
    case '-':
        return PACKET_NAK;
    case INTERRUPT:
        return PACKET_INTERRUPT;
    default: /* noise of the line */
        return PACKET_NOTHING;
    }
}

/* A '$' begins a new packet wherever it comes: the end of the one before was lost. */
static void packet_take_text(struct packet_in *in, uint8_t byte)
{
    if (byte == '$') {
        packet_start(in);
        return;
    }
    if (byte == '#') {
        in->state = PACKET_SUM_1;
        return;
    }
    in->sum = (uint8_t)(in->sum + byte);
    if (in->len == PACKET_MAX)
        in->is_cut = true;
    else
        in->text[in->len++] = (char)byte;
}

static void packet_take_sum(struct packet_in *in, uint8_t byte)
{
    const uint32_t digit = packet_digit((char)byte);

    in->no_digits = in->no_digits || digit == NO_DIGIT;
    in->given = (uint8_t)((uint32_t)in->given << 4 | (digit & 0xf));
}

enum packet_event packet_take(struct packet_in *in, uint8_t byte)
{
    switch (in->state) {
    case PACKET_OUTSIDE:
        return packet_take_outside(in, byte);
    case PACKET_TEXT:
        packet_take_text(in, byte);
        return PACKET_NOTHING;
    case PACKET_SUM_1:
        packet_take_sum(in, byte);
        in->state = PACKET_SUM_2;
        return PACKET_NOTHING;
    case PACKET_SUM_2:
        packet_take_sum(in, byte);
        break;
    }
    in->state = PACKET_OUTSIDE;
    in->text[in->len] = '\0';
    return in->is_cut || in->no_digits || in->given != in->sum ? PACKET_DAMAGED : PACKET_READY;
}

/* ------------------------------------------------------------------ what is sent */

void packet_begin(struct packet_out *out)
{
    out->text[0] = '$';
    out->len = 1;
    out->sent = 0;
}

uint32_t packet_room(const struct packet_out *out)
{
    return (uint32_t)sizeof(out->text) - OUT_TAIL - out->len;
}

void packet_put_bytes(struct packet_out *out, const char *bytes, size_t len)
{
    if (len > packet_room(out))
        len = packet_room(out);
    memcpy(out->text + out->len, bytes, len);
    out->len += (uint32_t)len;
}

void packet_put(struct packet_out *out, const char *text)
{
    packet_put_bytes(out, text, strlen(text));
}

void packet_put_hex(struct packet_out *out, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        const char pair[] = {packet_digits[bytes[i] >> 4], packet_digits[bytes[i] & 0xf]};
        packet_put_bytes(out, pair, sizeof(pair));
    }
}

void packet_put_number(struct packet_out *out, uint64_t value, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        const uint8_t byte = (uint8_t)(value >> 8 * i);
        packet_put_hex(out, &byte, 1);
    }
}

void packet_put_value(struct packet_out *out, uint64_t value)
{
    char text[20];

    fmt_print(text, sizeof(text), "%llx", (unsigned long long)value);
    packet_put(out, text);
}

void packet_end(struct packet_out *out)
{
    uint8_t sum = 0;

    for (uint32_t i = 1; i < out->len; i++)
        sum = (uint8_t)(sum + (uint8_t)out->text[i]);
    out->text[out->len++] = '#';
    out->text[out->len++] = packet_digits[sum >> 4];
    out->text[out->len++] = packet_digits[sum & 0xf];
}
