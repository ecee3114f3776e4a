/* SPDX-License-Identifier: MIT */
/*
 * entries: a test build's hook (make HOOK=entries), for lab 2 (docs/study/labs). When the first
 * vCPU is reset, before its guest runs, tries five entries that have something wrong, each with the
 * repairs of entries_repair.h, and logs the state of each, what the processor does, and what the
 * audit says to it.
 */
#include "kernel/console/console.h"
#include "lib/fmt.h"
#include "lib/log.h"
#include "lib/x86/cr.h"
#include "lib/x86/msr.h"
#include "tests/hook/enter.h"
#include "tests/hook/entries_repair.h"
#include "vmx/bits.h"
#include "vmx/vmx.h"

#define ENTRIES         5
#define FIELDS_IN_A_ROW 3
#define ROW_MAX         160
#define DS_BYTES        0x4093 /* G 0, whatever the limit is */

static void hook_spoil(uint32_t entry)
{
    switch (entry) {
    case 1:
        vmwrite_raw(VMCS_GUEST_RFLAGS, 0);
        break;
    case 2:
        vmwrite_raw(VMCS_GUEST_CR0, (vmread_raw(VMCS_GUEST_CR0) | CR0_PG) & ~(uint64_t)CR0_PE);
        break;
    case 3:
        vmwrite_raw(VMCS_GUEST_DS_ACCESS, DS_BYTES);
        break;
    case 4:
        vmwrite_raw(VMCS_GUEST_INTERRUPTIBILITY, BLOCKED_BY_STI | BLOCKED_BY_MOV_SS);
        break;
    default:
        vmwrite_raw(VMCS_GUEST_EFER, EFER_LMA);
        break;
    }
}

static void hook_repair(uint32_t entry)
{
    static const struct {
        uint32_t entry;
        enum vmcs_field field;
        uint64_t value;
    } repairs[] = {ENTRIES_REPAIRS};

    for (uint32_t i = 0; i < ARRAY_SIZE(repairs); i++)
        if (repairs[i].entry == entry)
            vmwrite_raw(repairs[i].field, repairs[i].value);
}

static void hook_show(uint32_t entry, struct vmx_guest_fields *g)
{
    enum vmcs_field field;
    uint64_t *place;
    char row[ROW_MAX];
    size_t len = 0;

    for (uint32_t i = 0; (place = vmx_audit_place(g, i, &field)) != NULL; i++) {
        len += fmt_print(row + len, sizeof(row) - len, " %s=0x%llx", vmcs_field_name(field),
                         (unsigned long long)*place);
        if (i % FIELDS_IN_A_ROW != FIELDS_IN_A_ROW - 1)
            continue;
        log_line("entry %u:%s", entry, row);
        len = 0;
    }
    if (len > 0)
        log_line("entry %u:%s", entry, row);
}

static void hook_try(struct vcpu *v, const struct vcpu_state *state, uint32_t entry)
{
    struct vmx_audit_cpu cpu;
    struct vmx_guest_fields g;
    struct vmx_breach breach = {.rule = "-", .field = VMCS_GUEST_RIP};
    uint64_t left;

    hook_renew(v);
    vmx_vcpu_reset(v, state);
    vmwrite32(VMCS_PIN_BASED_CONTROLS, vmread32(VMCS_PIN_BASED_CONTROLS) | PIN_PREEMPTION_TIMER);
    vmwrite32(VMCS_PREEMPTION_TIMER, 0);
    hook_spoil(entry);
    hook_repair(entry);
    vmx_read_audit_cpu(&cpu);
    vmx_read_guest_fields(&g, &cpu);
    hook_show(entry, &g);
    log_line("entry %u: pin=0x%x secondary=0x%x entry=0x%x", entry, cpu.pin, cpu.cpu2, cpu.entry);
    const uint32_t count = vmx_audit_guest(&g, &cpu, &breach, 1);
    log_line("entry %u: audit: %u, %s: %s", entry, count, vmcs_field_name(breach.field),
             breach.rule);
    log_line("entry %u: the processor %s", entry, hook_enter(v, &left));
    console_flush();
}

void vmx_hook_reset(struct vcpu *v, const struct vcpu_state *state)
{
    static bool is_done;

    if (is_done)
        return;
    is_done = true;
    for (uint32_t entry = 1; entry <= ENTRIES; entry++)
        hook_try(v, state, entry);
    log_line("entries: done");
    console_flush();
    hook_renew(v);
    vmx_vcpu_reset(v, state); /* the guest starts as if nothing had been */
}
