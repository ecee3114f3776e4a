/* SPDX-License-Identifier: MIT */
/*
 * test_vcpu_loop: the loop above the seam as it is (vcpu, exit, hypercall, deadlines, requests,
 * inject) on a backend that is neither vendor's but a script: a list of stays goes in, and what the
 * loop has done to the guest comes out. That nothing else was needed is the seam's proof.
 */
#include "kernel/vm/vcpu.h"

#include <stdarg.h>

#include "recorder.h"

#include "kernel/vm/deadlines.c"
#include "kernel/vm/device.h"
#include "kernel/vm/exit.c"
#include "kernel/vm/hypercall.c"
#include "kernel/vm/link.c"
#include "kernel/vm/message.c"
#include "kernel/vm/requests.c"
#include "kernel/vm/serial.c"
#include "kernel/vm/traced.c"
#include "kernel/vm/vcpu.c"
#include "kernel/vm/watchdog.c"
#include "lib/uart16550.h"

/* ------------------------------------------------------------------ what was done, in order */

enum act {
    ACT_RUN, /* value: the kind that the stay ended by */
    ACT_ADVANCE,
    ACT_EXCEPTION,
    ACT_REFLECT,
    ACT_INTERRUPT,
    ACT_NMI,
    ACT_HALT,
    ACT_DEADLINE,
    ACT_CR_WRITE,
    ACT_WRITE_ONCE,
    ACT_RESET,
    ACT_LEAVE,
    ACT_CRASH,
    ACT_END, /* value: enum vm_end_kind */
    ACT_XSETBV,
    ACT_MESSAGE, /* value: APIC id, then the low half of the ICR */
};

#define ACTS_MAX 256
static struct {
    enum act act;
    uint64_t value;
} acts[ACTS_MAX];
static uint32_t act_count;

static void did(enum act act, uint64_t value)
{
    assert_true(act_count < ACTS_MAX);
    acts[act_count].act = act;
    acts[act_count++].value = value;
}

static uint32_t count_of(enum act act)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < act_count; i++)
        count += acts[i].act == act;
    return count;
}

static bool has_done(enum act act, uint64_t value)
{
    for (uint32_t i = 0; i < act_count; i++) {
        if (acts[i].act == act && acts[i].value == value)
            return true;
    }
    return false;
}

/* ------------------------------------------------------------------ the backend */

/* A stay of the guest, and what there is to know of it. */
struct step {
    enum exit_kind kind;
    struct vcpu_exit details;
    uint32_t pio;
    uint32_t kick;  /* another core's, during the stay: it ends by that */
    uint64_t ticks; /* how long it is */
    bool shut;      /* the guest can take no event at its end */
};

static const struct step *script;
static uint32_t script_left;
static struct vcpu vcpu;
static struct vcpu_soft soft;
static struct vm vm;
static struct tsc tsc;
static struct plan_guest plan_guest;
static struct config_guest config_guest;
static enum machine_check_end check_end;
static bool shut, is_user, ended, writes;
static enum verdict cr_verdict;

/* Every function of the seam, by its own list. */
#define DECLARE_SCRIPT(type, name, parameters, arguments) static type script_##name parameters;
VIRT_CALLS(DECLARE_SCRIPT)
#define FORWARD_SCRIPT(type, name, parameters, arguments) \
    type virt_##name parameters                           \
    {                                                     \
        return script_##name arguments;                   \
    }
VIRT_CALLS(FORWARD_SCRIPT)

static void script_run(struct vcpu *on, struct stay *stay)
{
    assert_ptr_equal(on, &vcpu);
    *stay = (struct stay){.kind = EXIT_KICK, .time = recorder.tsc, .rip = 0x1000, .insn_len = 2};
    if (atomic_load(&vcpu.kick) == 0 && script_left == 0)
        atomic_store(&vcpu.kick, KICK_STOP); /* the script's end */
    if (atomic_load(&vcpu.kick) != 0) {      /* before the entry */
        did(ACT_RUN, EXIT_KICK);
        return;
    }
    script_left--;
    recorder.tsc += script->ticks;
    shut = script->shut;
    atomic_fetch_or(&vcpu.kick, script->kick);
    stay->kind = script->kind;
    stay->pio = script->pio;
    stay->time = recorder.tsc;
    stay->hw_code = 0x7700 + script->kind;
    did(ACT_RUN, stay->kind);
    script++;
}

static void script_details(struct vcpu *on, enum exit_kind kind, uint32_t hw_code,
                           struct vcpu_exit *x)
{
    assert_ptr_equal(on, &vcpu);
    *x = (struct vcpu_exit){.kind = kind, .hw_code = hw_code};
    if (kind == EXIT_KICK)
        return;
    assert_int_equal(kind, script[-1].kind);
    assert_int_equal(hw_code, 0x7700 + kind);
    *x = script[-1].details;
    x->kind = kind;
    x->hw_code = hw_code;
}

static void script_info(const struct vcpu *on, enum exit_kind kind, uint64_t info[2])
{
    assert_ptr_equal(on, &vcpu);
    assert_int_equal(kind, script[-1].kind);
    info[0] = script[-1].details.hw_info;
    info[1] = kind == EXIT_NESTED_FAULT ? script[-1].details.fault.address.v
                                        : script[-1].details.exception.vector;
}

static void script_advance(struct vcpu *on, const struct stay *stay)
{
    assert_ptr_equal(on, &vcpu);
    did(ACT_ADVANCE, stay->rip + stay->insn_len);
}

static void script_inject_exception(struct vcpu *on, uint8_t vector, bool has_code, uint32_t code)
{
    (void)on;
    assert_int_equal(has_code, vector == VECTOR_GP);
    assert_int_equal(code, 0);
    did(ACT_EXCEPTION, vector);
}

static void script_reflect(struct vcpu *on, const struct vcpu_exit *x)
{
    (void)on;
    did(ACT_REFLECT, x->exception.vector);
}

static bool script_inject_interrupt(struct vcpu *on, uint8_t vector)
{
    (void)on;
    if (!shut)
        did(ACT_INTERRUPT, vector);
    return !shut;
}

static bool script_inject_nmi(struct vcpu *on)
{
    (void)on;
    if (!shut)
        did(ACT_NMI, 2);
    return !shut;
}

static enum verdict script_halt(struct vcpu *on)
{
    (void)on;
    shut = false;
    did(ACT_HALT, 0);
    return DO_NEXT;
}

static void script_set_deadline(struct vcpu *on, uint64_t deadline)
{
    (void)on;
    did(ACT_DEADLINE, deadline);
}

static enum verdict script_control(struct vcpu *on, const struct vcpu_exit *x)
{
    (void)on;
    did(ACT_CR_WRITE, x->cr.value);
    return cr_verdict;
}

/* Of devices, which the guest has none of. */
void *host_window(const struct host_core *core, hpa_t address)
{
    (void)core;
    (void)address;
    fail();
    return NULL;
}

void host_window_close(const struct host_core *core)
{
    (void)core;
    fail();
}

void iommu_message(const struct iommu *iommu, uint16_t id, uint32_t index, uint32_t *address,
                   uint32_t *data)
{
    (void)iommu;
    (void)id;
    (void)index;
    (void)address;
    (void)data;
    fail();
}

bool iommu_route(struct iommu *iommu, uint16_t id, uint32_t index, uint32_t apic_id, uint8_t vector)
{
    (void)iommu;
    (void)id;
    (void)index;
    (void)apic_id;
    (void)vector;
    fail();
    return false;
}

static bool script_write_once(struct vcpu *on)
{
    (void)on;
    did(ACT_WRITE_ONCE, 0);
    return writes;
}

static void script_vcpu_reset(struct vcpu *on, const struct vcpu_state *state)
{
    (void)on;
    did(ACT_RESET, state->rip);
}

static void script_leave(struct vcpu *on)
{
    (void)on;
    did(ACT_LEAVE, 0);
}

static bool script_has_halted(const struct vcpu *on)
{
    (void)on;
    return false;
}

static uint8_t script_cpl(const struct vcpu *on)
{
    (void)on;
    return is_user ? 3 : 0;
}

static bool script_in_64bit(const struct vcpu *on)
{
    (void)on;
    return true;
}

static uint64_t script_cr4(const struct vcpu *on)
{
    (void)on;
    return 0;
}

static void script_get_state(struct vcpu *on, struct vcpu_state *state)
{
    (void)on;
    *state = (struct vcpu_state){0};
}

static void script_explain(struct vcpu *on, const struct vcpu_exit *x, char *buf, size_t size)
{
    (void)on;
    assert_int_equal(x->kind, EXIT_ENTRY_FAILED);
    fmt_print(buf, size, "for a reason");
}

static const char *script_exit_name(uint32_t hw_code)
{
    (void)hw_code;
    return "SCRIPTED";
}

/* Its guest is nobody's to debug: test_debug.c */
static void script_debug_state(struct vcpu *on, const struct vcpu_state *state)
{
    (void)on, (void)state;
    abort();
}

static void script_debug_step(struct vcpu *on, bool is_on)
{
    (void)on, (void)is_on;
    abort();
}

static void script_debug_forget(struct vcpu *on, uint64_t bits)
{
    (void)on;
    (void)bits;
}

static void script_debug_drop(struct vcpu *on, uint64_t bits)
{
    (void)on, (void)bits;
    abort();
}

bool debug_holds(struct vcpu *on, uint32_t kicks)
{
    (void)kicks;
    assert_null(on->vm->debug);
    return false;
}

void debug_away(struct vcpu *on)
{
    assert_null(on->vm->debug);
}

bool debug_takes(struct vcpu *on, const struct vcpu_exit *x)
{
    (void)x;
    assert_null(on->vm->debug);
    return false;
}

static uint32_t looks;

static void script_look(struct vcpu *on)
{
    (void)on;
    looks++;
}

/* Not the loop's. */
static bool script_look_show(struct vcpu *on, const char *part, log_sink sink)
{
    (void)on, (void)part, (void)sink;
    abort();
}

static const char *script_look_name(void)
{
    abort();
}

static enum status script_nested_create(struct pagetable *pt, bool large, struct pages *pages)
{
    (void)pt, (void)large, (void)pages;
    abort();
}

static bool script_nested_valid(const struct guest_map *map, struct range tables, hpa_t root)
{
    (void)map, (void)tables, (void)root;
    abort();
}

static const char *script_core_differs(void)
{
    abort();
}

static enum status script_cpu_on(struct page *region)
{
    (void)region;
    abort();
}

static enum status script_vm_create(const struct virt_vm_config *config, struct pages *pages,
                                    void **shared)
{
    (void)config, (void)pages, (void)shared;
    abort();
}

static enum status script_vcpu_create(struct vcpu *on, struct pages *pages, void *shared)
{
    (void)on, (void)pages, (void)shared;
    abort();
}

/* ------------------------------------------------------------------ the loop's neighbours */

static struct cpu core;
struct cpu *cpus[CORES_MAX] = {&core};

enum machine_check_end machine_check_take(const struct guest_map *map)
{
    assert_ptr_equal(map, &vcpu.vm->plan->map);
    return check_end;
}

enum verdict crash_guest(struct vcpu *on, const struct vcpu_exit *x, const char *fmt, ...)
{
    (void)on, (void)fmt;
    did(ACT_CRASH, x->kind);
    ended = true;
    atomic_fetch_or(&vcpu.kick, KICK_STOP); /* life_end() */
    return DO_STOP;
}

enum verdict crash_by_guest(struct vcpu *on, const struct crash_report *report)
{
    const struct vcpu_exit x = {.kind = EXIT_HYPERCALL, .report = *report};

    return crash_guest(on, &x, "%u", report->code);
}

void crash_waiting(struct vcpu *on, const char *why)
{
    (void)on, (void)why;
    abort();
}

void crash_note_core(struct vcpu *on)
{
    (void)on;
}

void crash_finish(struct vm *of)
{
    (void)of;
}

/* Its guest has no device: test_device.c has them. */
uint32_t device_read(const struct vm *of, uint32_t d, uint32_t reg)
{
    (void)of;
    fail_msg("device %u, register %u", d, reg);
    return 0;
}

void device_write(struct vm *of, uint32_t d, uint32_t reg, uint32_t mask, uint32_t value)
{
    (void)of;
    fail_msg("device %u, register %u: 0x%x of 0x%x", d, reg, value, mask);
}

bool life_end(struct vm *of, struct vm_end end)
{
    assert_ptr_equal(of, &vm);
    did(ACT_END, end.kind);
    ended = true;
    atomic_fetch_or(&vcpu.kick, KICK_STOP);
    return true;
}

bool life_park(struct vm *of)
{
    (void)of;
    return false;
}

void life_follow(struct vm *of, uint64_t parked)
{
    (void)of, (void)parked;
}

void life_load(struct vm *of)
{
    (void)of;
}

uint64_t life_look(struct vm *of, uint64_t now)
{
    (void)of, (void)now;
    return UINT64_MAX;
}

static uint32_t told; /* lines about the guest */

void life_tell(struct vm *of, enum note_kind kind, const char *fmt, ...)
{
    (void)of, (void)kind, (void)fmt;
    told++;
}

void smi_look(struct smi_count *count)
{
    (void)count;
}

static uint32_t shares; /* of memory, cleared */

void memory_scrub_share(struct vm *of, uint32_t index)
{
    assert_ptr_equal(of, &vm);
    assert_int_equal(index, vcpu.index);
    shares++;
}

static uint32_t duties;

void memory_scrub(struct range host)
{
    (void)host;
    abort();
}

void watch_set(struct vcpu *on, uint64_t deadline)
{
    (void)on;
    did(ACT_DEADLINE, deadline);
}

void kick_send(struct vcpu *to, uint32_t kicks)
{
    atomic_fetch_or(&to->kick, kicks);
}

void cpu_reset_guest_state(uint64_t xcr0_allowed)
{
    (void)xcr0_allowed;
}

void cpu_drain_interrupts(void)
{
}

void cpu_wait(_Atomic uint32_t *flag)
{
    (void)flag;
    abort();
}

void cpu_wait_until(_Atomic uint32_t *flag, uint64_t deadline)
{
    (void)flag, (void)deadline;
    abort();
}

void lapic_reset(void)
{
}

void lapic_write_icr(uint32_t apic_id, uint32_t command)
{
    did(ACT_MESSAGE, (uint64_t)apic_id << 32 | command);
}

bool panic_is_elsewhere(void)
{
    return false;
}

void panic_stop_core(void)
{
    abort();
}

void xsetbv(uint32_t index, uint64_t value)
{
    assert_int_equal(index, 0);
    did(ACT_XSETBV, value);
}

/* ------------------------------------------------------------------ running a script */

static int begin(void **state)
{
    static const struct vcpuid_host host;
    const struct vcpuid_wish wish = {.core_count = 1, .physical_bits = 39, .tsc_hz = 1000000000};

    (void)state;
    recorder_clear();
    recorder.tsc = 1000000;
    recorder.tsc_step = 0;
    act_count = 0;
    duties = 0;
    shut = is_user = ended = false;
    cr_verdict = DO_AGAIN;
    writes = true;
    tsc = (struct tsc){.hz = 1000000000, .scale = time_scale_make(1000000000)};
    check_end = MACHINE_CHECK_GUEST;
    config_guest = (struct config_guest){.memory = 128 * MIB};
    plan_guest = (struct plan_guest){.config = &config_guest};
    guest_map_add_ram(&plan_guest.map, hpa(GIB), config_guest.memory);
    vm = (struct vm){.name = "x",
                     .tsc = &tsc,
                     .plan = &plan_guest,
                     .vcpu_count = 1,
                     .vcpus = &vcpu,
                     .vendor = vendor_of(POLICY_INTEL),
                     .xcr0_allowed = 7,
                     .phase = VM_RUNNING};
    tx_init(&vm.console.tx);
    rx_init(&vm.console.rx);
    bus_reset(&vm.bus, &vm.console.tx, &vm.console.rx, &vm.clock, false);
    vpci_reset(&vm.pci);
    soft = (struct vcpu_soft){.phase = VCPU_RUNNING,
                              .timer_deadline = UINT64_MAX,
                              .pump_deadline = UINT64_MAX,
                              .watchdog_deadline = UINT64_MAX,
                              .deadline = UINT64_MAX,
                              .xcr0 = 1};
    vcpu = (struct vcpu){.vm = &vm, .soft = &soft, .cpu = cpus[0], .look_at = UINT64_MAX};
    vapic_reset(&soft.apic, 0);
    vmsr_reset(&soft.msr, vm.vendor->msrs, true);
    vcpuid_build(&soft.cpuid, vm.vendor->cpuid, &host, &wish);
    trace_reset(&soft.stats.trace);
    return 0;
}

static void run(const struct step *steps, uint32_t count)
{
    script = steps;
    script_left = count;
    for (vcpu_run(&vcpu); soft.phase == VCPU_RUNNING; vcpu_run(&vcpu)) {
        duties++; /* the console's turn */
        deadlines_set_console(&vcpu, recorder.tsc + 10 * soft.pump_ticks, false);
    }
    assert_int_equal(soft.phase, VCPU_PARKED);
    assert_true(has_done(ACT_LEAVE, 0));
}

#define RUN(...)                                          \
    do {                                                  \
        static const struct step steps[] = {__VA_ARGS__}; \
        run(steps, ARRAY_SIZE(steps));                    \
    } while (0)

/* ------------------------------------------------------------------ the kinds */

static void the_kinds_that_go_on_behind(void **state)
{
    (void)state;
    vcpu.regs.gpr[REG_RAX] = BULKHEAD_CPUID_BASE;
    RUN({.kind = EXIT_CPUID}, {.kind = EXIT_PIO, .pio = 0x80u << 16}, {.kind = EXIT_CACHE});
    assert_int_equal(count_of(ACT_ADVANCE), 3);
    assert_true(has_done(ACT_ADVANCE, 0x1002));
    assert_int_equal(vcpu.regs.gpr[REG_RBX], 0x6b6c7542); /* "Bulk" */
    assert_int_equal(soft.stats.trace.exits[EXIT_CPUID], 1);
    assert_int_equal(soft.stats.ports.total, 1);
    assert_int_equal(trace_row(&soft.stats.trace, 2).hw_code, 0x7700 + EXIT_PIO);
}

/* Any number of them, and one line; none in a life of which nothing is told. */
/* abuse: EX-10 */
static void bus_locks_are_counted_and_told_once(void **state)
{
    (void)state;
    told = 0;
    vm.next.is_told = true;
    RUN({.kind = EXIT_BUS_LOCK}, {.kind = EXIT_BUS_LOCK}, {.kind = EXIT_BUS_LOCK});
    assert_int_equal(soft.stats.trace.exits[EXIT_BUS_LOCK], 3);
    assert_int_equal(count_of(ACT_ADVANCE) + count_of(ACT_EXCEPTION), 0);
    assert_int_equal(told, 1);
    begin(NULL);
    told = 0;
    vm.next.is_told = false;
    RUN({.kind = EXIT_BUS_LOCK});
    assert_int_equal(told, 0);
}

static void msrs_and_calls(void **state)
{
    (void)state;
    vcpu.regs.gpr[REG_RCX] = MSR_APIC_BASE;
    RUN({.kind = EXIT_RDMSR}, {.kind = EXIT_WRMSR});
    assert_int_equal(count_of(ACT_ADVANCE), 2); /* what it has read may be written */
    assert_int_equal((uint32_t)vcpu.regs.gpr[REG_RAX], 0xfee00d00);

    begin(NULL);
    vcpu.regs.gpr[REG_RCX] = 0x1234;
    RUN({.kind = EXIT_RDMSR}, {.kind = EXIT_WRMSR});
    assert_int_equal(count_of(ACT_ADVANCE), 0);
    assert_int_equal(count_of(ACT_EXCEPTION), 2);
    assert_true(has_done(ACT_EXCEPTION, VECTOR_GP));
    assert_int_equal(soft.stats.injected, 2);
    assert_int_equal(trace_row(&soft.stats.trace, 1).verdict, DO_GP);

    begin(NULL);
    vcpu.regs.gpr[REG_RAX] = BULKHEAD_CALL_VERSION;
    RUN({.kind = EXIT_HYPERCALL});
    assert_int_equal(vcpu.regs.gpr[REG_RAX], BULKHEAD_ABI_VERSION);
    assert_int_equal(count_of(ACT_ADVANCE), 1);
}

static void xsetbv_is_carried_out(void **state)
{
    (void)state;
    vcpu.regs.gpr[REG_RAX] = 7;
    RUN({.kind = EXIT_XSETBV});
    assert_true(has_done(ACT_XSETBV, 7));
    begin(NULL);
    is_user = true;
    vcpu.regs.gpr[REG_RAX] = 7;
    RUN({.kind = EXIT_XSETBV});
    assert_int_equal(count_of(ACT_XSETBV), 0);
    assert_true(has_done(ACT_EXCEPTION, VECTOR_GP));
}

static void verdicts_are_applied(void **state)
{
    (void)state;
    RUN({.kind = EXIT_FORBIDDEN}, {.kind = EXIT_RDPMC}, {.kind = EXIT_INIT}, {.kind = EXIT_STEP},
        {.kind = EXIT_PIO, .pio = PIO_STRING},
        {.kind = EXIT_EXCEPTION, .details.exception = {.vector = VECTOR_AC}},
        {.kind = EXIT_EXCEPTION, .details.exception = {.vector = VECTOR_MF}},
        {.kind = EXIT_CONTROL, .details.cr = {.value = 0x33}});
    assert_true(has_done(ACT_EXCEPTION, VECTOR_UD));
    assert_int_equal(count_of(ACT_EXCEPTION), 3);
    assert_true(has_done(ACT_REFLECT, VECTOR_AC));
    assert_true(has_done(ACT_REFLECT, VECTOR_MF));
    assert_true(has_done(ACT_CR_WRITE, 0x33));
    assert_int_equal(count_of(ACT_ADVANCE), 0);
    assert_false(ended);

    /* A backend may carry the write out by itself. */
    begin(NULL);
    cr_verdict = DO_NEXT;
    RUN({.kind = EXIT_CONTROL});
    assert_int_equal(count_of(ACT_ADVANCE), 1);
}

/* A write to a device's table: it is repeated, and carried over when it is done. */
static void the_guest_writes_to_a_table(void **state)
{
    guest_map_add_table(&plan_guest.map, gpa(0xc0000000), hpa(2 * GIB), PAGE_SIZE, "nvme");
    RUN({.kind = EXIT_NESTED_FAULT,
         .details.fault = {.address = {0xc0000010}, .access = NESTED_WRITE}},
        {.kind = EXIT_STEP});
    assert_int_equal(count_of(ACT_WRITE_ONCE), 1);
    assert_int_equal(count_of(ACT_CRASH), 0);
    assert_int_equal(count_of(ACT_ADVANCE), 0);
    (void)state;
}

static void an_event_is_no_write(void **state)
{
    writes = false;
    guest_map_add_table(&plan_guest.map, gpa(0xc0000000), hpa(2 * GIB), PAGE_SIZE, "nvme");
    RUN({.kind = EXIT_NESTED_FAULT,
         .details.fault = {.address = {0xc0000010}, .access = NESTED_WRITE}});
    assert_int_equal(count_of(ACT_CRASH), 1);
    (void)state;
}

/* One after the other: it is not run again after the first. */
static void the_kinds_that_stop_a_guest(void **state)
{
    static const enum exit_kind kinds[] = {
        EXIT_NESTED_FAULT,  EXIT_TRIPLE_FAULT, EXIT_TASK_SWITCH,
        EXIT_MACHINE_CHECK, EXIT_ENTRY_FAILED, EXIT_UNKNOWN,
    };

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        const struct step steps[] = {
            {.kind = kinds[i], .details.fault = {.address = {0x8000000}, .access = NESTED_READ}},
            {.kind = EXIT_CPUID}};
        begin(state);
        run(steps, ARRAY_SIZE(steps));
        assert_true(has_done(ACT_CRASH, kinds[i]));
        assert_false(has_done(ACT_RUN, EXIT_CPUID));
        assert_int_equal(trace_row(&soft.stats.trace, 0).verdict, DO_STOP);
    }
    begin(state);
    RUN({.kind = EXIT_EXCEPTION, .details.exception = {.vector = VECTOR_MC}});
    assert_true(has_done(ACT_CRASH, EXIT_EXCEPTION));
}

static void another_cores_machine_check_stops_nobody(void **state)
{
    (void)state;
    check_end = MACHINE_CHECK_NOBODY;
    RUN({.kind = EXIT_EXCEPTION, .details.exception = {.vector = VECTOR_MC}},
        {.kind = EXIT_MACHINE_CHECK}, {.kind = EXIT_CPUID});
    assert_false(has_done(ACT_CRASH, EXIT_EXCEPTION));
    assert_false(has_done(ACT_CRASH, EXIT_MACHINE_CHECK));
    assert_true(has_done(ACT_RUN, EXIT_CPUID));
}

static void a_guest_ends_its_life(void **state)
{
    (void)state;
    vcpu.regs.gpr[REG_RAX] = BULKHEAD_CALL_RESTART;
    RUN({.kind = EXIT_HYPERCALL}, {.kind = EXIT_CPUID});
    assert_true(has_done(ACT_END, VM_END_RESTART));
    assert_false(has_done(ACT_RUN, EXIT_CPUID));
}

/* ------------------------------------------------------------------ events */

static void what_the_guest_cannot_take_waits_for_the_window(void **state)
{
    (void)state;
    RUN({.kind = EXIT_KICK, .kick = KICK_NMI, .shut = true}, {.kind = EXIT_CPUID, .shut = true},
        {.kind = EXIT_WINDOW});
    assert_int_equal(count_of(ACT_NMI), 1);
    assert_int_equal(soft.stats.injected, 1);
    /* The last thing before the end, not the first after the kick. */
    for (uint32_t i = 0; i < act_count; i++) {
        if (acts[i].act == ACT_NMI)
            assert_int_equal(acts[i - 1].value, EXIT_WINDOW);
    }
}

static void a_halt_that_waits_is_woken(void **state)
{
    (void)state;
    RUN({.kind = EXIT_KICK, .kick = KICK_NMI, .shut = true}, {.kind = EXIT_HALT, .shut = true});
    assert_int_equal(count_of(ACT_HALT), 1);
    assert_int_equal(count_of(ACT_NMI), 1);
    assert_int_equal(count_of(ACT_ADVANCE), 1);
}

static void a_kick_between_two_stays(void **state)
{
    (void)state;
    RUN({.kind = EXIT_CPUID, .kick = KICK_SHOW}, {.kind = EXIT_CPUID});
    assert_int_equal(soft.shown_count, 1);
    assert_int_equal(count_of(ACT_ADVANCE), 2);
    assert_int_equal(soft.stats.trace.exits[EXIT_KICK], 2); /* and the stop */
}

/* What `vmcs` asks for: and not what `regs` does. */
static void a_look_at_the_fields(void **state)
{
    (void)state;
    looks = 0;
    RUN({.kind = EXIT_CPUID, .kick = KICK_FIELDS}, {.kind = EXIT_CPUID, .kick = KICK_SHOW});
    assert_int_equal(soft.shown_count, 2);
    assert_int_equal(looks, 1);
    assert_int_equal(count_of(ACT_ADVANCE), 2);
}

/* The chipset's NMI: counted for kernel/core/nmi.c, and the guest goes on. */
static void an_nmi_that_nobody_sent(void **state)
{
    const uint64_t before = atomic_load(&cpus[0]->lone_nmis);

    (void)state;
    RUN({.kind = EXIT_KICK}, {.kind = EXIT_KICK}, {.kind = EXIT_CACHE});
    assert_int_equal(atomic_load(&cpus[0]->lone_nmis), before + 2);
    assert_int_equal(count_of(ACT_ADVANCE), 1);
    assert_int_equal(count_of(ACT_NMI), 0);
}

static void init_and_sipi_begin_anew(void **state)
{
    (void)state;
    atomic_store(&soft.sipi_vector, 0x9a);
    RUN({.kind = EXIT_KICK, .kick = KICK_INIT | KICK_SIPI});
    assert_int_equal(count_of(ACT_RESET), 1);
    assert_int_equal(acts[1].act, ACT_LEAVE);
    assert_int_equal(count_of(ACT_LEAVE), 2); /* and at the end */
}

/* ------------------------------------------------------------------ deadlines */

static void set_timer(uint64_t after)
{
    soft.timer_vector = 0x50;
    soft.timer_deadline = recorder.tsc + after;
    deadlines_update(&vcpu);
}

static void a_deadline_ends_a_stay(void **state)
{
    (void)state;
    set_timer(5000);
    assert_true(has_done(ACT_DEADLINE, 1005000));
    RUN({.kind = EXIT_TIMER, .ticks = 5000});
    assert_true(has_done(ACT_INTERRUPT, 0x50));
    assert_int_equal(soft.timer_deadline, UINT64_MAX);
    assert_int_equal(soft.stats.trace.exits[EXIT_TIMER], 1);
    assert_int_equal(trace_row(&soft.stats.trace, 1).verdict, DO_AGAIN);
}

static void a_timer_that_is_early_is_set_again(void **state)
{
    (void)state;
    set_timer(5000);
    RUN({.kind = EXIT_TIMER, .ticks = 4990}, {.kind = EXIT_TIMER, .ticks = 10});
    assert_int_equal(count_of(ACT_INTERRUPT), 1);
}

/* The backend's timer has not come, because it stands still between two stays. */
static void a_deadline_passes_during_exits(void **state)
{
    (void)state;
    set_timer(5000);
    RUN({.kind = EXIT_CPUID, .ticks = 3000}, {.kind = EXIT_CPUID, .ticks = 3000},
        {.kind = EXIT_CPUID});
    assert_int_equal(count_of(ACT_INTERRUPT), 1);
    assert_int_equal(count_of(ACT_ADVANCE), 3);
    assert_int_equal(soft.stats.trace.exits[EXIT_KICK], 1); /* the stop: our own is not an exit */
}

static void core_0_watches_where_there_is_no_timer(void **state)
{
    (void)state;
    soft.is_watched = soft.is_apart = true;
    set_timer(5000);
    assert_int_equal(vcpu.look_at, 1005000 - 5000 + 5000 / 16);
    RUN({.kind = EXIT_KICK, .kick = KICK_WATCHED, .ticks = 6000});
    assert_int_equal(count_of(ACT_INTERRUPT), 1);
    /* Too early by that core's clock: watched on. */
    begin(NULL);
    soft.is_watched = soft.is_apart = true;
    set_timer(5000);
    RUN({.kind = EXIT_KICK, .kick = KICK_WATCHED, .ticks = 100});
    assert_int_equal(count_of(ACT_INTERRUPT), 0);
    assert_int_equal(count_of(ACT_DEADLINE), 2);
}

/* ------------------------------------------------------------------ a traced vCPU */

static struct trace_place_long places[32];

static void trace_it(void)
{
    memset(places, 0, sizeof(places));
    soft.trace_long = (struct trace_long){.places = places, .count = ARRAY_SIZE(places)};
    soft.is_apart = vcpu.is_traced = true;
    vcpu.look_at = 0;
}

static struct trace_entry traced(uint64_t number)
{
    struct trace_entry entry;

    assert_true(trace_long_get(&soft.trace_long, number, &entry));
    return entry;
}

/* Also behind a deadline that is set anew, and the exit that ends the life. */
static void each_exit_is_kept_with_registers(void **state)
{
    (void)state;
    trace_it();
    vcpu.regs.gpr[REG_RAX] = vcpu.left[LEFT_RAX] = BULKHEAD_CALL_TIMER_SET;
    vcpu.regs.gpr[REG_RBX] = 1000000000;
    vcpu.regs.gpr[REG_RCX] = 64;
    RUN({.kind = EXIT_HYPERCALL, .ticks = 10}, {.kind = EXIT_CACHE, .details = {.hw_info = 5}},
        {.kind = EXIT_EXCEPTION, .details = {.exception = {.vector = VECTOR_DB}}},
        {.kind = EXIT_NESTED_FAULT, .details = {.fault = {.address = {0x77000}}}});
    assert_int_equal(atomic_load(&soft.trace_long.newest), trace_count(&soft.stats.trace));
    assert_int_equal(traced(1).row.kind, EXIT_HYPERCALL);
    assert_int_equal(traced(1).before[LEFT_RAX], BULKHEAD_CALL_TIMER_SET);
    assert_int_equal(traced(1).after[LEFT_RAX], vcpu.regs.gpr[REG_RAX]);
    assert_int_not_equal(traced(1).after[LEFT_RAX], BULKHEAD_CALL_TIMER_SET);
    assert_int_equal(traced(2).info, 5);
    assert_int_equal(traced(3).extra, VECTOR_DB);
    assert_int_equal(traced(3).row.verdict, DO_REFLECT);
    assert_int_equal(traced(4).extra, 0x77000);
    assert_int_equal(traced(4).row.verdict, DO_STOP);
    assert_int_equal(vcpu.look_at, 0);
}

/* Where the processor's timer does not do it as well. */
static void a_watched_one_stays_traced(void **state)
{
    (void)state;
    trace_it();
    soft.is_watched = true;
    set_timer(5000);
    assert_int_equal(vcpu.look_at, 0);
    RUN({.kind = EXIT_RDMSR, .ticks = 100}, {.kind = EXIT_KICK, .kick = KICK_WATCHED});
    assert_int_equal(traced(1).row.verdict, DO_GP);
    assert_int_equal(traced(2).row.kind, EXIT_KICK);
}

static void a_kick_changes_nothing_that_is_kept(void **state)
{
    (void)state;
    trace_it();
    vcpu.regs.gpr[REG_RDX] = 0x55;
    vcpu.left[LEFT_RDX] = 0x66; /* of an earlier exit */
    RUN({.kind = EXIT_KICK, .kick = KICK_SHOW});
    assert_int_equal(traced(1).before[LEFT_RDX], 0x55);
    assert_int_equal(traced(1).after[LEFT_RDX], 0x55);
}

static void nothing_is_kept_while_it_is_read(void **state)
{
    struct trace_entry entry;

    (void)state;
    trace_it();
    atomic_store(&soft.trace_long.is_held, true);
    RUN({.kind = EXIT_CPUID}, {.kind = EXIT_CPUID});
    assert_int_equal(atomic_load(&soft.trace_long.newest), 0);
    assert_false(trace_long_get(&soft.trace_long, 1, &entry));
    assert_int_equal(soft.stats.trace.exits[EXIT_CPUID], 2);
}

static void the_console_has_its_turn(void **state)
{
    (void)state;
    soft.console_duty = true;
    soft.pump_ticks = 1000;
    soft.pump_deadline = recorder.tsc + 1000;
    deadlines_update(&vcpu);
    RUN({.kind = EXIT_TIMER, .ticks = 1000}, {.kind = EXIT_CPUID});
    assert_int_equal(duties, 1);
    assert_true(has_done(ACT_DEADLINE, 1001000 + 10000));
}

static void a_silent_guest_is_stopped(void **state)
{
    (void)state;
    vm.watchdog_ticks = 5000;
    watchdog_begin(&vm, recorder.tsc);
    soft.watchdog_deadline = recorder.tsc + 5000;
    deadlines_update(&vcpu);
    RUN({.kind = EXIT_TIMER, .ticks = 5000}, {.kind = EXIT_CPUID});
    assert_true(has_done(ACT_CRASH, EXIT_TIMER));
    assert_false(has_done(ACT_RUN, EXIT_CPUID));
}

/* ------------------------------------------------------------------ the UART's interrupt */

static void guest_out(uint16_t port, uint8_t size, uint32_t value)
{
    const struct step step = {.kind = EXIT_PIO, .pio = (uint32_t)port << 16 | (size - 1u)};

    vcpu.regs.gpr[REG_RAX] = value;
    atomic_store(&vcpu.kick, 0);
    soft.phase = VCPU_RUNNING;
    run(&step, 1);
}

static void guest_sets(uint32_t reg, uint8_t size, uint32_t value)
{
    guest_out(VPCI_ADDRESS, 4, 0x80000800 | (reg & 0xfc));
    guest_out((uint16_t)(VPCI_DATA + (reg & 3)), size, value);
}

/* As its driver does it: address, data, enable, bus master. */
static void guest_asks_for(uint32_t address, uint32_t data)
{
    guest_sets(0x44, 4, address);
    guest_sets(0x48, 2, data);
    guest_sets(0x42, 2, 1);
    guest_sets(0x04, 2, 7);
}

static void a_key_becomes_a_message(void **state)
{
    (void)state;
    soft.peers = (struct vapic_peers){.count = 1, .apic_ids = {6}};
    guest_asks_for(0xfee06000, 0x41);
    assert_int_equal(count_of(ACT_MESSAGE), 0);
    guest_out(VUART_PORT + UART_IER, 1, IER_DATA);
    assert_true(rx_put(&vm.console.rx, 'k'));
    serial_tick(&vm);
    assert_int_equal(count_of(ACT_MESSAGE), 1);
    assert_true(has_done(ACT_MESSAGE, UINT64_C(6) << 32 | 0x4041));
    assert_true(recorder_has(WRITE_FENCE, 0, 0)); /* what it is about can be seen before */
    serial_tick(&vm);
    assert_int_equal(count_of(ACT_MESSAGE), 1);

    /* Elsewhere from now on: what was sent may have come to nothing. */
    guest_sets(0x48, 2, 0x42);
    assert_true(has_done(ACT_MESSAGE, UINT64_C(6) << 32 | 0x4042));
    assert_false(ended);
}

static void a_message_to_a_stranger_is_none(void **state)
{
    (void)state;
    soft.peers = (struct vapic_peers){.count = 1, .apic_ids = {6}};
    assert_true(rx_put(&vm.console.rx, 'k'));
    guest_out(VUART_PORT + UART_IER, 1, IER_DATA);
    guest_asks_for(0xfee05000, 0x41);
    for (uint32_t i = 0; i < 10; i++)
        serial_tick(&vm);
    assert_int_equal(count_of(ACT_MESSAGE), 0);
    assert_false(ended);
    guest_sets(0x44, 4, 0xfee06000);
    assert_int_equal(count_of(ACT_MESSAGE), 1); /* now it is its own */
}

/* A life that has ended sends nothing into the next. */
static void a_guest_that_does_not_run_has_no_messages(void **state)
{
    (void)state;
    soft.peers = (struct vapic_peers){.count = 1, .apic_ids = {6}};
    guest_asks_for(0xfee06000, 0x41);
    guest_out(VUART_PORT + UART_IER, 1, IER_DATA);
    assert_true(rx_put(&vm.console.rx, 'k'));
    atomic_store(&vm.phase, VM_STOPPING);
    serial_tick(&vm);
    serial_look(&vm);
    assert_int_equal(count_of(ACT_MESSAGE), 0);
}

static void only_a_parked_core_clears_its_share(void **state)
{
    (void)state;
    shares = 0;
    for (enum vcpu_phase phase = VCPU_PARKED; phase <= VCPU_RUNNING; phase++) {
        soft.phase = phase;
        atomic_store(&vcpu.kick, KICK_SCRUB);
        (void)requests_take(&vcpu);
        assert_int_equal(shares, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_kinds_that_go_on_behind, begin),
        cmocka_unit_test_setup(bus_locks_are_counted_and_told_once, begin),
        cmocka_unit_test_setup(msrs_and_calls, begin),
        cmocka_unit_test_setup(xsetbv_is_carried_out, begin),
        cmocka_unit_test_setup(verdicts_are_applied, begin),
        cmocka_unit_test_setup(the_guest_writes_to_a_table, begin),
        cmocka_unit_test_setup(an_event_is_no_write, begin),
        cmocka_unit_test_setup(the_kinds_that_stop_a_guest, begin),
        cmocka_unit_test_setup(another_cores_machine_check_stops_nobody, begin),
        cmocka_unit_test_setup(a_guest_ends_its_life, begin),
        cmocka_unit_test_setup(what_the_guest_cannot_take_waits_for_the_window, begin),
        cmocka_unit_test_setup(a_halt_that_waits_is_woken, begin),
        cmocka_unit_test_setup(a_kick_between_two_stays, begin),
        cmocka_unit_test_setup(a_look_at_the_fields, begin),
        cmocka_unit_test_setup(an_nmi_that_nobody_sent, begin),
        cmocka_unit_test_setup(init_and_sipi_begin_anew, begin),
        cmocka_unit_test_setup(a_deadline_ends_a_stay, begin),
        cmocka_unit_test_setup(a_timer_that_is_early_is_set_again, begin),
        cmocka_unit_test_setup(a_deadline_passes_during_exits, begin),
        cmocka_unit_test_setup(core_0_watches_where_there_is_no_timer, begin),
        cmocka_unit_test_setup(the_console_has_its_turn, begin),
        cmocka_unit_test_setup(each_exit_is_kept_with_registers, begin),
        cmocka_unit_test_setup(a_watched_one_stays_traced, begin),
        cmocka_unit_test_setup(a_kick_changes_nothing_that_is_kept, begin),
        cmocka_unit_test_setup(nothing_is_kept_while_it_is_read, begin),
        cmocka_unit_test_setup(a_silent_guest_is_stopped, begin),
        cmocka_unit_test_setup(a_key_becomes_a_message, begin),
        cmocka_unit_test_setup(a_message_to_a_stranger_is_none, begin),
        cmocka_unit_test_setup(a_guest_that_does_not_run_has_no_messages, begin),
        cmocka_unit_test_setup(only_a_parked_core_clears_its_share, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
