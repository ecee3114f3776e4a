/* SPDX-License-Identifier: MIT */
/*
 * audit: a test build's hook (make HOOK=audit). When the first guest with `cmdline = noinput` is
 * reset, before it runs, puts state after state into the VMCS, valid ones and wrong ones, asks
 * vmx/audit/audit_run.c what becomes of an entry, tries it, and logs both verdicts; of each rule
 * that is broken also what the explainer says, for docs/study/entry-failures.md, and of each
 * control that the processor could lack what the boot would say. tests/boot/test_entry_audit.py
 * compares.
 *
 * With `cmdline = noinput rule=N` that guest's first life begins in the state of case N, and what
 * follows is what the product does.
 *
 * The VMX-preemption timer stands at 0, so an entry that succeeds is over before the guest's first
 * instruction.
 */
#include "kernel/console/console.h"
#include "kernel/vm/vm.h"
#include "lib/fmt.h"
#include "lib/log.h"
#include "lib/string.h"
#include "lib/x86/insn.h"
#include "tests/hook/enter.h"
#include "tests/unit/vmx/audit/audit_cases.h"
#include "vmx/insn.h"
#include "vmx/vmx.h"

#define RANDOM_STATES 1000

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
    enum vmcs_field field;
    uint64_t *place;

    hook_renew(v);
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

/* An entry into these states never ends: nothing but a signal from outside does. */
static bool hook_sleeps(const struct vmx_guest_fields *g)
{
    return g->activity == ACTIVITY_SHUTDOWN || g->activity == ACTIVITY_WAIT_SIPI;
}

/* What is said of the state in the VMCS once an entry into it has not worked. */
static void hook_explain(struct vcpu *v, const char *verdict, uint64_t reason,
                         char words[LOG_LINE_MAX])
{
    struct vcpu_exit x;

    if (text_equal(verdict, "fails")) {
        vmx_explain_refused(words, LOG_LINE_MAX);
        return;
    }
    vmx_details(v, EXIT_ENTRY_FAILED, (uint32_t)reason, &x);
    vmx_explain(v, &x, words, LOG_LINE_MAX);
}

/* One line for each entry; in full where the two disagree, because the serial port is slow. Returns
 * what the CPU did; `words`, if not NULL: what the explainer says of a broken rule. */
static const char *hook_try(struct vcpu *v, uint32_t number, const struct vmx_audit_cpu *cpu,
                            struct vmx_guest_fields *g, const char *changed, char *words)
{
    struct vmx_breach breach = {.rule = "-", .field = VMCS_GUEST_RIP};
    const char *says = "enters";
    uint64_t left;

    hook_write(v, cpu, g);
    if (vmx_audit_event(g, cpu, &breach, 1) > 0)
        says = "fails";
    else if (vmx_audit_guest(g, cpu, &breach, 1) > 0)
        says = "refuses";
    else if (hook_sleeps(g))
        return "sleeps";
    /* Beforehand, for a CPU that does not mind: no field changes by a failed entry. */
    if (words)
        hook_explain(v, says, EXIT_REASON_ENTRY_FAILED | VMX_REASON_ENTRY_GUEST_STATE, words);
    const char *does = hook_enter(v, &left);
    if (words && !text_equal(does, "enters"))
        hook_explain(v, does, left, words);
    if (text_equal(says, does))
        log_line("entry %u: both %s", number, says);
    else
        log_line("entry %u: audit %s, CPU %s, %s: %s 0x%llx: %s", number, says, does, changed,
                 vmcs_field_name(breach.field), (unsigned long long)breach.value, breach.rule);
    console_flush();
    return does;
}

/* ------------------------------------------------------------------ the states */

static const char *const mode_names[AUDIT_MODES] = {"real", "protected",  "PAE",
                                                    "long", "compatible", "v8086"};

static bool hook_can(const struct vmx_audit_cpu *cpu)
{
    return (cpu->entry & ~(uint32_t)(vmx_caps.entry >> 32)) == 0;
}

/* Its mode, and the fields that are not as the mode has them. */
static void hook_describe(const struct audit_case *c, const struct vmx_guest_fields *g, char *buf,
                          size_t size)
{
    static const char *const settings[] = {
        [AS_IT_IS] = "", [RESTRICTED] = " not unrestricted", [WITH_CET] = " with CET"};
    struct vmx_guest_fields copy = *g;
    enum vmcs_field field;
    const uint64_t *place;
    size_t len = fmt_print(buf, size, "%s%s", mode_names[c->mode], settings[c->setting]);

    for (uint32_t n = 0; n < ARRAY_SIZE(c->changes) && c->changes[n].field; n++) {
        for (uint32_t i = 0; (place = vmx_audit_place(&copy, i, &field)) != NULL; i++) {
            if (field == c->changes[n].field)
                len += fmt_print(buf + len, size - len, ", %s 0x%llx", vmcs_field_name(field),
                                 (unsigned long long)*place);
        }
    }
}

static void hook_cases(struct vcpu *v, const struct vmx_audit_cpu *cpu)
{
    char words[LOG_LINE_MAX] = "", change[LOG_LINE_MAX];

    for (uint32_t i = 0; i < ARRAY_SIZE(audit_cases); i++) {
        const struct audit_case *c = &audit_cases[i];
        struct vmx_audit_cpu settings = *cpu;
        struct vmx_guest_fields g;

        if (!audit_make_case(c, &settings, &g) || !hook_can(&settings))
            continue;
        hook_describe(c, &g, change, sizeof(change));
        const char *does =
            hook_try(v, i, &settings, &g, mode_names[c->mode], c->rule ? words : NULL);
        if (c->rule) {
            log_line("case %u: %s: CPU %s", i, change, does);
            log_line("case %u says: %s", i, words);
            console_flush();
        }
    }
}

/* The state of the case that the guest's command line names stays. True: there is one. */
static bool hook_chosen(struct vcpu *v, const struct vmx_audit_cpu *cpu)
{
    static const char word[] = "noinput rule=";
    const char *at = v->vm->plan->config->cmdline;
    struct vmx_audit_cpu settings = *cpu;
    struct vmx_guest_fields g;
    uint32_t number = 0;

    if (memcmp(at, word, sizeof(word) - 1) != 0)
        return false;
    for (at += sizeof(word) - 1; *at >= '0' && *at <= '9'; at++)
        number = 10 * number + (uint32_t)(*at - '0');
    settings.pin &= ~PIN_PREEMPTION_TIMER;
    if (number >= ARRAY_SIZE(audit_cases) ||
        !audit_make_case(&audit_cases[number], &settings, &g) || !hook_can(&settings)) {
        log_line("there is no case %u on this processor", number);
        return true;
    }
    log_line("the guest begins as case %u has it", number);
    console_flush();
    for (uint32_t i = 0, count = sizeof(g) / sizeof(uint64_t); i < count; i++) {
        enum vmcs_field field;
        const uint64_t *place = vmx_audit_place(&g, i, &field);
        if (hook_has_field(field, &settings))
            vmwrite_raw(field, *place);
    }
    vmwrite32(VMCS_SECONDARY_CONTROLS, settings.cpu2);
    vmwrite32(VMCS_ENTRY_CONTROLS, settings.entry);
    return true;
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
        (void)hook_try(v, ARRAY_SIZE(audit_cases) + n++, &settings, &g, changed, NULL);
    }
}

/* ------------------------------------------------------------------ what a processor could lack */

/* Logs what the boot would say if the processor had these capabilities. */
static void hook_lack(const struct vmx_caps *caps, const char *word, uint32_t bit, const char *how)
{
    struct virt_report report = {0};
    struct vmx_controls controls;

    vmx_fit(caps, &controls, &report);
    if (report.missing_count > 0)
        log_line("lack: %s bit %u %s: %s", word, bit, how, report.missing[0]);
}

static void hook_lacks(void)
{
    struct vmx_caps caps = vmx_caps;
    const struct {
        const char *name;
        uint64_t *word;
    } words[] = {{"pin-based", &caps.pin},
                 {"primary processor-based", &caps.cpu},
                 {"secondary processor-based", &caps.cpu2},
                 {"VM-exit", &caps.exit},
                 {"VM-entry", &caps.entry}};

    for (uint32_t w = 0; w < ARRAY_SIZE(words); w++) {
        const uint64_t was = *words[w].word;
        for (uint32_t bit = 0; bit < 32; bit++) {
            *words[w].word = was & ~BIT64(bit + 32);
            hook_lack(&caps, words[w].name, bit, "cannot be 1");
            *words[w].word = was | BIT64(bit);
            hook_lack(&caps, words[w].name, bit, "cannot be 0");
        }
        *words[w].word = was;
    }
    for (uint32_t bit = 0; bit < 64; bit++) {
        caps.ept_vpid = vmx_caps.ept_vpid & ~BIT64(bit);
        hook_lack(&caps, "IA32_VMX_EPT_VPID_CAP", bit, "is 0");
    }
    caps = vmx_caps;
    caps.misc &= ~BIT64(MISC_ACTIVITY_SHIFT + ACTIVITY_HLT);
    hook_lack(&caps, "IA32_VMX_MISC", MISC_ACTIVITY_SHIFT + ACTIVITY_HLT, "is 0");
    console_flush();
}

void vmx_hook_reset(struct vcpu *v, const struct vcpu_state *state)
{
    struct vmx_audit_cpu cpu;

    if (v->index != 0 || v->vm->restarts > 0)
        return;
    vmx_read_audit_cpu(&cpu);
    if (hook_chosen(v, &cpu) || hook_done || !text_equal(v->vm->plan->config->cmdline, "noinput"))
        return;
    hook_done = true;
    cpu.pin |= PIN_PREEMPTION_TIMER;
    log_line("entry audit: %u cases, %u random states", (uint32_t)ARRAY_SIZE(audit_cases),
             RANDOM_STATES);
    hook_cases(v, &cpu);
    hook_random_states(v, &cpu);
    hook_lacks();
    log_line("entry audit: done");
    console_flush();
    vmx_vcpu_reset(v, state); /* the guest starts as if nothing had been */
}
