/* SPDX-License-Identifier: MIT */
/*
 * commands_vmcs: `vmcs` and `vmcb`: the processor's control structure of a vCPU, as the backend
 * puts it into words.
 */
#include "kernel/console/answer.h"
#include "kernel/core/cores.h"
#include "kernel/monitor/commands_look.h"
#include "lib/fmt.h"
#include "lib/string.h"

/* "2", within the guest; false: it is no number, or the guest has no such core. */
static bool commands_core(const struct vm *vm, const char *word, uint32_t *index)
{
    *index = 0;
    for (; *word; word++) {
        if (*word < '0' || *word > '9' || *index >= vm->vcpu_count)
            return false;
        *index = 10 * *index + (uint32_t)(*word - '0');
    }
    return *index < vm->vcpu_count;
}

/* Has its core note the structure, or finds what was noted when its life ended. False: there is
 * nothing, and why was said. */
static bool commands_note(const struct commands *c, struct vcpu *v)
{
    const struct vcpu_soft *soft = v->soft;
    const bool ended = soft->phase == VCPU_PARKED && v->vm->end.kind != VM_END_NONE;
    const bool waits = soft->phase == VCPU_WAIT_SIPI || (ended && soft->ended_in == VCPU_WAIT_SIPI);
    const bool is_ours = v->cpu == this_cpu(); /* we are in one of its exits */

    if (soft->phase == VCPU_RUNNING && is_ours)
        virt_look(v);
    else if (soft->phase == VCPU_RUNNING && !commands_ask(c, v, KICK_FIELDS)) {
        answer_line("%s vCPU %u on core #%u does not answer", v->vm->name, v->index, v->cpu->id);
        return false;
    }
    if (waits || (soft->phase == VCPU_PARKED && !ended)) {
        answer_line("%s vCPU %u %s", v->vm->name, v->index,
                    waits ? "waits for a SIPI" : "is not running");
        return false;
    }
    answer_line("%s vCPU %u on core #%u%s:", v->vm->name, v->index, v->cpu->id,
                ended ? ", when its life ended" : "");
    return true;
}

/* GUEST, and in c->more [CORE] [PART]. */
static void commands_fields(struct commands *c, struct vm *vm, const char *typed)
{
    const char *name = virt_look_name();
    const char *const *more = c->more;
    uint32_t core = 0;

    if (!text_equal(name, typed)) {
        answer_line("this processor has no %s: type `%s %s`", typed, name, vm->name);
        return;
    }
    if (*more[0] >= '0' && *more[0] <= '9') {
        if (!commands_core(vm, more[0], &core)) {
            answer_line("guest '%s' has %u core%s, counted from 0: there is no core %s", vm->name,
                        vm->vcpu_count, fmt_plural(vm->vcpu_count), more[0]);
            return;
        }
        more++;
    }
    if (more < c->more + 1 && *more[1]) {
        answer_line("usage: %s GUEST [CORE] [PART]", typed);
        return;
    }
    struct vcpu *v = &vm->vcpus[core];
    if (commands_note(c, v) && !virt_look_show(v, more[0], answer_line))
        answer_line("there is no part '%s': `%s %s` lists the parts", more[0], name, vm->name);
}

void commands_on_vmcs(struct commands *c, struct vm *vm)
{
    commands_fields(c, vm, "vmcs");
}

void commands_on_vmcb(struct commands *c, struct vm *vm)
{
    commands_fields(c, vm, "vmcb");
}
