/* SPDX-License-Identifier: MIT */
/*
 * test_command: gdb's packets as commands, and packets that are not quite one.
 */
#include "kernel/debug/command.h"

#include "support.h"

static struct command c;

static enum command_kind parse(const char *text)
{
    command_parse(text, (uint32_t)strlen(text), &c);
    return c.kind;
}

static void test_kinds(void **state)
{
    static const struct {
        const char *text;
        enum command_kind kind;
    } rows[] = {
        {"", COMMAND_UNKNOWN},
        {"?", COMMAND_WHY},
        {"??", COMMAND_BAD},
        {"g", COMMAND_READ_ALL},
        {"g1", COMMAND_BAD},
        {"G00ff", COMMAND_WRITE_ALL},
        {"p10", COMMAND_READ_ONE},
        {"p", COMMAND_BAD},
        {"p100000000", COMMAND_BAD},
        {"P10=00", COMMAND_WRITE_ONE},
        {"P10", COMMAND_BAD},
        {"P=00", COMMAND_BAD},
        {"m0,4", COMMAND_READ},
        {"m0", COMMAND_BAD},
        {"m,4", COMMAND_BAD},
        {"m0,", COMMAND_BAD},
        {"m0,4x", COMMAND_BAD},
        {"m12345678123456789,4", COMMAND_BAD},
        {"M0,2:00ff", COMMAND_WRITE},
        {"M0,0:", COMMAND_WRITE},
        {"M0,2:00f", COMMAND_BAD},
        {"M0,8000000000000001:00", COMMAND_BAD}, /* twice that is 2 */
        {"M0,2", COMMAND_BAD},
        {"X0,2:ab", COMMAND_UNKNOWN},
        {"Z0,1000,1", COMMAND_BREAK},
        {"Z4,1000,8", COMMAND_BREAK},
        {"Z5,1000,8", COMMAND_UNKNOWN},
        {"Z0,1000,1;X3,abc", COMMAND_UNKNOWN},
        {"Z0,1000", COMMAND_BAD},
        {"Z,1000,1", COMMAND_BAD},
        {"Z01000,1", COMMAND_BAD},
        {"z1,1000,1", COMMAND_UNBREAK},
        {"Hg0", COMMAND_THREAD},
        {"Hg-1", COMMAND_THREAD},
        {"Hc-1", COMMAND_UNKNOWN},
        {"Hx1", COMMAND_BAD},
        {"Hg41", COMMAND_BAD},
        {"Hg", COMMAND_BAD},
        {"T40", COMMAND_IS_ALIVE},
        {"T", COMMAND_BAD},
        {"vCont?", COMMAND_CAN_RESUME},
        {"vCont", COMMAND_BAD},
        {"vCont;c", COMMAND_RESUME},
        {"vCont;", COMMAND_BAD},
        {"vCont;t", COMMAND_BAD},
        {"vCont;c:41", COMMAND_BAD},
        {"vCont;C", COMMAND_BAD},
        {"vCont;c:1x", COMMAND_BAD},
        {"vMustReplyEmpty", COMMAND_UNKNOWN},
        {"c", COMMAND_RESUME},
        {"c1000", COMMAND_BAD},
        {"s", COMMAND_RESUME},
        {"D", COMMAND_DETACH},
        {"D;1", COMMAND_DETACH},
        {"k", COMMAND_KILL},
        {"qSupported:xmlRegisters=i386;swbreak+", COMMAND_SUPPORTED},
        {"qSupported", COMMAND_SUPPORTED},
        {"qSupportedX", COMMAND_UNKNOWN},
        {"qXfer:features:read:target.xml:0,3fb", COMMAND_FEATURES},
        {"qXfer:features:read:target.xml:0", COMMAND_BAD},
        {"qXfer:features:read:other.xml:0,3fb", COMMAND_UNKNOWN},
        {"qfThreadInfo", COMMAND_THREADS_FIRST},
        {"qsThreadInfo", COMMAND_THREADS_NEXT},
        {"qC", COMMAND_CURRENT},
        {"qCRC:0,4", COMMAND_UNKNOWN},
        {"qAttached", COMMAND_ATTACHED},
        {"qAttached:1", COMMAND_ATTACHED},
        {"qThreadExtraInfo,2", COMMAND_THREAD_TEXT},
        {"qThreadExtraInfo,", COMMAND_BAD},
        {"Qbulkhead.physical:1", COMMAND_PHYSICAL},
        {"Qbulkhead.physical:2", COMMAND_BAD},
        {"QStartNoAckMode", COMMAND_UNKNOWN},
        {"!", COMMAND_UNKNOWN},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (parse(rows[i].text) != rows[i].kind)
            fail_msg("'%s' is %d, not %d", rows[i].text, c.kind, rows[i].kind);
}

static void test_values(void **state)
{
    (void)state;
    assert_int_equal(parse("mffffffff81000000,40"), COMMAND_READ);
    assert_true(c.address == UINT64_C(0xffffffff81000000) && c.length == 0x40);
    parse("M10,2:a0FF");
    assert_true(c.address == 0x10 && c.length == 2 && c.data_len == 4);
    assert_memory_equal(c.data, "a0FF", 4);
    parse("P11=02020000");
    assert_int_equal(c.number, 0x11);
    assert_int_equal(c.data_len, 8);
    parse("Gxx");
    assert_int_equal(c.data_len, 2);
    parse("z3,2000,8");
    assert_true(c.number == 3 && c.address == 0x2000 && c.length == 8);
    parse("qXfer:features:read:target.xml:3fb,400");
    assert_true(c.address == 0x3fb && c.length == 0x400);
    parse("Hg-1");
    assert_int_equal(c.thread, COMMAND_THREAD_ALL);
    parse("T40");
    assert_int_equal(c.thread, 64);
}

static void test_acts(void **state)
{
    (void)state;
    parse("vCont;s:2;c");
    assert_int_equal(c.acts[0], ACT_CONTINUE);
    assert_int_equal(c.acts[1], ACT_STEP);
    assert_int_equal(c.acts[63], ACT_CONTINUE);
    parse("vCont;S05:2");
    assert_int_equal(c.acts[0], ACT_STAY);
    assert_int_equal(c.acts[1], ACT_STEP);
    parse("vCont;C05:-1;s:1");
    assert_int_equal(c.acts[0], ACT_CONTINUE);
    parse("s");
    assert_int_equal(c.acts[0], ACT_STEP);
    assert_int_equal(c.acts[1], ACT_STAY);
    parse("c");
    assert_int_equal(c.acts[63], ACT_CONTINUE);
}

static void test_data(void **state)
{
    uint8_t byte = 0;
    uint64_t value = 0;

    (void)state;
    assert_true(command_byte("a5", &byte));
    assert_int_equal(byte, 0xa5);
    assert_false(command_byte("g5", &byte));
    assert_false(command_byte("5g", &byte));
    assert_true(command_number("3412000000000080", 8, &value));
    assert_true(value == UINT64_C(0x8000000000001234));
    assert_false(command_number("341", 2, &value));
    assert_false(command_number("xxxx", 2, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_acts),
        cmocka_unit_test(test_data),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
