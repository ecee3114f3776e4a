/* SPDX-License-Identifier: MIT */
/*
 * text_span: cuts and compares pieces of text. Reads no byte outside the span it is given. Pure.
 */
#include "kernel/config/text_span.h"

#include "lib/bits.h"
#include "lib/string.h"

bool span_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

bool span_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

char span_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool span_is_letter(char c)
{
    return span_lower(c) >= 'a' && span_lower(c) <= 'z';
}

struct span span_of(const char *text)
{
    return (struct span){.at = text, .len = strlen(text)};
}

struct span span_from(struct span s, size_t from)
{
    if (from > s.len)
        from = s.len;
    return (struct span){.at = s.at + from, .len = s.len - from};
}

struct span span_trim(struct span s)
{
    while (s.len > 0 && span_is_blank(s.at[0]))
        s = span_from(s, 1);
    while (s.len > 0 && span_is_blank(s.at[s.len - 1]))
        s.len--;
    return s;
}

size_t span_find(struct span s, char c)
{
    size_t i = 0;

    while (i < s.len && s.at[i] != c)
        i++;
    return i;
}

struct span span_word(struct span *rest)
{
    struct span word = span_trim(*rest);
    size_t len = 0;

    while (len < word.len && !span_is_blank(word.at[len]))
        len++;
    *rest = span_from(word, len);
    word.len = len;
    return word;
}

bool span_is(struct span s, const char *word)
{
    return s.len == strlen(word) && memcmp(s.at, word, s.len) == 0;
}

bool span_is_any_case(struct span s, const char *word)
{
    if (s.len != strlen(word))
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (span_lower(s.at[i]) != span_lower(word[i]))
            return false;
    return true;
}

int span_compare(struct span s, const char *word)
{
    for (size_t i = 0; i < s.len; i++)
        if (span_lower(s.at[i]) != span_lower(word[i]))
            return (uint8_t)span_lower(s.at[i]) < (uint8_t)span_lower(word[i]) ? -1 : 1;
    return word[s.len] == '\0' ? 0 : -1;
}

/* 0..35, or 36 for what is neither digit nor letter. */
static uint32_t span_digit(char c)
{
    if (span_is_digit(c))
        return (uint32_t)(c - '0');
    return span_is_letter(c) ? (uint32_t)(span_lower(c) - 'a') + 10 : 36;
}

static bool span_digits(struct span s, uint32_t base, uint64_t *out)
{
    uint64_t value = 0;

    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        uint32_t digit = span_digit(s.at[i]);
        if (digit >= base)
            return false;
        if (!mul_u64(value, base, &value) || !add_u64(value, digit, &value))
            value = UINT64_MAX; /* stays there: multiplying it overflows again */
    }
    *out = value;
    return true;
}

bool span_number(struct span s, uint64_t *out)
{
    return span_digits(s, 10, out);
}

bool span_hex(struct span s, uint64_t *out)
{
    if (s.len < 2 || s.at[0] != '0' || span_lower(s.at[1]) != 'x')
        return false;
    return span_digits(span_from(s, 2), 16, out);
}

bool span_hex_digits(struct span s, size_t digits, uint32_t *out)
{
    uint64_t value;

    if (s.len != digits || !span_digits(s, 16, &value))
        return false;
    *out = (uint32_t)value;
    return true;
}

bool span_has_word(const char *text, const char *begin)
{
    const size_t len = strlen(begin);
    struct span rest = span_of(text), word;

    while ((word = span_word(&rest)).len > 0)
        if (word.len >= len && memcmp(word.at, begin, len) == 0)
            return true;
    return false;
}
