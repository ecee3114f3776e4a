/* SPDX-License-Identifier: MIT */
/*
 * fuzz_exit: any sequence of VM exits of one guest through the hypervisor's own vmx/decode.c,
 * kernel/vm/exit.c, kernel/vm/hypercall.c and vdev/, onto fakes (exit_machine.c) that judge each
 * effect. Here: what the guest may see and get.
 *
 * Input: the guest (machine_make), then exits, each a selector and what it needs.
 */
#include "exit_machine.h"
#include "guests/kit/abi.h"
#include "lib/bits.h"
#include "lib/x86/msr.h"
#include "vdev/vendor.h"
#include "vmx/bits.h"
#include "vmx/vmx.h"

#define EXITS_MAX 200

/* What the guest did, told without the hypervisor's help. */
struct seen {
    enum exit_kind kind;
    struct {
        uint16_t port;
        uint8_t size;
        bool in, string;
    } pio;
    struct {
        uint32_t index;
        uint64_t value;
    } msr;
};

static uint64_t gpr_before[GPR_COUNT];
static uint8_t typed[RX_RING_BYTES]; /* model of the input queue */
static uint32_t typed_first, typed_count;

/* Registers named in `mask` (bits by enum gpr) may have changed, no others. */
static void check_registers(uint32_t mask)
{
    for (uint32_t r = 0; r < GPR_COUNT; r++)
        DEMAND((mask >> r & 1) || machine.v->regs.gpr[r] == gpr_before[r]);
}

#define REGS(r)    (1u << (r))
#define CPUID_REGS (REGS(REG_RAX) | REGS(REG_RBX) | REGS(REG_RCX) | REGS(REG_RDX))
#define RDMSR_REGS (REGS(REG_RAX) | REGS(REG_RDX))
#define CALL_DATA \
    (REGS(REG_RCX) | REGS(REG_RDX) | REGS(REG_RSI) | REGS(REG_RDI) | REGS(REG_R8) | REGS(REG_R9))

/* ------------------------------------------------------------------ what an exit may do */

static void check_cpuid(enum verdict verdict)
{
    const uint64_t *gpr = machine.v->regs.gpr;
    const uint32_t leaf = (uint32_t)gpr_before[REG_RAX];

    DEMAND(verdict == DO_NEXT);
    check_registers(CPUID_REGS);
    DEMAND((gpr[REG_RAX] | gpr[REG_RBX] | gpr[REG_RCX] | gpr[REG_RDX]) >> 32 == 0);
    if (leaf == 1) { /* MONITOR, VMX, SMX; MCE, MCA, DS, ACPI */
        DEMAND((gpr[REG_RCX] & (BIT32(3) | BIT32(5) | BIT32(6))) == 0);
        DEMAND((gpr[REG_RDX] & (BIT32(7) | BIT32(14) | BIT32(21) | BIT32(22))) == 0);
        DEMAND(gpr[REG_RCX] & BIT32(31));
    }
    if (leaf == 7 && (uint32_t)gpr_before[REG_RCX] == 0) { /* TSC_ADJUST, SGX, RTM, PT; no MSRs */
        DEMAND((gpr[REG_RBX] & (BIT32(1) | BIT32(2) | BIT32(11) | BIT32(25))) == 0);
        DEMAND((gpr[REG_RDX] & MASK64(31, 26)) == 0);
    }
    if (leaf == 0xa || leaf == 0x14 || leaf == 0x12) /* counters, trace, enclaves: none */
        DEMAND((gpr[REG_RAX] | gpr[REG_RBX] | gpr[REG_RCX] | gpr[REG_RDX]) == 0);
}

static void check_rdmsr(const struct seen *x, enum verdict verdict)
{
    const uint64_t *gpr = machine.v->regs.gpr;
    const struct msr_row *row = NULL;

    for (uint32_t i = 0; i < msr_intel.count; i++)
        if (x->msr.index >= msr_intel.rows[i].first && x->msr.index <= msr_intel.rows[i].last)
            row = &msr_intel.rows[i];
    DEMAND(verdict == DO_NEXT || verdict == DO_GP);
    if (verdict == DO_GP) {
        check_registers(0);
        return;
    }
    check_registers(RDMSR_REGS);
    DEMAND(row != NULL && (row->read == MSR_CONST || row->read == MSR_EMULATE));
    DEMAND(gpr[REG_RAX] >> 32 == 0 && gpr[REG_RDX] >> 32 == 0);
    if (row->read == MSR_CONST)
        DEMAND((gpr[REG_RDX] << 32 | gpr[REG_RAX]) == row->value);
}

/* Which vCPUs a plain IPI must have reached, told from the manual's words and not from the
 * filter's code. SDM "Interrupt Command Register (ICR)", fixed delivery, physical destination. */
static void check_icr(uint64_t icr)
{
    const uint32_t self = machine.v->index, destination = (uint32_t)(icr >> 32);
    const uint64_t all = ~UINT64_C(0) >> (64 - machine.vm.vcpu_count);
    uint64_t wanted = 0;
    uint32_t index;

    if (bits_get(icr, 10, 8) != 0 || (icr & BIT64(11)))
        return;
    switch (bits_get(icr, 19, 18)) {
    case 0:
        if (destination == UINT32_MAX)
            wanted = all;
        else if (machine_peer(destination, &index))
            wanted = BIT64(index);
        break;
    case 1:
        wanted = BIT64(self);
        break;
    case 2:
        wanted = all;
        break;
    default:
        wanted = all & ~BIT64(self);
        break;
    }
    DEMAND(machine.effects.sent_to == wanted);
}

static void check_wrmsr(const struct seen *x, enum verdict verdict)
{
    const struct effects *e = &machine.effects;
    const bool in_apic = x->msr.index >= MSR_X2APIC_FIRST && x->msr.index <= MSR_X2APIC_LAST;

    check_registers(0);
    DEMAND(verdict == DO_NEXT || verdict == DO_GP);
    if (verdict == DO_GP || !in_apic)
        DEMAND(e->msr_writes + e->sends == 0 && e->asked == 0);
    if (e->sends != 0 || e->asked != 0)
        DEMAND(x->msr.index == MSR_X2APIC_ICR);
    if (verdict == DO_NEXT && x->msr.index == MSR_X2APIC_ICR)
        check_icr(x->msr.value);
}

/* A register of a link that the guest has. */
static bool is_link_port(const struct seen *x)
{
    return vlink_claims(x->pio.port, x->pio.size) &&
           vlink_index(x->pio.port) < machine.vm.end_count;
}

static bool has_device(uint16_t port)
{
    return (port >= VUART_PORT && port < VUART_PORT + VUART_PORTS) ||
           (port >= VRTC_PORT && port < VRTC_PORT + VRTC_PORTS) ||
           (port >= VPOWER_SLEEP_CONTROL && port <= VPOWER_RESET) || port == BUS_DEBUG_CONSOLE ||
           vpit_claims(&machine.vm.bus.pit, port);
}

/* It touches a port that can end the guest. */
static bool has_power(const struct seen *x)
{
    static const uint16_t ports[] = {VPOWER_SLEEP_CONTROL, VPOWER_RESET, VPOWER_KEYBOARD,
                                     VPOWER_PORT_A, VPOWER_PCI_RESET};

    for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
        if ((uint16_t)(ports[i] - x->pio.port) < x->pio.size)
            return true;
    return false;
}

/* One value of RAX for each byte that the port's device gave; the rest of RAX as it was. */
static void check_pio(const struct seen *x, enum verdict verdict)
{
    const uint64_t rax = machine.v->regs.gpr[REG_RAX];

    const bool ends = machine.effects.ends == 1;
    DEMAND(!ends || (!x->pio.in && !x->pio.string && has_power(x)));
    DEMAND(verdict == (x->pio.string ? DO_GP : ends ? DO_STOP : DO_NEXT));
    /* The UART's message, if any; a read may end in one as well. */
    DEMAND(machine.effects.sends <= 1 && (!x->pio.string || machine.effects.sends == 0));
    if (machine.effects.sends)
        DEMAND(vpci_claims(x->pio.port, x->pio.size) || is_link_port(x) ||
               atomic_load(&machine.vm.bus.uart.ier) != 0);
    check_registers(x->pio.in && !x->pio.string ? REGS(REG_RAX) : 0);
    if (!x->pio.in || x->pio.string)
        return;
    if (x->pio.size < 4)
        DEMAND((rax ^ gpr_before[REG_RAX]) >> 8 * x->pio.size == 0);
    else
        DEMAND(rax >> 32 == 0);
    if (vpci_claims(x->pio.port, x->pio.size) || is_link_port(x))
        return;
    for (uint32_t i = 0; i < x->pio.size; i++) {
        const uint16_t port = (uint16_t)(x->pio.port + i);
        if (!has_device(port))
            DEMAND((rax >> 8 * i & 0xff) == 0xff);
    }
}

/* ------------------------------------------------------------------ hypercalls */

static uint64_t argument(enum gpr r)
{
    return machine.in_64bit ? gpr_before[r] : (uint32_t)gpr_before[r];
}

static void check_console_write(uint64_t result)
{
    const uint64_t words[6] = {argument(REG_RCX), argument(REG_RDX), argument(REG_RSI),
                               argument(REG_RDI), argument(REG_R8),  argument(REG_R9)};
    uint8_t out[TX_RECORD_MAX];

    if (argument(REG_RBX) - 1 >= BULKHEAD_CONSOLE_MAX) {
        DEMAND(result == (uint64_t)BULKHEAD_ERROR_ARGUMENT);
        return;
    }
    DEMAND(result == argument(REG_RBX)); /* the ring was empty */
    DEMAND(tx_get(&machine.vm.console.tx, out) == result);
    DEMAND(memcmp(out, words, result) == 0);
}

static void check_console_read(uint64_t result)
{
    static const enum gpr data[] = {REG_RCX, REG_RDX, REG_RSI, REG_RDI, REG_R8, REG_R9};

    if (argument(REG_RBX) - 1 >= BULKHEAD_CONSOLE_MAX) {
        DEMAND(result == (uint64_t)BULKHEAD_ERROR_ARGUMENT);
        return;
    }
    DEMAND(result == min_u64(typed_count, argument(REG_RBX)));
    for (uint32_t i = 0; i < BULKHEAD_CONSOLE_MAX; i++) {
        const uint8_t byte = (uint8_t)(machine.v->regs.gpr[data[i / 8]] >> i % 8 * 8);
        DEMAND(byte == (i < result ? typed[(typed_first + i) % RX_RING_BYTES] : 0));
    }
    typed_first += (uint32_t)result;
    typed_count -= (uint32_t)result;
}

static void check_timer_set(uint64_t result)
{
    const struct vcpu_soft *soft = machine.v->soft;
    const uint64_t vector = argument(REG_RCX);

    if (argument(REG_RBX) != 0 && (vector < 32 || vector > 255)) {
        DEMAND(result == (uint64_t)BULKHEAD_ERROR_ARGUMENT);
        DEMAND(machine.effects.timer_updates == 0);
        return;
    }
    DEMAND(result == BULKHEAD_OK && machine.effects.timer_updates == 1 && !soft->timer_pending);
    if (argument(REG_RBX) == 0)
        DEMAND(soft->timer_deadline == UINT64_MAX);
    else
        DEMAND(soft->timer_vector == vector && soft->timer_deadline >= machine.tsc.start);
}

static void check_hypercall(enum verdict verdict)
{
    const uint64_t number = argument(REG_RAX), result = machine.v->regs.gpr[REG_RAX];
    const uint32_t cut = machine.in_64bit ? 0 : CALL_DATA | REGS(REG_RBX);

    if (machine.cpl != 0) {
        DEMAND(verdict == DO_NEXT && result == (uint64_t)BULKHEAD_ERROR_DENIED);
        check_registers(REGS(REG_RAX));
        return;
    }
    const bool gives = number == BULKHEAD_CALL_CONSOLE_READ || number == BULKHEAD_CALL_LINK_INFO;
    check_registers(REGS(REG_RAX) | cut | (gives ? CALL_DATA : 0));
    const bool ends = number == BULKHEAD_CALL_RESTART ||
                      (number == BULKHEAD_CALL_POWER_OFF && argument(REG_RBX) <= 255);
    const bool crashes = number == BULKHEAD_CALL_CRASH && argument(REG_RBX) <= BULKHEAD_CRASH_LAST;
    DEMAND(verdict == (ends || crashes ? DO_STOP : DO_NEXT));
    DEMAND(machine.effects.crashes == (crashes ? 1 : 0));
    DEMAND(machine.effects.ends == (ends ? 1 : 0));
    if (number == BULKHEAD_CALL_CONSOLE_WRITE)
        check_console_write(result);
    else if (number == BULKHEAD_CALL_CONSOLE_READ)
        check_console_read(result);
    else if (number == BULKHEAD_CALL_TIMER_SET)
        check_timer_set(result);
    else if (number - BULKHEAD_CALL_BASE >= BULKHEAD_CALL_COUNT)
        DEMAND(result == (uint64_t)BULKHEAD_ERROR_UNKNOWN);
}

/* ------------------------------------------------------------------ exits */

static void judge(const struct seen *x, enum verdict verdict)
{
    const struct effects *e = &machine.effects;

    if (x->kind != EXIT_WRMSR)
        DEMAND(e->msr_writes == 0 && e->asked == 0);
    if (x->kind == EXIT_HYPERCALL)
        DEMAND(e->sends <= (argument(REG_RAX) == BULKHEAD_CALL_LINK_RING ? 1 : 0));
    else if (x->kind != EXIT_WRMSR && x->kind != EXIT_PIO)
        DEMAND(e->sends == 0);
    if (x->kind != EXIT_XSETBV)
        DEMAND(e->xsetbvs == 0);
    if (x->kind != EXIT_HYPERCALL && x->kind != EXIT_PIO)
        DEMAND(e->ends == 0 && (verdict == DO_STOP) == (e->crashes == 1));
    if (x->kind == EXIT_CPUID)
        check_cpuid(verdict);
    else if (x->kind == EXIT_RDMSR)
        check_rdmsr(x, verdict);
    else if (x->kind == EXIT_WRMSR)
        check_wrmsr(x, verdict);
    else if (x->kind == EXIT_PIO)
        check_pio(x, verdict);
    else if (x->kind == EXIT_HYPERCALL)
        check_hypercall(verdict);
    else
        check_registers(0);
    if (x->kind == EXIT_XSETBV)
        DEMAND((verdict == DO_NEXT) == (e->xsetbvs == 1) && (e->xsetbvs == 0 || machine.cpl == 0));
}

/* Numbers that a register often holds when it matters. */
static uint64_t register_value(struct fuzz_input *in)
{
    const uint8_t how = fuzz_u8(in);
    const uint32_t i = fuzz_u8(in);

    switch (how % 8) {
    case 0:
        return BULKHEAD_CALL_BASE + i % (BULKHEAD_CALL_COUNT + 1);
    case 1:
        return msr_intel.rows[i % msr_intel.count].first + (how >> 3) - 1;
    case 2:
        return machine.vcpus[i % machine.vm.vcpu_count].apic_id;
    case 3:
        return MSR_X2APIC_FIRST + (how & 8 ? MSR_X2APIC_ICR - MSR_X2APIC_FIRST : i);
    case 4:
        return i % 49; /* lengths, leaves */
    case 5:
        return fuzz_take(in, 4);
    default:
        return fuzz_number(in);
    }
}

static void type(uint8_t byte)
{
    if (typed_count == RX_RING_BYTES)
        DEMAND(!rx_put(&machine.vm.console.rx, byte));
    else
        DEMAND(rx_put(&machine.vm.console.rx, byte));
    if (typed_count < RX_RING_BYTES)
        typed[(typed_first + typed_count++) % RX_RING_BYTES] = byte;
}

static void choose_registers(struct fuzz_input *in, uint8_t how)
{
    uint64_t *gpr = machine.v->regs.gpr;

    gpr[REG_RAX] = register_value(in);
    gpr[REG_RBX] = register_value(in);
    gpr[REG_RCX] = register_value(in);
    gpr[REG_RDX] = register_value(in);
    if (how & 1) {
        for (uint32_t r = REG_RSP; r < GPR_COUNT; r++)
            gpr[r] = fuzz_number(in);
    }
    machine.cpl = how & 2 && how & 4 ? 3 : 0;
    machine.in_64bit = !(how & 8);
    machine.cr4 = how & 16 ? UINT64_MAX : 0;
    machine.now += how & 32 ? fuzz_number(in) : 1000;
    for (uint32_t i = 0; i < how >> 6; i++)
        type(fuzz_u8(in));
}

/* Near a device, and for the PCI bus and links values that lead somewhere: a latch that names a
 * register of the UART's function or a link's, an address that is a core's, a vector, or a side. */
static void choose_port(struct fuzz_input *in, struct vmx_raw *raw)
{
    const uint8_t how = fuzz_u8(in);
    static const uint16_t firsts[] = {VUART_PORT - 4, VPCI_ADDRESS - 1, VPIT_PORT - 4,
                                      VPIT_PORT_B - 4};
    const uint16_t first = firsts[(how >> 1 & 1) | (how >> 4 & 2)];
    uint64_t *rax = &machine.v->regs.gpr[REG_RAX];

    if (!(how & 1))
        return;
    if (how & 32) {
        raw->qualification = (raw->qualification & 0x1f) |
                             (uint64_t)(VLINK_PORT + fuzz_u8(in) % (VLINKS * VLINK_PORTS)) << 16;
        *rax = how & 64 ? (*rax & 3) << 16 : *rax;
        return;
    }
    raw->qualification =
        (raw->qualification & 0x1f) | (uint64_t)(first + fuzz_u8(in) % (how & 2 ? 10 : 16)) << 16;
    if (how & 4)
        *rax = 0x80000800 | (*rax & 0x18fc);
    else if (how & 8)
        *rax =
            0xfee00000 | (machine.v->apic_id & 0xff) << 12 | (machine.v->apic_id >> 8 & 0x7f) << 5;
    else if (how & 16)
        *rax = (*rax & 0x100ff) | 0x20;
}

/* As a processor that keeps to the manual gives it; what it leaves open is open. */
static struct vmx_raw choose_raw(struct fuzz_input *in, uint32_t reason)
{
    struct vmx_raw raw = {.reason = reason};

    if (reason == 0x7f)
        raw.reason = (uint32_t)fuzz_take(in, 4);
    if (fuzz_u8(in) == 0xff)
        raw.reason |= EXIT_REASON_ENTRY_FAILED;
    raw.qualification = fuzz_number(in);
    raw.intr_info = (uint32_t)fuzz_number(in);
    raw.intr_error = (uint32_t)fuzz_number(in);
    raw.guest_physical = fuzz_number(in);
    raw.rsp = fuzz_number(in);
    if (raw.reason == VMX_REASON_IO)
        choose_port(in, &raw);
    return raw;
}

/* All that says what it is in registers: the input has no more for these. */
static bool is_simple(uint32_t reason)
{
    return reason == VMX_REASON_CPUID || reason == VMX_REASON_VMCALL ||
           reason == VMX_REASON_RDMSR || reason == VMX_REASON_WRMSR || reason == VMX_REASON_XSETBV;
}

/* As vmx/run.c ends a stay. */
static struct stay stay_of(const struct vmx_raw *raw)
{
    struct stay stay = {.kind = vmx_decode_kind(raw), .time = machine.now, .hw_code = raw->reason};

    if (stay.kind != EXIT_PIO)
        return stay;
    stay.pio = (uint32_t)raw->qualification;
    if (!vmx_io_is_good(raw->qualification))
        stay.kind = EXIT_UNKNOWN;
    return stay;
}

static enum verdict handle(struct vcpu *v, const struct vmx_raw *raw, struct seen *seen)
{
    const struct stay stay = stay_of(raw);
    enum verdict verdict;
    struct vcpu_exit x;

    DEMAND(stay.kind < EXIT_KIND_COUNT);
    seen->kind = stay.kind;
    seen->msr.index = (uint32_t)gpr_before[REG_RCX];
    seen->msr.value = gpr_before[REG_RDX] << 32 | (uint32_t)gpr_before[REG_RAX];
    seen->pio.port = (uint16_t)bits_get(raw->qualification, 31, 16);
    seen->pio.size = (uint8_t)(bits_get(raw->qualification, 2, 0) + 1);
    seen->pio.in = raw->qualification >> 3 & 1;
    seen->pio.string = raw->qualification >> 4 & 1;
    if (exit_fast(v, v->soft, &stay, &verdict))
        return verdict;
    memset(&x, 0xa5, sizeof(x)); /* what an earlier exit left */
    x.kind = stay.kind;
    vmx_decode_details(raw, &v->regs, &x);
    return exit_dispatch(v, &x);
}

static void one_exit(struct fuzz_input *in)
{
    struct seen x = {.kind = EXIT_UNKNOWN};
    struct vcpu *v = machine.v;
    const uint32_t reason = fuzz_u8(in) & 0x7f;
    struct vmx_raw raw = {.reason = reason};
    uint8_t record[TX_RECORD_MAX];

    choose_registers(in, fuzz_u8(in));
    if (!is_simple(reason))
        raw = choose_raw(in, reason);
    memcpy(gpr_before, v->regs.gpr, sizeof(gpr_before));
    machine_remember();
    machine.is_wrmsr = reason == VMX_REASON_WRMSR;
    const enum verdict verdict = handle(v, &raw, &x);
    machine_check();
    judge(&x, verdict);
    while (tx_get(&machine.vm.console.tx, record) != 0) {
    }
    /* Input that a UART read took is gone from the model as well. */
    while (typed_count > 0 && x.kind == EXIT_PIO) {
        const uint32_t left =
            atomic_load(&machine.vm.console.rx.head) - atomic_load(&machine.vm.console.rx.tail);
        if (typed_count == left)
            break;
        typed_first++;
        typed_count--;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};

    typed_first = typed_count = 0;
    machine_make(&in);
    for (uint32_t i = 0; i < EXITS_MAX && in.left > 0; i++)
        one_exit(&in);
    return 0;
}
