/* SPDX-License-Identifier: MIT */
/*
 * test_packet: frames as gdb sends them, whole and damaged, and answers as it wants them.
 */
#include "kernel/debug/packet.h"

#include "support.h"

static struct packet_in in;
static struct packet_out out;

/* All of `bytes`; what the last of them was. */
static enum packet_event take(const char *bytes)
{
    enum packet_event event = PACKET_NOTHING;

    for (; *bytes; bytes++)
        event = packet_take(&in, (uint8_t)*bytes);
    return event;
}

static void test_arrives(void **state)
{
    (void)state;
    in = (struct packet_in){0};
    assert_int_equal(take("$g#6"), PACKET_NOTHING);
    assert_int_equal(take("7"), PACKET_READY);
    assert_string_equal(in.text, "g");
    assert_int_equal(in.len, 1);
    assert_int_equal(take("$#00"), PACKET_READY);
    assert_int_equal(in.len, 0);
    assert_int_equal(take("noise$qC#B4"), PACKET_READY);
    assert_string_equal(in.text, "qC");
}

static void test_between_packets(void **state)
{
    (void)state;
    in = (struct packet_in){0};
    assert_int_equal(take("+"), PACKET_ACK);
    assert_int_equal(take("-"), PACKET_NAK);
    assert_int_equal(take("\x03"), PACKET_INTERRUPT);
    assert_int_equal(take("#7f"), PACKET_NOTHING);
    assert_int_equal(take("$\x03+-#5b"), PACKET_READY); /* within one they are text */
    assert_string_equal(in.text, "\x03+-");
}

static void test_damaged(void **state)
{
    (void)state;
    in = (struct packet_in){0};
    assert_int_equal(take("$g#66"), PACKET_DAMAGED);
    assert_int_equal(take("$g#g7"), PACKET_DAMAGED);
    assert_int_equal(take("$g#6-"), PACKET_DAMAGED);
    assert_int_equal(take("$m1,2$g#67"), PACKET_READY); /* an end was lost */
    assert_string_equal(in.text, "g");
}

static void test_longest(void **state)
{
    char frame[PACKET_MAX + 8];

    (void)state;
    in = (struct packet_in){0};
    memset(frame, 'a', sizeof(frame));
    frame[0] = '$';
    strcpy(frame + 1 + PACKET_MAX, "#00"); /* 1024 times 0x61 */
    assert_int_equal(take(frame), PACKET_READY);
    assert_int_equal(in.len, PACKET_MAX);
    strcpy(frame + 1 + PACKET_MAX, "a#61");
    assert_int_equal(take(frame), PACKET_DAMAGED);
    assert_int_equal(in.len, PACKET_MAX);
    assert_int_equal(take("$g#67"), PACKET_READY);
}

static void sends(const char *frame)
{
    packet_end(&out);
    assert_int_equal(out.len, strlen(frame));
    assert_memory_equal(out.text, frame, out.len);
}

static void test_answers(void **state)
{
    static const uint8_t bytes[] = {0x00, 0x7f, 0xe5};

    (void)state;
    packet_begin(&out);
    sends("$#00");
    packet_begin(&out);
    packet_put(&out, "OK");
    sends("$OK#9a");
    packet_begin(&out);
    packet_put_hex(&out, bytes, sizeof(bytes));
    packet_put_number(&out, 0x1234, 4);
    packet_put_value(&out, 0x1f);
    packet_put_bytes(&out, "xyz", 2);
    sends("$007fe5341200001fxy#a9");
}

static void test_full(void **state)
{
    (void)state;
    packet_begin(&out);
    for (uint32_t i = 0; i < PACKET_MAX; i++)
        packet_put(&out, "b");
    assert_int_equal(packet_room(&out), 0);
    packet_put_hex(&out, (const uint8_t *)"c", 1);
    packet_end(&out);
    assert_int_equal(out.len, PACKET_MAX + 4);
    assert_memory_equal(out.text + PACKET_MAX, "b#00", 4);
    assert_int_equal(packet_digit('F'), 15);
    assert_int_equal(packet_digit('`'), 16);
    assert_int_equal(packet_digit('G'), 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arrives), cmocka_unit_test(test_between_packets),
        cmocka_unit_test(test_damaged), cmocka_unit_test(test_longest),
        cmocka_unit_test(test_answers), cmocka_unit_test(test_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
