/* SPDX-License-Identifier: MIT */
/*
 * fmt: turns a format and its arguments into text in a buffer. Pure: no state, no allocation, and
 * time bounded by the buffer's size and the format's and the texts' lengths, whatever a width says.
 */
#include "lib/fmt.h"

#define DIGITS_MAX 20 /* 2^64 - 1 in decimal; sixteen in hexadecimal */

struct out {
    char *buf;
    size_t room; /* bytes that may still be written, the final NUL not counted */
    size_t len;
};

enum length { LEN_CHAR, LEN_SHORT, LEN_INT, LEN_LONG };

/* One conversion, as it stands in the format. */
struct spec {
    bool left; /* flag - */
    bool zero; /* flag 0 */
    bool has_precision;
    enum length length;
    unsigned width;
    unsigned precision;
};

/* A number, ready to be laid out. */
struct number {
    char digits[DIGITS_MAX]; /* lowest first */
    unsigned count;
    const char *prefix; /* "-", "0x" or "" */
};

static void out_char(struct out *o, char c)
{
    if (o->room == 0)
        return;
    o->buf[o->len++] = c;
    o->room--;
}

/* Ends early when the buffer is full, so that a width of two thousand million costs nothing. */
static void out_fill(struct out *o, char c, unsigned count)
{
    for (; count > 0 && o->room > 0; count--)
        out_char(o, c);
}

static void out_bytes(struct out *o, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count && o->room > 0; i++)
        out_char(o, bytes[i]);
}

static unsigned fmt_missing(unsigned have, unsigned want)
{
    return have < want ? want - have : 0;
}

/* With a precision the text need not end with a NUL: not a byte behind it is read. */
static void fmt_text(struct out *o, const struct spec *s, const char *text)
{
    size_t limit = s->has_precision ? s->precision : SIZE_MAX;
    size_t len = 0;
    if (text == NULL)
        text = "(null)";
    while (len < limit && text[len] != '\0')
        len++;

    unsigned pad = len < s->width ? s->width - (unsigned)len : 0;
    if (!s->left)
        out_fill(o, ' ', pad);
    out_bytes(o, text, len);
    if (s->left)
        out_fill(o, ' ', pad);
}

static void number_digits(struct number *n, uint64_t value, unsigned base, const char *alphabet)
{
    n->count = 0;
    for (; value != 0; value /= base)
        n->digits[n->count++] = alphabet[value % base];
}

/* C11 7.21.6.1: a precision is a least number of digits and switches the flag 0 off. */
static void fmt_number(struct out *o, const struct spec *s, const struct number *n)
{
    unsigned prefix_len = n->prefix[0] == '\0' ? 0 : n->prefix[1] == '\0' ? 1 : 2;
    unsigned zeros = fmt_missing(n->count, s->has_precision ? s->precision : 1);
    unsigned pad = fmt_missing(n->count + prefix_len, s->width);
    pad = fmt_missing(zeros, pad);
    if (s->zero && !s->left && !s->has_precision) {
        zeros += pad;
        pad = 0;
    }

    if (!s->left)
        out_fill(o, ' ', pad);
    out_bytes(o, n->prefix, prefix_len);
    out_fill(o, '0', zeros);
    for (unsigned i = n->count; i > 0; i--)
        out_char(o, n->digits[i - 1]);
    if (s->left)
        out_fill(o, ' ', pad);
}

/* A width or precision: at most INT_MAX, as C has it; more digits change nothing. */
static const char *parse_count(const char *f, unsigned *count)
{
    uint64_t v = 0;
    for (; *f >= '0' && *f <= '9'; f++) {
        v = v * 10 + (uint64_t)(*f - '0');
        if (v > INT32_MAX)
            v = INT32_MAX;
    }
    *count = (unsigned)v;
    return f;
}

static const char *parse_length(const char *f, enum length *length)
{
    *length = LEN_INT;
    if (*f == 'z') {
        *length = LEN_LONG;
        return f + 1;
    }
    if (*f == 'l') {
        *length = LEN_LONG; /* long and long long are the same to us */
        return f[1] == 'l' ? f + 2 : f + 1;
    }
    if (*f == 'h') {
        *length = f[1] == 'h' ? LEN_CHAR : LEN_SHORT;
        return f[1] == 'h' ? f + 2 : f + 1;
    }
    return f;
}

/* A va_list cannot be passed by address portably; its wrapper can. */
struct args {
    va_list list;
};

static const char *parse_spec(const char *f, struct spec *s, struct args *a)
{
    *s = (struct spec){0};
    for (;; f++) {
        if (*f == '-')
            s->left = true;
        else if (*f == '0')
            s->zero = true;
        else
            break;
    }
    if (*f == '*') {
        int width = va_arg(a->list, int);
        s->left = s->left || width < 0;
        s->width = width < 0 ? 0u - (unsigned)width : (unsigned)width;
        f++;
    } else {
        f = parse_count(f, &s->width);
    }
    if (f[0] == '.' && f[1] == '*') {
        int precision = va_arg(a->list, int);
        s->has_precision = precision >= 0; /* a negative one counts as absent */
        s->precision = precision >= 0 ? (unsigned)precision : 0;
        f += 2;
    } else if (f[0] == '.') {
        s->has_precision = true;
        f = parse_count(f + 1, &s->precision);
    }
    return parse_length(f, &s->length);
}

static int64_t arg_signed(enum length length, struct args *a)
{
    if (length == LEN_LONG)
        return va_arg(a->list, int64_t);
    int v = va_arg(a->list, int);
    if (length == LEN_CHAR)
        return (signed char)v;
    return length == LEN_SHORT ? (short)v : v;
}

static uint64_t arg_unsigned(enum length length, struct args *a)
{
    if (length == LEN_LONG)
        return va_arg(a->list, uint64_t);
    unsigned v = va_arg(a->list, unsigned);
    if (length == LEN_CHAR)
        return (unsigned char)v;
    return length == LEN_SHORT ? (unsigned short)v : v;
}

static void fmt_signed(struct out *o, const struct spec *s, int64_t value)
{
    struct number n = {.prefix = value < 0 ? "-" : ""};
    number_digits(&n, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 10, "0123456789");
    fmt_number(o, s, &n);
}

static void fmt_hex(struct out *o, const struct spec *s, uint64_t value, bool upper,
                    const char *prefix)
{
    struct number n = {.prefix = prefix};
    number_digits(&n, value, 16, upper ? "0123456789ABCDEF" : "0123456789abcdef");
    fmt_number(o, s, &n);
}

static void fmt_unsigned(struct out *o, const struct spec *s, uint64_t value)
{
    struct number n = {.prefix = ""};
    number_digits(&n, value, 10, "0123456789");
    fmt_number(o, s, &n);
}

/* `f` stands behind the '%'; returns where the text goes on. */
static const char *fmt_one(struct out *o, const char *f, struct args *a)
{
    struct spec s;
    const char *start = f;
    f = parse_spec(f, &s, a);
    switch (*f) {
    case 'd':
    case 'i':
        fmt_signed(o, &s, arg_signed(s.length, a));
        break;
    case 'u':
        fmt_unsigned(o, &s, arg_unsigned(s.length, a));
        break;
    case 'x':
    case 'X':
        fmt_hex(o, &s, arg_unsigned(s.length, a), *f == 'X', "");
        break;
    case 'p':
        fmt_hex(o, &s, (uintptr_t)va_arg(a->list, void *), false, "0x");
        break;
    case 's':
        fmt_text(o, &s, va_arg(a->list, const char *));
        break;
    case 'c': {
        char c = (char)va_arg(a->list, int);
        s.has_precision = false; /* means nothing here */
        if (!s.left)
            out_fill(o, ' ', fmt_missing(1, s.width));
        out_char(o, c);
        if (s.left)
            out_fill(o, ' ', fmt_missing(1, s.width));
        break;
    }
    case '%':
        out_char(o, '%');
        break;
    default: /* no conversion of ours: show it as it is written, PRINTF_LIKE has already warned */
        out_char(o, '%');
        return start;
    }
    return f + 1;
}

size_t fmt_vprint(char *buf, size_t size, const char *fmt, va_list args)
{
    if (size == 0)
        return 0;
    struct out o = {.buf = buf, .room = size - 1};
    struct args a;
    va_copy(a.list, args);
    while (*fmt != '\0') {
        if (*fmt == '%')
            fmt = fmt_one(&o, fmt + 1, &a);
        else
            out_char(&o, *fmt++);
    }
    va_end(a.list);
    o.buf[o.len] = '\0';
    return o.len;
}

size_t fmt_print(char *buf, size_t size, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    size_t len = fmt_vprint(buf, size, fmt, args);
    va_end(args);
    return len;
}

size_t fmt_size(char *buf, size_t size, uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    unsigned unit = 0;
    while (bytes != 0 && bytes % KIB == 0 && unit + 1 < ARRAY_SIZE(units)) {
        bytes /= KIB;
        unit++;
    }
    return fmt_print(buf, size, "%lu %s", bytes, units[unit]);
}
