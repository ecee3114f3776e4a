/* SPDX-License-Identifier: MIT */
/*
 * icr: writes every kind of interrupt command to vapic_write_icr() and looks at what it would do.
 * SDM "Interrupt Command Register (ICR)"; docs/guest-abi.md for what is ours.
 */
#include "vdev/vapic.h"

#include "lib/bits.h"
#include "lib/x86/msr.h"
#include "probe.h"

#define ROUNDS    200000
#define FIXED     0x000u
#define LOWEST    0x100u
#define SMI       0x200u
#define RESERVED3 0x300u
#define NMI       0x400u
#define INIT      0x500u
#define START     0x600u
#define EXTINT    0x700u
#define LOGICAL   0x800u
#define BUSY      0x1000u
#define ASSERTED  0x4000u
#define LEVEL     0x8000u
#define SELF      0x40000u
#define ALL       0x80000u
#define OTHERS    0xc0000u
#define EVERYBODY 0xffffffffu

#define ICR_RESERVED (BIT64(13) | MASK64(17, 16) | MASK64(31, 20))

enum { INSIDE, WHO, KINDS, NEVER, ONE, LEVELS, SENT, REFUSED, READ, CHECKS };

static struct probe_check checks[CHECKS] = {
    [INSIDE] = {.what = "targets are cores of the sender's guest only, whatever is written"},
    [WHO] = {.what = "a destination, a logical destination or a shorthand names these cores"},
    [KINDS] = {.what = "each delivery mode becomes its kind of action"},
    [NEVER] = {.what =
                   "SMI, reserved modes and what reaches nobody are taken, and nothing happens"},
    [ONE] = {.what = "lowest priority reaches one core: the first of those addressed"},
    [LEVELS] = {.what = "INIT is not a de-assert: level-triggered without assert is nothing"},
    [SENT] = {.what = "of what is sent the hardware gets vector and assert only"},
    [REFUSED] =
        {.what = "a reserved bit is refused and changes nothing; bit 12 is taken and forgotten"},
    [READ] = {.what = "the guest reads back what it wrote"},
};

/* A guest of four cores; the sender is the second. */
static const struct vapic_peers peers = {.count = 4, .self = 1, .apic_ids = {4, 6, 0x13, 0x21}};

static struct vapic apic;
static struct vapic_action action;

static const char *kind_text(enum vapic_action_kind kind)
{
    static const char *const texts[] = {"nothing",   "VAPIC_WRITE", "VAPIC_SEND",
                                        "VAPIC_NMI", "VAPIC_INIT",  "VAPIC_START"};

    return kind < sizeof(texts) / sizeof(*texts) ? texts[kind] : "an unknown kind";
}

static const char *action_text(char buf[200], bool taken, uint64_t icr)
{
    return probe_text(buf, 200, "%s, targets 0x%llx, after 0x%llx%s", kind_text(action.kind),
                      (unsigned long long)action.targets, (unsigned long long)icr,
                      taken ? "" : ", and false");
}

/* One write, and what should come of it. */
static void expect(unsigned check, const char *what, uint32_t destination, uint32_t command,
                   enum vapic_action_kind kind, uint64_t targets)
{
    const uint64_t icr = (uint64_t)destination << 32 | command;
    const bool taken = vapic_write_icr(&apic, &peers, icr, &action);
    const bool good = taken && action.kind == kind &&
                      (kind == VAPIC_NOTHING || action.targets == targets) &&
                      (kind != VAPIC_START || action.vector == (command & 0xff));
    char buf[200];

    probe_case(&checks[check], good, TEXT("%s: %s", what, action_text(buf, taken, icr)),
               TEXT("%s, targets 0x%llx, and true", kind_text(kind), (unsigned long long)targets));
    if (taken && action.kind == VAPIC_SEND)
        probe_case(&checks[SENT], action.value == (ASSERTED | (command & 0xff)),
                   TEXT("value 0x%llx after 0x%llx", (unsigned long long)action.value,
                        (unsigned long long)icr),
                   TEXT("0x%x", ASSERTED | (command & 0xff)));
}

static void look_who(void)
{
    expect(WHO, "fixed to id 0x13", 0x13, FIXED | 0x40, VAPIC_SEND, 0x4);
    expect(WHO, "fixed to the sender's id", 6, FIXED | 0x40, VAPIC_SEND, 0x2);
    expect(WHO, "fixed to everybody", EVERYBODY, FIXED | 0x40, VAPIC_SEND, 0xf);
    expect(WHO, "fixed to everybody, logical", EVERYBODY, LOGICAL | 0x40, VAPIC_SEND, 0xf);
    expect(WHO, "logical, cluster 0, bits 4 and 6", 0x50, LOGICAL | 0x40, VAPIC_SEND, 0x3);
    expect(WHO, "logical, cluster 2, bit 1", 0x20002, LOGICAL | 0x40, VAPIC_SEND, 0x8);
    expect(WHO, "self", 0, SELF | 0x40, VAPIC_SEND, 0x2);
    expect(WHO, "self, with another destination", 4, SELF | 0x40, VAPIC_SEND, 0x2);
    expect(WHO, "all", 0, ALL | 0x40, VAPIC_SEND, 0xf);
    expect(WHO, "all but self", 0, OTHERS | 0x40, VAPIC_SEND, 0xd);
}

static void look_kinds(void)
{
    expect(KINDS, "fixed", 0x13, FIXED | 0x40, VAPIC_SEND, 0x4);
    expect(KINDS, "NMI", 4, NMI | ASSERTED, VAPIC_NMI, 0x1);
    expect(KINDS, "NMI to the others", 0, OTHERS | NMI, VAPIC_NMI, 0xd);
    expect(KINDS, "INIT, edge and assert", 0x13, INIT | ASSERTED, VAPIC_INIT, 0x4);
    expect(KINDS, "SIPI with vector 0x99", 0x13, START | ASSERTED | 0x99, VAPIC_START, 0x4);
    expect(NEVER, "SMI", 4, SMI, VAPIC_NOTHING, 0);
    expect(NEVER, "SMI to all", 0, ALL | SMI, VAPIC_NOTHING, 0);
    expect(NEVER, "mode 3", 0, ALL | RESERVED3 | 0x40, VAPIC_NOTHING, 0);
    expect(NEVER, "mode 7, ExtINT", 0, ALL | EXTINT | 0x40, VAPIC_NOTHING, 0);
    expect(NEVER, "fixed to a stranger's id", 5, FIXED | 0x40, VAPIC_NOTHING, 0);
    expect(NEVER, "NMI to a stranger's id", 7, NMI | ASSERTED, VAPIC_NOTHING, 0);
    expect(NEVER, "logical, nobody's cluster", 0x3ffff, LOGICAL | 0x40, VAPIC_NOTHING, 0);
    expect(ONE, "lowest priority, cluster 0", 0xffff, LOGICAL | LOWEST | 0x40, VAPIC_SEND, 0x1);
    expect(ONE, "lowest priority, all but self", 0, OTHERS | LOWEST | 0x40, VAPIC_SEND, 0x1);
    expect(LEVELS, "INIT, level and assert", 0x13, INIT | LEVEL | ASSERTED, VAPIC_INIT, 0x4);
    expect(LEVELS, "INIT, edge, no assert", 0x13, INIT, VAPIC_INIT, 0x4);
    expect(LEVELS, "INIT level de-assert", 0x13, INIT | LEVEL, VAPIC_NOTHING, 0);
    expect(LEVELS, "INIT level de-assert to all", 0, ALL | INIT | LEVEL, VAPIC_NOTHING, 0);
}

static uint64_t icr_read(void)
{
    uint64_t value = 0;

    (void)vapic_read(&apic, MSR_X2APIC_ICR, &value);
    return value;
}

static void look_reserved(void)
{
    const uint64_t before = UINT64_C(4) << 32 | FIXED | 0x40;

    for (unsigned bit = 0; bit < 64; bit++) {
        const uint64_t value = before ^ BIT64(bit);
        const bool refused = (ICR_RESERVED & BIT64(bit)) != 0;
        (void)vapic_write_icr(&apic, &peers, before, &action);
        const bool taken = vapic_write_icr(&apic, &peers, value, &action);

        probe_case(&checks[REFUSED],
                   taken != refused &&
                       (taken || (action.kind == VAPIC_NOTHING && icr_read() == before)),
                   TEXT("bit %u: %s, then reads 0x%llx", bit, taken ? "true" : "false",
                        (unsigned long long)icr_read()),
                   TEXT("%s", refused ? "false, no action, and the ICR as before" : "true"));
        if (taken && !refused)
            probe_case(&checks[bit == 12 ? REFUSED : READ], icr_read() == (value & ~(uint64_t)BUSY),
                       TEXT("0x%llx after 0x%llx", (unsigned long long)icr_read(),
                            (unsigned long long)value),
                       TEXT("0x%llx", (unsigned long long)(value & ~(uint64_t)BUSY)));
    }
}

/* From a fixed seed: the same each time. */
static uint64_t next(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state ^ *state >> 29;
}

static void look_random(void)
{
    uint64_t seed = 1;

    for (uint32_t i = 0; i < ROUNDS; i++) {
        struct vapic_peers some = peers;
        some.count = 1 + (uint32_t)(next(&seed) % VAPIC_PEERS_MAX);
        for (uint32_t p = 0; p < some.count; p++)
            some.apic_ids[p] = 3 * p + 1;
        some.self = (uint32_t)(next(&seed) % some.count);
        const uint64_t icr = next(&seed) & ~ICR_RESERVED;
        const bool taken = vapic_write_icr(&apic, &some, icr, &action);
        const uint64_t own = ~UINT64_C(0) >> (64 - some.count);
        char buf[200];

        probe_case(&checks[INSIDE], (action.targets & ~own) == 0 && action.kind != VAPIC_WRITE,
                   TEXT("%s, with %u cores", action_text(buf, taken, icr), some.count),
                   TEXT("targets within 0x%llx", (unsigned long long)own));
    }
}

int main(void)
{
    vapic_reset(&apic, 6);
    look_random();
    look_who();
    look_kinds();
    look_reserved();
    probe_end(checks, CHECKS);
    return 0;
}
