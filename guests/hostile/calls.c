/* SPDX-License-Identifier: MIT */
/*
 * calls: every hypercall with good and bad arguments, and that a call changes nothing but what the
 * contract says.
 */
#include "guests/hostile/hostile.h"
#include "guests/kit/bulkhead.h"
#include "guests/kit/timing.h"
#include "lib/string.h"

#define PATTERN(n) (UINT64_C(0x1111111111111111) * (n))
#define FLAGS      UINT64_C(0xcd7) /* CF, PF, AF, ZF, SF, DF, OF and bit 1; IF = TF = 0 */

static int64_t data_call(uint64_t number, uint64_t argument)
{
    struct bulkhead_data data = {{0}};
    return bulkhead_call(number, argument, &data);
}

static void calls_unknown(void)
{
    static const struct {
        const char *id;
        uint64_t number;
    } rows[] = {
        {"call-unknown-0", 0},
        {"call-unknown-1", 1},
        {"call-unknown-below", BULKHEAD_CALL_BASE - 1},
        {"call-unknown-above", BULKHEAD_CALL_BASE + BULKHEAD_CALL_COUNT},
        {"call-unknown-2-31", UINT64_C(1) << 31},
        {"call-unknown-2-63", UINT64_C(1) << 63},
        {"call-unknown-minus-1", ~UINT64_C(0)},
        {"call-unknown-upper-half", UINT64_C(1) << 32 | BULKHEAD_CALL_VERSION},
    };

    row("HC-01");
    for (uint32_t i = 0; i < ARRAY_SIZE(rows); i++)
        check_equal(rows[i].id, (uint64_t)data_call(rows[i].number, 0),
                    (uint64_t)BULKHEAD_ERROR_UNKNOWN);
}

/* Lengths that no console call takes. */
static void calls_lengths(const char *const ids[6], uint64_t number)
{
    static const uint64_t lengths[6] = {
        0,
        BULKHEAD_CONSOLE_MAX + 1,
        UINT64_C(1) << 31,
        UINT64_C(1) << 32,
        (UINT64_C(1) << 32) + 1,
        ~UINT64_C(0),
    };

    for (uint32_t i = 0; i < ARRAY_SIZE(lengths); i++)
        check_equal(ids[i], (uint64_t)data_call(number, lengths[i]),
                    (uint64_t)BULKHEAD_ERROR_ARGUMENT);
}

static void calls_console(void)
{
    static const char *const write_ids[6] = {
        "write-0", "write-49", "write-2-31", "write-2-32", "write-2-32-plus-1", "write-minus-1",
    };
    static const char *const read_ids[6] = {
        "read-0", "read-49", "read-2-31", "read-2-32", "read-2-32-plus-1", "read-minus-1",
    };
    static const char line[] = "a line of forty-eight bytes, in one hypercall..\n";
    _Static_assert(sizeof(line) == BULKHEAD_CONSOLE_MAX + 1, "with its NUL");

    row("HC-05");
    calls_lengths(write_ids, BULKHEAD_CALL_CONSOLE_WRITE);
    calls_lengths(read_ids, BULKHEAD_CALL_CONSOLE_READ);

    int64_t taken = 0;
    for (int tries = 0; tries < 1000 && taken == 0; tries++) {
        taken = bulkhead_console_write(line, BULKHEAD_CONSOLE_MAX);
        spin_for(NS_PER_MS);
    }
    check_equal("write-48", (uint64_t)taken, BULKHEAD_CONSOLE_MAX);

    int64_t given = data_call(BULKHEAD_CALL_CONSOLE_READ, BULKHEAD_CONSOLE_MAX);
    check("read-48", given >= 0 && given <= BULKHEAD_CONSOLE_MAX, "%ld bytes", given);
}

static void calls_arguments(void)
{
    static const struct {
        const char *id;
        uint64_t number, rbx, rcx;
    } rows[] = {
        {"timer-vector-0", BULKHEAD_CALL_TIMER_SET, UINT64_MAX, 0},
        {"timer-vector-31", BULKHEAD_CALL_TIMER_SET, UINT64_MAX, 31},
        {"timer-vector-256", BULKHEAD_CALL_TIMER_SET, UINT64_MAX, 256},
        {"timer-vector-2-32", BULKHEAD_CALL_TIMER_SET, UINT64_MAX, UINT64_C(1) << 32 | 0x40},
        {"timer-vector-minus-1", BULKHEAD_CALL_TIMER_SET, UINT64_MAX, ~UINT64_C(0)},
        {"power-off-256", BULKHEAD_CALL_POWER_OFF, 256, 0},
        {"power-off-2-32", BULKHEAD_CALL_POWER_OFF, UINT64_C(1) << 32, 0},
        {"power-off-minus-1", BULKHEAD_CALL_POWER_OFF, ~UINT64_C(0), 0},
        {"crash-512", BULKHEAD_CALL_CRASH, BULKHEAD_CRASH_LAST + 1, 0},
        {"crash-2-32", BULKHEAD_CALL_CRASH, UINT64_C(1) << 32, 0},
        {"crash-minus-1", BULKHEAD_CALL_CRASH, ~UINT64_C(0), 0},
        {"link-info-4", BULKHEAD_CALL_LINK_INFO, 4, 0},
        {"link-info-2-32", BULKHEAD_CALL_LINK_INFO, UINT64_C(1) << 32, 0},
        {"link-info-minus-1", BULKHEAD_CALL_LINK_INFO, ~UINT64_C(0), 0},
        {"link-ring-4", BULKHEAD_CALL_LINK_RING, 4, 0},
        {"link-ring-minus-1", BULKHEAD_CALL_LINK_RING, ~UINT64_C(0), 0},
        {"link-vector-4", BULKHEAD_CALL_LINK_VECTOR, 4, 0x80},
        {"link-vector-minus-1", BULKHEAD_CALL_LINK_VECTOR, ~UINT64_C(0), 0x80},
    };

    for (uint32_t i = 0; i < ARRAY_SIZE(rows); i++)
        check_equal(rows[i].id, (uint64_t)bulkhead_call2(rows[i].number, rows[i].rbx, rows[i].rcx),
                    (uint64_t)BULKHEAD_ERROR_ARGUMENT);
}

static void calls_time(void)
{
    uint64_t before = bulkhead_time();
    uint64_t tsc = tsc_now();
    bool back = false;

    row("ABI");
    for (int i = 0; i < 1000; i++) {
        uint64_t now = bulkhead_time();
        back = back || now < before;
        before = now;
    }
    check("time-forward", !back, "the clock went back");

    uint64_t start = bulkhead_time();
    tsc = tsc_now();
    spin_for(20 * NS_PER_MS);
    uint64_t passed = bulkhead_time() - start;
    uint64_t expected = tsc_to_ns(tsc_now() - tsc);
    check("time-rate", passed < expected + expected / 100 && expected < passed + passed / 100,
          "%lu ns, by the TSC %lu ns", passed, expected);
}

static const struct registers full = {
    .rax = 0,
    .rbx = PATTERN(1),
    .rcx = PATTERN(2),
    .rdx = PATTERN(3),
    .rsi = PATTERN(4),
    .rdi = PATTERN(5),
    .rbp = PATTERN(6),
    .r8 = PATTERN(7),
    .r9 = PATTERN(8),
    .r10 = PATTERN(9),
    .r11 = PATTERN(10),
    .r12 = PATTERN(11),
    .r13 = PATTERN(12),
    .r14 = PATTERN(13),
    .r15 = PATTERN(14),
    .rflags = FLAGS,
};

/* RAX = result, and all else as it was. */
static void calls_keep(const char *id, struct registers in, uint64_t result)
{
    struct registers out;

    registers_call(&in, &out);
    in.rax = result;
    const uint64_t *want = &in.rax, *got = &out.rax;
    for (uint32_t i = 0; i < sizeof(in) / sizeof(*want); i++) {
        if (got[i] != want[i]) {
            check(id, false, "word %u of struct registers is 0x%lx, want 0x%lx", i, got[i],
                  want[i]);
            return;
        }
    }
    check(id, true, " ");
}

/* A read fills all data registers; what is no data in them is 0, and nobody's left-over. */
static void calls_keep_read(void)
{
    struct registers in = full, out;

    in.rax = BULKHEAD_CALL_CONSOLE_READ;
    in.rbx = 1;
    registers_call(&in, &out);
    bool clean = out.rcx <= 0xff && out.rdx == 0 && out.rsi == 0 && out.rdi == 0 && out.r8 == 0 &&
                 out.r9 == 0;
    check("keep-read-data", clean, "RCX 0x%lx RDX 0x%lx RSI 0x%lx RDI 0x%lx R8 0x%lx R9 0x%lx",
          out.rcx, out.rdx, out.rsi, out.rdi, out.r8, out.r9);
    check("keep-read-other",
          out.rbx == in.rbx && out.rbp == in.rbp && out.r10 == in.r10 && out.r11 == in.r11 &&
              out.r12 == in.r12 && out.r13 == in.r13 && out.r14 == in.r14 && out.r15 == in.r15 &&
              out.rflags == in.rflags,
          "a register that is not for data changed");
}

static void calls_registers(void)
{
    struct registers in = full;

    row("HC-11");
    calls_keep("keep-unknown", in, (uint64_t)BULKHEAD_ERROR_UNKNOWN);
    in.rax = BULKHEAD_CALL_VERSION;
    calls_keep("keep-version", in, BULKHEAD_ABI_VERSION);
    in.rax = BULKHEAD_CALL_CONSOLE_WRITE; /* RBX is too long */
    calls_keep("keep-write-refused", in, (uint64_t)BULKHEAD_ERROR_ARGUMENT);
    in.rax = BULKHEAD_CALL_CONSOLE_READ;
    calls_keep("keep-read-refused", in, (uint64_t)BULKHEAD_ERROR_ARGUMENT);
    in.rax = BULKHEAD_CALL_TIMER_SET; /* RCX is no vector */
    calls_keep("keep-timer-refused", in, (uint64_t)BULKHEAD_ERROR_ARGUMENT);
    in.rbx = 0;
    in.rcx = VECTOR_SLEEP;
    calls_keep("keep-timer", in, BULKHEAD_OK);
    calls_keep_read();
}

void hostile_calls(void)
{
    check_equal("call-version", (uint64_t)bulkhead_version(), BULKHEAD_ABI_VERSION);
    calls_unknown();
    calls_console();
    calls_arguments();
    calls_time();
    calls_registers();
}
