/* SPDX-License-Identifier: MIT */
/*
 * audit_svm: the same on an AMD processor. When the first guest with `cmdline = noinput` is reset,
 * before it runs, breaks each rule of svm/audit.c in turn, says what the explainer makes of it and
 * what the processor does; an entry that succeeds is over at once, by an NMI that waits for it.
 *
 * An emulator may write over the state that it refused. What the explainer says is asked before the
 * entry, of a VMCB as a processor would leave it; and after it, of what is left.
 *
 * With `cmdline = noinput rule=N` that guest's first life begins with rule N broken.
 */
#include "kernel/console/console.h"
#include "kernel/vm/vm.h"
#include "lib/fmt.h"
#include "lib/log.h"
#include "svm/svm.h"
#include "tests/unit/svm/audit_cases.h"

static bool hook_done;
static const struct vcpu *hook_inside; /* whose resets are ours */

/* The first case that breaks the rule on this processor, if possible no other; NULL: none. It is
 * applied to the VMCB. */
static const struct svm_audit_case *hook_break(struct vcpu *v, const struct vcpu_state *state,
                                               const char *rule)
{
    struct svm_vmcb *vmcb = &((struct svm_vcpu *)v->hw)->vmcb;
    char words[LOG_LINE_MAX];
    const struct vcpu_exit x = {.kind = EXIT_ENTRY_FAILED};

    for (uint32_t i = 0; i < ARRAY_SIZE(svm_audit_cases); i++) {
        const struct svm_audit_case *c = &svm_audit_cases[i];

        if (c->rule == NULL || c->reset || memcmp(rule, c->rule, strlen(c->rule)) != 0)
            continue;
        svm_vcpu_reset(v, state);
        svm_audit_make_good(vmcb);
        svm_audit_apply(c, vmcb);
        svm_explain(v, &x, words, sizeof(words));
        if (!text_equal(words, "the VMCB breaks no rule known here"))
            return c;
    }
    return NULL;
}

static const char *hook_enter(struct vcpu *v)
{
    struct stay stay = {0};

    v->hw_work |= WORK_NUDGE;
    svm_run(v, &stay);
    if (stay.kind == EXIT_ENTRY_FAILED)
        return ((struct svm_vcpu *)v->hw)->is_lost ? "refuses and loses the state" : "refuses";
    return stay.kind == EXIT_KICK ? "enters" : "enters, and it ended otherwise";
}

static void hook_try(struct vcpu *v, const struct vcpu_state *state, uint32_t number)
{
    const struct svm_audit_case *c = hook_break(v, state, svm_audit_rule(number));
    const struct vcpu_exit x = {.kind = EXIT_ENTRY_FAILED};
    char words[LOG_LINE_MAX];

    if (!c) {
        log_line("rule %u cannot be broken on this processor: %s", number, svm_audit_rule(number));
        return;
    }
    svm_explain(v, &x, words, sizeof(words));
    log_line("rule %u says: %s", number, words);
    const char *does = hook_enter(v);
    log_line("rule %u: %s 0x%llx: CPU %s", number, c->field, (unsigned long long)c->value, does);
    svm_explain(v, &x, words, sizeof(words));
    log_line("rule %u then says: %s", number, words);
    console_flush();
}

/* True: the guest's command line names one. */
static bool hook_chosen(struct vcpu *v, const struct vcpu_state *state)
{
    static const char word[] = "noinput rule=";
    const char *at = v->vm->plan->config->cmdline;
    uint32_t number = 0;

    if (memcmp(at, word, sizeof(word) - 1) != 0)
        return false;
    hook_inside = v;
    for (at += sizeof(word) - 1; *at >= '0' && *at <= '9'; at++)
        number = 10 * number + (uint32_t)(*at - '0');
    const char *rule = svm_audit_rule(number);
    if (rule && hook_break(v, state, rule))
        log_line("the guest begins with rule %u broken: %s", number, rule);
    else
        log_line("there is no rule %u that can be broken on this processor", number);
    hook_inside = NULL;
    return true;
}

static void hook_lack(const struct svm_caps *caps, const char *what)
{
    struct virt_report report = {0};

    svm_fit(caps, &report);
    if (report.missing_count > 0)
        log_line("lack: %s: %s", what, report.missing[0]);
}

static void hook_lacks(void)
{
    const uint32_t features = svm_caps.features | SVM_FEATURE_NRIPS;
    struct svm_caps caps = svm_caps;

    caps.is_guest = false; /* a hypervisor below is looked at more kindly */
    for (uint32_t bit = 0; bit < 32; bit++) {
        char what[40];
        caps.features = features & ~BIT32(bit);
        fmt_print(what, sizeof(what), "CPUID Fn8000_000A:EDX bit %u is 0", bit);
        if (features & BIT32(bit))
            hook_lack(&caps, what);
    }
    caps.features = features;
    caps.asids = 1;
    hook_lack(&caps, "CPUID Fn8000_000A:EBX is 1");
    caps.asids = svm_caps.asids;
    caps.vm_cr = VM_CR_SVMDIS;
    hook_lack(&caps, "VM_CR.SVMDIS is 1");
    caps.vm_cr = VM_CR_SVMDIS | VM_CR_LOCK;
    hook_lack(&caps, "VM_CR.SVMDIS and VM_CR.LOCK are 1");
    caps.has_svm = false;
    hook_lack(&caps, "CPUID Fn8000_0001:ECX.SVM is 0");
}

void svm_hook_reset(struct vcpu *v, const struct vcpu_state *state)
{
    if (v == hook_inside || hook_done || v->index != 0 || v->vm->restarts > 0 ||
        hook_chosen(v, state) || !text_equal(v->vm->plan->config->cmdline, "noinput"))
        return;
    hook_done = true;
    log_line("rule audit: begins");
    for (uint32_t i = 0; svm_audit_rule(i) != NULL; i++)
        hook_try(v, state, i);
    hook_lacks();
    log_line("rule audit: done");
    console_flush();
    svm_vcpu_reset(v, state); /* the guest starts as if nothing had been */
}
