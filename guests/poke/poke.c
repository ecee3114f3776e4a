/* SPDX-License-Identifier: MIT */
/*
 * poke: does what its command line says, word by word, and says what came of it; then it powers
 * off. For experiments with what a guest may do (docs/study/labs). Words, numbers in hexadecimal:
 * rdmsr=INDEX, wrmsr=INDEX,VALUE, in=PORT, out=PORT,VALUE (a byte), cpuid=LEAF, call=NUMBER,RBX,RCX
 * (a hypercall), icr=COMMAND (to each APIC id from 0 to 3f but its own), wait=MS, restart. A word
 * that it does not know is a crash.
 */
#include "guests/kit/bulkhead.h"
#include "guests/kit/kit.h"
#include "guests/kit/timing.h"
#include "guests/kit/try.h"
#include "guests/kit/x2apic.h"
#include "lib/string.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"

#define ARGUMENTS 3
#define WORD_MAX  64
#define APIC_IDS  64u

static int poke_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Numbers between commas, those that are missing 0; false: it is something else. */
static bool poke_arguments(const char *text, uint64_t numbers[ARGUMENTS])
{
    memset(numbers, 0, ARGUMENTS * sizeof(*numbers));
    for (uint32_t i = 0; i < ARGUMENTS; i++) {
        for (; poke_digit(*text) >= 0; text++)
            numbers[i] = numbers[i] << 4 | (uint64_t)poke_digit(*text);
        if (*text != ',')
            break;
        text++;
    }
    return *text == '\0';
}

static void poke_say(const char *word, struct fault f)
{
    if (f.taken)
        print("%s: exception %u, error code 0x%x\n", word, f.vector, f.error_code);
    else
        print("%s: done\n", word);
}

static void poke_read_msr(const char *word, uint32_t index)
{
    uint64_t value = 0;
    const struct fault f = try_rdmsr(index, &value);

    if (f.taken)
        poke_say(word, f);
    else
        print("%s: 0x%lx\n", word, value);
}

/* Whoever has that id, this guest or another. */
static void poke_send_all(const char *word, uint32_t command)
{
    const uint32_t self = x2apic_id();
    struct fault f = {.taken = false};

    for (uint32_t id = 0; id < APIC_IDS && !f.taken; id++)
        if (id != self)
            f = try_wrmsr(MSR_X2APIC_ICR, (uint64_t)id << 32 | command);
    poke_say(word, f);
}

/* What `word` names before its '=', with the numbers after it; false: no such word. */
static bool poke_do(const char *word, const char *name, const uint64_t n[ARGUMENTS])
{
    if (strcmp(name, "rdmsr") == 0) {
        poke_read_msr(word, (uint32_t)n[0]);
    } else if (strcmp(name, "wrmsr") == 0) {
        poke_say(word, try_wrmsr((uint32_t)n[0], n[1]));
    } else if (strcmp(name, "in") == 0) {
        print("%s: 0x%x\n", word, in8((uint16_t)n[0]));
    } else if (strcmp(name, "out") == 0) {
        out8((uint16_t)n[0], (uint8_t)n[1]);
        print("%s: done\n", word);
    } else if (strcmp(name, "cpuid") == 0) {
        const struct cpuid_regs r = cpuid((uint32_t)n[0], 0);
        print("%s: 0x%x 0x%x 0x%x 0x%x\n", word, r.eax, r.ebx, r.ecx, r.edx);
    } else if (strcmp(name, "call") == 0) {
        print("%s: %ld\n", word, bulkhead_call2(n[0], n[1], n[2]));
    } else if (strcmp(name, "icr") == 0) {
        poke_send_all(word, (uint32_t)n[0]);
    } else if (strcmp(name, "wait") == 0) {
        sleep_for(n[0] * NS_PER_MS);
    } else if (strcmp(name, "restart") == 0) {
        (void)bulkhead_restart();
    } else {
        return false;
    }
    return true;
}

static void poke_word(const char *word)
{
    uint64_t numbers[ARGUMENTS] = {0};
    char name[WORD_MAX] = "";
    uint32_t len = 0;

    while (word[len] != '\0' && word[len] != '=' && len < WORD_MAX - 1) {
        name[len] = word[len];
        len++;
    }
    if ((word[len] == '=' && !poke_arguments(word + len + 1, numbers)) ||
        !poke_do(word, name, numbers))
        fatal(1, "I do not know how to do '%s'", word);
}

int main(void)
{
    const char *text = cmdline();
    char word[WORD_MAX];

    x2apic_enable();
    while (*text != '\0') {
        uint32_t len = 0;
        for (; *text != '\0' && *text != ' '; text++)
            if (len < WORD_MAX - 1)
                word[len++] = *text;
        word[len] = '\0';
        if (len > 0)
            poke_word(word);
        while (*text == ' ')
            text++;
    }
    return 0;
}
