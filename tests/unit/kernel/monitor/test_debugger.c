/* SPDX-License-Identifier: MIT */
/*
 * test_debugger: what gdb asks, byte by byte at a serial port, and what it is answered, of a guest
 * of three vCPUs of which the last has not been started.
 */
#include "kernel/monitor/debugger.h"

#include <stdio.h>

#include "kernel/vm/debug.h"
#include "lib/uart16550.h"
#include "lib/x86/cr.h"
#include "lib/x86/msr.h"
#include "support.h"

#define VCPUS 3

/* ------------------------------------------------------------------ the port */

static char typed[4096], said[8192];
static size_t typed_at, typed_len, said_len, fifo;
static bool port_answers;

bool uart_init(struct uart *uart, uint16_t port, uint32_t baud)
{
    assert_int_equal(port, UART_COM2);
    assert_int_equal(baud, 115200);
    uart->port = port_answers ? port : 0;
    return port_answers;
}

bool uart_get(const struct uart *uart, uint8_t *byte)
{
    assert_int_equal(uart->port, UART_COM2);
    if (typed_at == typed_len)
        return false;
    *byte = (uint8_t)typed[typed_at++];
    return true;
}

size_t uart_put(const struct uart *uart, const uint8_t *bytes, size_t len)
{
    assert_int_equal(uart->port, UART_COM2);
    len = len < fifo ? len : fifo;
    assert_true(said_len + len < sizeof(said));
    memcpy(said + said_len, bytes, len);
    said_len += len;
    fifo -= len; /* one fill a tick */
    return len;
}

/* ------------------------------------------------------------------ the guest */

static struct vm vm;
static _Alignas(
    struct debug) uint8_t room[sizeof(struct debug) + VCPUS * sizeof(struct debug_core)];
static struct debug *const debug = (struct debug *)(void *)room;
static struct debugger d;
static bool stopped;
static uint32_t holds, lets, ends;
static uint8_t acts[VCPUS], memory[4096];

bool debug_is_stopped(const struct vm *of)
{
    assert_ptr_equal(of, &vm);
    return stopped && atomic_load(&vm.phase) == VM_RUNNING;
}

static void set_places(uint32_t place)
{
    atomic_store(&debug->cores[0].place, place);
    atomic_store(&debug->cores[1].place, place);
}

void debug_hold(struct vm *of)
{
    assert_ptr_equal(of, &vm);
    holds++;
}

/* What the guest's cores do behind debug_hold(). */
static void stop(void)
{
    stopped = true;
    set_places(DEBUG_HELD);
}

void debug_let_go(struct vm *of, const uint8_t *how)
{
    assert_ptr_equal(of, &vm);
    memcpy(acts, how, VCPUS);
    lets++;
    stopped = false;
    set_places(DEBUG_FREE);
}

void debug_end(struct vm *of)
{
    assert_ptr_equal(of, &vm);
    ends++;
    stopped = false;
}

bool debug_break(struct vm *of, const struct debug_break *what)
{
    of->debug->breaks[0] = *what;
    of->debug->break_count = 1;
    return what->address != 0xbad;
}

void debug_unbreak(struct vm *of, const struct debug_break *what)
{
    assert_int_equal(of->debug->breaks[0].address, what->address);
    of->debug->break_count = 0;
}

/* The guest has 4 KiB. */
static size_t touch(uint8_t *to, const uint8_t *from, gpa_t at, size_t size)
{
    if (at.v >= sizeof(memory))
        return 0;
    size = size < sizeof(memory) - at.v ? size : sizeof(memory) - at.v;
    memcpy(to ? to : memory + at.v, from ? from : memory + at.v, size);
    return size;
}

size_t debug_read(struct vm *of, gpa_t at, uint8_t *bytes, size_t size)
{
    (void)of;
    return touch(bytes, NULL, at, size);
}

size_t debug_write(struct vm *of, gpa_t at, const uint8_t *bytes, size_t size)
{
    (void)of;
    return touch(NULL, bytes, at, size);
}

/* ------------------------------------------------------------------ gdb */

static void tick(void)
{
    fifo = 16;
    debugger_tick(&d);
}

static void type(const char *bytes, size_t len)
{
    memcpy(typed, bytes, len);
    typed_at = 0;
    typed_len = len;
    said_len = 0;
    for (uint32_t i = 0; i < 200; i++)
        tick();
    said[said_len] = '\0';
}

static uint8_t sum_of(const char *text, size_t len)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < len; i++)
        sum = (uint8_t)(sum + (uint8_t)text[i]);
    return sum;
}

/* Sends a packet; what has come back, without frame. */
static const char *ask(const char *text)
{
    char frame[2200];

    snprintf(frame, sizeof(frame), "$%s#%02x", text, sum_of(text, strlen(text)));
    type(frame, strlen(frame));
    assert_int_equal(said[0], '+');
    if (said_len == 1)
        return "(nothing)";
    assert_int_equal(said[1], '$');
    assert_int_equal(said[said_len - 3], '#');
    assert_int_equal(strtoul(said + said_len - 2, NULL, 16), sum_of(said + 2, said_len - 5));
    said[said_len - 3] = '\0';
    return said + 2;
}

#define ANSWERS(text, answer) assert_string_equal(ask(text), answer)

/* A stop that nobody asked for now. */
static const char *comes(void)
{
    type("", 0);
    if (said_len == 0)
        return "(nothing)";
    said[said_len - 3] = '\0';
    return said + 1;
}

static int begin(void **state)
{
    (void)state;
    memset(room, 0, sizeof(room));
    memset(memory, 0, sizeof(memory));
    vm = (struct vm){.name = "g", .vcpu_count = VCPUS, .debug = debug};
    atomic_store(&vm.phase, VM_RUNNING);
    set_places(DEBUG_FREE);
    for (uint32_t i = 0; i < VCPUS; i++)
        debug->cores[i].state = (struct vcpu_state){.rip = 0x1000 + i, .rflags = 2};
    stopped = false;
    holds = lets = ends = 0;
    port_answers = true;
    lines_clear();
    debugger_begin(&d, &vm);
    return 0;
}

static int attached(void **state)
{
    begin(state);
    ANSWERS("?", "(nothing)");
    assert_int_equal(holds, 1);
    stop();
    assert_string_equal(comes(), "T02thread:1;");
    return 0;
}

/* ------------------------------------------------------------------ tests */

static void nobody_is_debugged(void **state)
{
    (void)state;
    d = (struct debugger){0};
    debugger_tick(&d);
    port_answers = false;
    lines_clear();
    debugger_begin(&d, &vm);
    assert_true(lines_contain("guest 'g': serial2 (0x2f8) does not answer any more"));
}

static void questions(void **state)
{
    (void)state;
    ANSWERS("qSupported:swbreak+",
            "PacketSize=400;qXfer:features:read+;swbreak+;hwbreak+;vContSupported+");
    ANSWERS("vCont?", "vCont;c;C;s;S");
    ANSWERS("vMustReplyEmpty", "");
    ANSWERS("qAttached", "1");
    ANSWERS("p", "E01");
    ANSWERS("qC", "QC1");
    ANSWERS("Hg0", "OK");
    ANSWERS("Hg4", "E01");
    ANSWERS("qfThreadInfo", "l"); /* it runs */
    ANSWERS("T1", "E01");
    ANSWERS("g", "E01");
    ANSWERS("m0,4", "E01");
    ANSWERS("Z0,1000,1", "E01");
    assert_int_equal(holds, 0);
    assert_string_equal(comes(), "(nothing)");
    type("-", 1); /* the last answer again */
    assert_string_equal(said, "$E01#a6");
    type("$g#00", 5);
    assert_string_equal(said, "-");
    type("\x03", 1); /* nobody waits for a stop */
    assert_int_equal(holds, 0);
}

static void the_description_comes_in_parts(void **state)
{
    char whole[8192] = "", question[64];

    (void)state;
    for (size_t at = 0;;) {
        snprintf(question, sizeof(question), "qXfer:features:read:target.xml:%zx,3fb", at);
        const char *part = ask(question);
        strcat(whole, part + 1);
        at = strlen(whole);
        if (part[0] == 'l')
            break;
        assert_int_equal(part[0], 'm');
    }
    assert_non_null(strstr(whole, "<architecture>i386:x86-64</architecture>"));
    assert_string_equal(whole + strlen(whole) - 9, "</target>");
    ANSWERS("qXfer:features:read:target.xml:ffff,3fb", "l");
    assert_int_equal(ask("qXfer:features:read:target.xml:0,ffff")[0], 'm');
}

static void it_is_held_and_let_go(void **state)
{
    (void)state;
    assert_true(lines_contain("guest 'g': a debugger at serial2 holds it"));
    ANSWERS("qfThreadInfo", "m1,2");
    ANSWERS("qsThreadInfo", "l");
    ANSWERS("T2", "OK");
    ANSWERS("T3", "E01");
    ANSWERS("T0", "E01");
    ANSWERS("qThreadExtraInfo,1", "764350552c2068656c64"); /* vCPU, held */
    ANSWERS("qThreadExtraInfo,3", "764350552c20776169747320666f7220612053495049");
    ANSWERS("vCont;s:2;c", "(nothing)");
    assert_int_equal(acts[0], DEBUG_CONTINUE);
    assert_int_equal(acts[1], DEBUG_STEP);
    debug->cores[1].why = DEBUG_STEPPED;
    stop();
    assert_string_equal(comes(), "T05thread:2;");
    ANSWERS("vCont;c:3", "E01"); /* which does not run */
    ANSWERS("c", "(nothing)");
    type("\x03", 1);
    assert_int_equal(holds, 2);
    stop();
    assert_string_equal(comes(), "T02thread:2;");
    ANSWERS("D", "OK");
    assert_int_equal(ends, 1);
    assert_true(lines_contain("guest 'g': the debugger at serial2 lets it go"));
    stop();
    assert_string_equal(comes(), "(nothing)");
    ANSWERS("k", "(nothing)");
    assert_int_equal(ends, 2);
}

static void a_new_debugger_has_no_breakpoints(void **state)
{
    (void)state;
    debug->break_count = 2;
    ANSWERS("?", "T02thread:1;");
    assert_int_equal(debug->break_count, 0);
}

static void a_guest_without_a_life(void **state)
{
    (void)state;
    atomic_store(&vm.phase, VM_STOPPED);
    ANSWERS("g", "E01");
    ANSWERS("c", "(nothing)"); /* and waits for the next life */
    assert_int_equal(lets, 1);
    type("\x03", 1);
    assert_string_equal(said, "$W00#b7");
    assert_int_equal(ends, 1);
    ANSWERS("?", "W00");
}

static void stops_say_why(void **state)
{
    (void)state;
    ANSWERS("Z1,1000,1", "OK");
    assert_int_equal(debug->breaks[0].kind, DEBUG_EXECUTE);
    ANSWERS("z1,1000,1", "OK");
    ANSWERS("Z0,bad,1", "E01");
    ANSWERS("Z3,1000,8", "");
    ANSWERS("Z2,1000,9", "");
    ANSWERS("Z4,1000,8", "OK");
    assert_int_equal(debug->breaks[0].kind, DEBUG_ACCESS);
    ANSWERS("Z2,1000,4", "OK");
    assert_int_equal(debug->breaks[0].kind, DEBUG_WRITE);
    assert_int_equal(debug->breaks[0].length, 4);
    ANSWERS("c", "(nothing)");
    debug->cores[0].why = debug->cores[1].why = DEBUG_MET;
    debug->cores[0].met = (struct debug_break){.address = 0x1000, .kind = DEBUG_EXECUTE};
    debug->cores[1].met = (struct debug_break){.address = 0x1234, .kind = DEBUG_WRITE};
    stop();
    assert_string_equal(comes(), "T05hwbreak:;thread:1;");
    ANSWERS("c", "T05watch:1234;thread:2;"); /* which would not come again */
    assert_int_equal(lets, 1);
    ANSWERS("c", "(nothing)");
    assert_int_equal(lets, 2);
    debug->cores[0].why = DEBUG_MET;
    debug->cores[0].met.kind = DEBUG_ACCESS;
    stop();
    assert_string_equal(comes(), "T05awatch:1000;thread:1;");
}

static void registers(void **state)
{
    char all[1200];

    (void)state;
    ANSWERS("p10", "0010000000000000");
    ANSWERS("Hg2", "OK");
    ANSWERS("p10", "0110000000000000");
    ANSWERS("p18", "xxxxxxxxxxxxxxxxxxxx"); /* st0 */
    ANSWERS("p100", "E01");
    ANSWERS("P0=efcdab8967452301", "OK");
    assert_true(debug->cores[1].state.gpr[REG_RAX] == UINT64_C(0x0123456789abcdef));
    assert_true(debug->cores[1].is_changed);
    assert_false(debug->cores[0].is_changed);
    ANSWERS("P0=efcdab89674523", "E01");
    ANSWERS("P0=efcdab8967452301ff", "E01");
    ANSWERS("P0=efcdab896745230x", "E01");
    ANSWERS("P11=02030000", "E01");
    ANSWERS("P18=00000000000000000000", "OK"); /* not kept: it is not known */
    strcpy(all, ask("g"));
    assert_int_equal(strlen(all), 2 * (164 + 112 + 16 + 40));
    assert_memory_equal(all, "efcdab8967452301", 16);
    all[0] = 'a';
    memmove(all + 1, all, strlen(all) + 1);
    all[0] = 'G';
    ANSWERS(all, "OK");
    assert_true(debug->cores[1].state.gpr[REG_RAX] == UINT64_C(0x0123456789abcdaf));
    all[strlen(all) - 1] = '1'; /* EFER */
    ANSWERS(all, "E01");
    ANSWERS("G00", "E01");
}

static void memory_by_both_addresses(void **state)
{
    struct vcpu_state *s = &debug->cores[0].state;

    (void)state;
    memory[0x10] = 0xab;
    ANSWERS("m10,2", "ab00");
    ANSWERS("mffe,4", "0000"); /* and there it ends */
    ANSWERS("m1000,4", "E0e");
    ANSWERS("m10,0", "");
    ANSWERS("M20,3:010203", "OK");
    assert_int_equal(memory[0x22], 3);
    ANSWERS("M20,1:0x", "E01");
    ANSWERS("Mfff,2:0102", "E0e");
    assert_int_equal(strlen(ask("m0,1000")), 1024);
    /* 32-bit paging: the table at 0x400, page 0 at linear 0x5000. */
    s->cr0 = CR0_PE | CR0_PG;
    s->cr3 = 0;
    memory[0x000] = 1; /* entry 0: table at 0 */
    memory[5 * 4] = 1; /* entry 5: page 0 */
    ANSWERS("m5010,1", "ab");
    ANSWERS("m6010,1", "E0e");
    ANSWERS("Qbulkhead.physical:1", "OK");
    ANSWERS("m10,1", "ab");
    ANSWERS("Qbulkhead.physical:0", "OK");
    s->cr3 = 0x100000; /* no memory */
    ANSWERS("m10,1", "E0e");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nobody_is_debugged, begin),
        cmocka_unit_test_setup(questions, begin),
        cmocka_unit_test_setup(the_description_comes_in_parts, begin),
        cmocka_unit_test_setup(it_is_held_and_let_go, attached),
        cmocka_unit_test_setup(a_new_debugger_has_no_breakpoints, attached),
        cmocka_unit_test_setup(a_guest_without_a_life, attached),
        cmocka_unit_test_setup(stops_say_why, attached),
        cmocka_unit_test_setup(registers, attached),
        cmocka_unit_test_setup(memory_by_both_addresses, attached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
