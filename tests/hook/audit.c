/* SPDX-License-Identifier: MIT */
/*
 * audit: a test build's hook (make HOOK=audit). When the first vCPU is reset, before its guest
 * runs, puts state after state into the VMCS, valid ones and wrong ones, asks vmx/audit/audit_run.c
 * what becomes of an entry, tries it, and logs both verdicts. tests/boot/test_entry_audit.py
 * compares.
 *
 * The VMX-preemption timer stands at 0, so an entry that succeeds is over before the guest's first
 * instruction.
 */
#include "kernel/console/console.h"
#include "lib/fmt.h"
#include "lib/log.h"
#include "lib/string.h"
#include "lib/x86/insn.h"
#include "tests/unit/vmx/audit/audit_cases.h"
#include "vmx/insn.h"
#include "vmx/switch.h"
#include "vmx/vmx.h"

#define RANDOM_STATES 1000
#define KICKS_MAX     8

static bool hook_done;
static uint64_t hook_seed = 1;

static uint64_t hook_random(void)
{
    uint64_t z = hook_seed += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static bool hook_has_field(enum vmcs_field field, const struct vmx_audit_cpu *cpu)
{
    return cpu->entry & ENTRY_LOAD_CET ||
           (field != VMCS_GUEST_S_CET && field != VMCS_GUEST_SSP && field != VMCS_GUEST_SSP_TABLE);
}

static void hook_write(struct vcpu *v, const struct vmx_audit_cpu *cpu, struct vmx_guest_fields *g)
{
    struct vmx_vcpu *hw = v->hw;
    const hpa_t region = hpa((uintptr_t)&hw->region);
    enum vmcs_field field;
    uint64_t *place;

    vmclear(region);
    vmptrld(region);
    vmwrite32(VMCS_PIN_BASED_CONTROLS, cpu->pin);
    vmwrite32(VMCS_SECONDARY_CONTROLS, cpu->cpu2);
    vmwrite32(VMCS_ENTRY_CONTROLS, cpu->entry);
    vmwrite32(VMCS_PREEMPTION_TIMER, 0);
    for (uint32_t i = 0; (place = vmx_audit_place(g, i, &field)) != NULL; i++) {
        if (hook_has_field(field, cpu))
            vmwrite_raw(field, *place);
    }
    vmx_read_guest_fields(g, cpu); /* a field keeps as many bits as it has */
}

static const char *hook_enter(struct vcpu *v)
{
    for (uint32_t i = 0; i < KICKS_MAX; i++) {
        struct stay stay;
        const uint64_t reason = vmx_switch(v, &stay);

        if (vmx_no_exit(reason) == VMX_REFUSED)
            return "fails";
        if (vmx_no_exit(reason) != VMX_KICKED)
            return reason & EXIT_REASON_ENTRY_FAILED ? "refuses" : "enters";
        atomic_store(&v->kick, 0);
    }
    return "is kicked";
}

/* An entry into these states never ends: nothing but a signal from outside does. */
static bool hook_sleeps(const struct vmx_guest_fields *g)
{
    return g->activity == ACTIVITY_SHUTDOWN || g->activity == ACTIVITY_WAIT_SIPI;
}

/* One line for each entry; in full where the two disagree, because the serial port is slow. */
static void hook_try(struct vcpu *v, uint32_t number, const struct vmx_audit_cpu *cpu,
                     struct vmx_guest_fields *g, const char *changed)
{
    struct vmx_breach breach = {.rule = "-", .field = VMCS_GUEST_RIP};
    const char *says = "enters";

    hook_write(v, cpu, g);
    if (vmx_audit_event(g, cpu, &breach, 1) > 0)
        says = "fails";
    else if (vmx_audit_guest(g, cpu, &breach, 1) > 0)
        says = "refuses";
    else if (hook_sleeps(g))
        return;
    const char *does = hook_enter(v);
    if (text_equal(says, does))
        log_line("entry %u: both %s", number, says);
    else
        log_line("entry %u: audit %s, CPU %s, %s: %s 0x%llx: %s", number, says, does, changed,
                 vmcs_field_name(breach.field), (unsigned long long)breach.value, breach.rule);
    console_flush();
}

/* ------------------------------------------------------------------ the states */

static const char *const mode_names[AUDIT_MODES] = {"real", "protected",  "PAE",
                                                    "long", "compatible", "v8086"};

static bool hook_can(const struct vmx_audit_cpu *cpu)
{
    return (cpu->entry & ~(uint32_t)(vmx_caps.entry >> 32)) == 0;
}

static void hook_cases(struct vcpu *v, const struct vmx_audit_cpu *cpu)
{
    for (uint32_t i = 0; i < ARRAY_SIZE(audit_cases); i++) {
        struct vmx_audit_cpu settings = *cpu;
        struct vmx_guest_fields g;

        if (audit_make_case(&audit_cases[i], &settings, &g) && hook_can(&settings))
            hook_try(v, i, &settings, &g, mode_names[audit_cases[i].mode]);
    }
}

/* One bit, a small number, or anything. */
static uint64_t hook_flip(void)
{
    const uint64_t r = hook_random();

    switch (r % 4) {
    case 0:
        return BIT64(r >> 8 & 63);
    case 1:
        return BIT64(r >> 8 & 31);
    case 2:
        return r >> 8 & 0xffff;
    default:
        return hook_random() >> (r >> 8 & 63);
    }
}

/* Changes one field; returns its name, or NULL when it is not one to change. */
static const char *hook_change(struct vmx_guest_fields *g, const struct vmx_audit_cpu *cpu)
{
    const uint32_t fields = sizeof(*g) / sizeof(uint64_t);
    enum vmcs_field field;
    uint64_t *place = vmx_audit_place(g, (uint32_t)(hook_random() % fields), &field);

    /* A link pointer that keeps the rules is followed, to memory that the audit cannot know. */
    if (!hook_has_field(field, cpu) || field == VMCS_VMCS_LINK_POINTER)
        return NULL;
    *place ^= hook_flip();
    if (field == VMCS_ENTRY_INTERRUPTION_INFO)
        *place = (*place & 0xfff) | INTR_VALID;
    return vmcs_field_name(field);
}

static void hook_random_states(struct vcpu *v, const struct vmx_audit_cpu *cpu)
{
    for (uint32_t n = 0; n < RANDOM_STATES;) {
        const enum audit_mode mode = (enum audit_mode)(hook_random() % AUDIT_MODES);
        struct vmx_audit_cpu settings = *cpu;
        struct vmx_guest_fields g;
        char changed[80];

        audit_make_state(mode, &settings, &g);
        const char *first = hook_change(&g, &settings);
        const char *second = hook_random() % 4 == 0 ? hook_change(&g, &settings) : NULL;
        if (!first)
            continue;
        fmt_print(changed, sizeof(changed), "%s %s%s%s", mode_names[mode], first, second ? " " : "",
                  second ? second : "");
        hook_try(v, ARRAY_SIZE(audit_cases) + n++, &settings, &g, changed);
    }
}

void vmx_hook_reset(struct vcpu *v, const struct vcpu_state *state)
{
    struct vmx_audit_cpu cpu;

    if (hook_done)
        return;
    hook_done = true;
    vmx_read_audit_cpu(&cpu);
    cpu.pin |= PIN_PREEMPTION_TIMER;
    log_line("entry audit: %u cases, %u random states", (uint32_t)ARRAY_SIZE(audit_cases),
             RANDOM_STATES);
    hook_cases(v, &cpu);
    hook_random_states(v, &cpu);
    log_line("entry audit: done");
    console_flush();
    vmx_vcpu_reset(v, state); /* the guest starts as if nothing had been */
}
