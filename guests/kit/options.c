/* SPDX-License-Identifier: MIT */
/*
 * options: words of the command line. Pure.
 */
#include "guests/kit/kit.h"
#include "lib/string.h"

static bool is_end(char c)
{
    return c == '\0' || c == ' ';
}

/* The text behind NAME or NAME=, or NULL. */
static const char *option_find(const char *name)
{
    size_t len = strlen(name);
    const char *word = cmdline();

    while (*word != '\0') {
        if (strlen(word) >= len && memcmp(word, name, len) == 0) {
            if (word[len] == '=')
                return word + len + 1;
            if (is_end(word[len]))
                return word + len;
        }
        while (!is_end(*word))
            word++;
        while (*word == ' ')
            word++;
    }
    return NULL;
}

bool option_set(const char *name)
{
    return option_find(name) != NULL;
}

bool option_is(const char *name, const char *value)
{
    const char *text = option_find(name);
    size_t len = strlen(value);

    return text != NULL && strlen(text) >= len && memcmp(text, value, len) == 0 &&
           is_end(text[len]);
}

uint64_t option_number(const char *name, uint64_t fallback)
{
    const char *text = option_find(name);
    uint64_t n = 0;

    if (text == NULL || is_end(*text))
        return fallback;
    for (; !is_end(*text); text++) {
        if (*text < '0' || *text > '9' || n > UINT64_MAX / 10 - 1)
            return fallback;
        n = n * 10 + (uint64_t)(*text - '0');
    }
    return n;
}
