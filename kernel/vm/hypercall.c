/* SPDX-License-Identifier: MIT */
#include "kernel/vm/hypercall.h"

#include "guests/kit/abi.h"
#include "kernel/vm/crash.h"
#include "kernel/vm/deadlines.h"
#include "kernel/vm/life.h"
#include "kernel/vm/link.h"
#include "kernel/vm/vm.h"
#include "kernel/vm/watchdog.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "lib/x86/insn.h"
#include "vdev/vmsi.h"

/* The data registers in their order. */
static const uint8_t data_registers[BULKHEAD_CONSOLE_MAX / 8] = {REG_RCX, REG_RDX, REG_RSI,
                                                                 REG_RDI, REG_R8,  REG_R9};

#define VECTOR_FIRST 32u /* below are the exceptions */
#define VECTOR_LAST  255u

NOINLINE static uint64_t call_long(const struct vcpu *v, uint64_t value)
{
    return virt_in_64bit(v) ? value : (uint32_t)value;
}

/* Outside 64-bit mode a guest has no power over the upper halves. Asked only where there is one. */
static uint64_t call_register(const struct vcpu *v, enum gpr r)
{
    const uint64_t value = v->regs.gpr[r];

    return __builtin_expect(value >> 32 != 0, 0) ? call_long(v, value) : value;
}

static ALWAYS_INLINE void call_put(uint8_t *at, uint64_t word)
{
    __builtin_memcpy(at, &word, sizeof(word));
}

/* The upper halves are not the guest's. */
NOINLINE static void call_cut(uint8_t data[TX_RECORD_MAX])
{
    for (uint32_t i = 0; i < TX_RECORD_MAX; i += 8)
        memset(data + i + 4, 0, 4);
}

static int64_t call_console_write(struct vcpu *v, struct vcpu_soft *soft, uint64_t len)
{
    const uint64_t *gpr = v->regs.gpr;
    UNINITIALIZED uint32_t position;

    if (len - 1 >= BULKHEAD_CONSOLE_MAX)
        return BULKHEAD_ERROR_ARGUMENT;
    const bool whole = virt_in_64bit(v);
    struct tx_record *slot = tx_claim(&v->vm->console.tx, &position);
    if (slot == NULL)
        return 0;
    /* From register to record, without a stop: that is all the copying there is. */
    call_put(slot->data + 0, gpr[REG_RCX]);
    call_put(slot->data + 8, gpr[REG_RDX]);
    call_put(slot->data + 16, gpr[REG_RSI]);
    call_put(slot->data + 24, gpr[REG_RDI]);
    call_put(slot->data + 32, gpr[REG_R8]);
    call_put(slot->data + 40, gpr[REG_R9]);
    if (!whole)
        call_cut(slot->data);
    tx_publish(slot, position, (uint32_t)len);
    deadlines_has_output(v, soft);
    return (int64_t)len;
}

static int64_t call_console_read(struct vcpu *v, uint64_t max)
{
    uint64_t data[BULKHEAD_CONSOLE_MAX / 8] = {0};
    uint32_t len = 0;
    uint8_t byte;

    if (max == 0 || max > BULKHEAD_CONSOLE_MAX)
        return BULKHEAD_ERROR_ARGUMENT;
    while (len < max && rx_get(&v->vm->console.rx, &byte)) {
        data[len / 8] |= (uint64_t)byte << len % 8 * 8;
        len++;
    }
    for (uint32_t i = 0; i < ARRAY_SIZE(data); i++)
        v->regs.gpr[data_registers[i]] = data[i];
    return len;
}

static int64_t call_time(const struct vcpu *v)
{
    const struct tsc *tsc = v->vm->tsc;
    return (int64_t)time_to_ns(&tsc->scale, ticks_since(rdtsc(), tsc->start));
}

static int64_t call_timer_set(struct vcpu *v, struct vcpu_soft *soft, uint64_t deadline_ns,
                              uint64_t vector)
{
    const struct tsc *tsc = v->vm->tsc;
    uint64_t deadline = UINT64_MAX;

    if (deadline_ns != 0) {
        if (vector < VECTOR_FIRST || vector > VECTOR_LAST)
            return BULKHEAD_ERROR_ARGUMENT;
        if (!add_u64(tsc->start, time_to_ticks(&tsc->scale, deadline_ns), &deadline))
            deadline = UINT64_MAX;
        soft->timer_vector = (uint8_t)vector;
    }
    soft->timer_pending = false; /* setting replaces whatever was on its way */
    soft->timer_deadline = deadline;
    deadlines_update(v);
    return BULKHEAD_OK;
}

static enum verdict call_power_off(struct vcpu *v, uint64_t code)
{
    if (code > 255) {
        v->regs.gpr[REG_RAX] = (uint64_t)BULKHEAD_ERROR_ARGUMENT;
        return DO_NEXT;
    }
    /* Not the first to end this life: then it ends for the other reason. */
    life_end(v->vm, (struct vm_end){.kind = VM_END_POWER_OFF, .code = (uint32_t)code});
    return DO_STOP;
}

NOINLINE static enum verdict call_crash(struct vcpu *v)
{
    const struct crash_report report = {.code = (uint32_t)call_register(v, REG_RBX),
                                        .rip = call_register(v, REG_RCX),
                                        .error = call_register(v, REG_RDX)};

    if (call_register(v, REG_RBX) > BULKHEAD_CRASH_LAST) {
        v->regs.gpr[REG_RAX] = (uint64_t)BULKHEAD_ERROR_ARGUMENT;
        return DO_NEXT;
    }
    return crash_by_guest(v, &report);
}

/* The guest's end number `index`, or NULL. */
static struct link_end *call_link(const struct vcpu *v, uint64_t index)
{
    if (index >= v->vm->end_count)
        return NULL;
    return &v->vm->ends[index_masked((uint32_t)index, VLINKS)];
}

NOINLINE static int64_t call_link_info(struct vcpu *v)
{
    const struct link_end *end = call_link(v, call_register(v, REG_RBX));
    uint64_t *gpr = v->regs.gpr;

    if (!end)
        return BULKHEAD_ERROR_ARGUMENT;
    const struct config_link *config = end->link->plan->config;
    const struct plan_end *plan = &v->vm->plan->ends[end - v->vm->ends];
    gpr[REG_RCX] = plan->at.v;
    gpr[REG_RDX] = config->memory;
    gpr[REG_RSI] = (config->sides[plan->side].read_only ? 0u : 1u) | plan->side << 8 |
                   config->side_count << 16;
    gpr[REG_R9] = atomic_load(&end->link->alive);
    /* After one another, so that no copy of them is made on the stack. */
    memcpy(&gpr[REG_RDI], config->name, sizeof(uint64_t));
    memcpy(&gpr[REG_R8], config->name + sizeof(uint64_t), sizeof(uint64_t));
    return BULKHEAD_OK;
}
_Static_assert(GUEST_NAME_MAX == 2 * sizeof(uint64_t), "a name is two registers");

static int64_t call_link_ring(struct vcpu *v, uint64_t index, uint64_t side)
{
    const struct link_end *end = call_link(v, index);

    if (!end || side >= end->device.side_count)
        return BULKHEAD_ERROR_ARGUMENT;
    link_ring(v->vm, (uint32_t)index, (uint32_t)side);
    return BULKHEAD_OK;
}

/* As a driver would program the function. */
NOINLINE static int64_t call_link_vector(struct vcpu *v)
{
    struct link_end *end = call_link(v, call_register(v, REG_RBX));
    const uint64_t wish = call_register(v, REG_RCX), core = call_register(v, REG_RDX);
    const uint32_t vector = wish & 0xff;

    if (!end || wish >= 2ull * BULKHEAD_LINK_PEERS || core >= v->vm->vcpu_count ||
        (vector != 0 && vector < VECTOR_FIRST))
        return BULKHEAD_ERROR_ARGUMENT;
    vlink_set_peers(&end->device, (wish & BULKHEAD_LINK_PEERS) != 0);
    struct vpci_function *f = &v->vm->pci.slots[VPCI_LINK + (end - v->vm->ends)];
    vpci_set_message(
        f, vmsi_address(v->vm->vcpus[index_masked((uint32_t)core, GUEST_CORES_MAX)].apic_id),
        vector);
    return BULKHEAD_OK;
}

/* Which call a guest means, counted from BULKHEAD_CALL_BASE; false: none of ours. */
/*@ requires \valid(number);
  @ assigns *number;
  @ ensures \result <==> BULKHEAD_CALL_BASE <= eax < BULKHEAD_CALL_BASE + BULKHEAD_CALL_COUNT;
  @ ensures \result ==> *number == eax - BULKHEAD_CALL_BASE && *number < BULKHEAD_CALL_COUNT;
  @*/
static bool call_look_up(uint32_t eax, uint32_t *number)
{
    *number = eax - BULKHEAD_CALL_BASE; /* wraps: then it is none of ours */
    return eax >= BULKHEAD_CALL_BASE && eax < BULKHEAD_CALL_BASE + BULKHEAD_CALL_COUNT;
}

enum verdict hypercall(struct vcpu *v, struct vcpu_soft *soft)
{
    uint64_t *calls = soft->stats.calls;
    uint64_t *rax = &v->regs.gpr[REG_RAX];
    int64_t result = BULKHEAD_ERROR_UNKNOWN;

    if (virt_cpl(v) != 0) {
        *rax = (uint64_t)BULKHEAD_ERROR_DENIED;
        return DO_NEXT;
    }
    /* The lower half first: where that is no call, it does not matter whether there is an upper. */
    uint32_t number;
    if (!call_look_up((uint32_t)*rax, &number) || call_register(v, REG_RAX) >> 32 != 0) {
        calls[BULKHEAD_CALL_COUNT]++;
        *rax = (uint64_t)result;
        return DO_NEXT;
    }
    calls[index_masked(number, VCPU_CALLS)]++;
    switch ((enum bulkhead_call)(BULKHEAD_CALL_BASE + number)) {
    case BULKHEAD_CALL_VERSION:
        result = BULKHEAD_ABI_VERSION;
        break;
    case BULKHEAD_CALL_CONSOLE_WRITE:
        result = call_console_write(v, soft, call_register(v, REG_RBX));
        break;
    case BULKHEAD_CALL_CONSOLE_READ:
        result = call_console_read(v, call_register(v, REG_RBX));
        break;
    case BULKHEAD_CALL_TIME:
        result = call_time(v);
        break;
    case BULKHEAD_CALL_TIMER_SET:
        result = call_timer_set(v, soft, call_register(v, REG_RBX), call_register(v, REG_RCX));
        break;
    case BULKHEAD_CALL_POWER_OFF:
        return call_power_off(v, call_register(v, REG_RBX));
    case BULKHEAD_CALL_WATCHDOG:
        watchdog_sign(v, soft);
        result = BULKHEAD_OK;
        break;
    case BULKHEAD_CALL_RESTART:
        life_end(v->vm, (struct vm_end){.kind = VM_END_RESTART});
        return DO_STOP;
    case BULKHEAD_CALL_CRASH:
        return call_crash(v);
    case BULKHEAD_CALL_LINK_INFO:
        result = call_link_info(v);
        break;
    case BULKHEAD_CALL_LINK_RING:
        result = call_link_ring(v, call_register(v, REG_RBX), call_register(v, REG_RCX));
        break;
    case BULKHEAD_CALL_LINK_VECTOR:
        result = call_link_vector(v);
        break;
    case BULKHEAD_CALL_END: /* not reached: call_look_up() knows it not */
        break;
    }
    *rax = (uint64_t)result;
    return DO_NEXT;
}
