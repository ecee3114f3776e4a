/* SPDX-License-Identifier: MIT */
#include "kernel/monitor/debugger_answer.h"

#include "kernel/vm/debug.h"

void debugger_say(struct debugger *d, const char *text)
{
    packet_begin(&d->out);
    packet_put(&d->out, text);
    packet_end(&d->out);
}

struct debug_core *debugger_core(const struct debugger *d, uint32_t index)
{
    return &d->vm->debug->cores[index];
}

bool debugger_is_held(const struct debugger *d, uint32_t index)
{
    return index < d->vm->vcpu_count && atomic_load(&debugger_core(d, index)->place) == DEBUG_HELD;
}

struct debug_core *debugger_chosen(struct debugger *d)
{
    if (!debug_is_stopped(d->vm))
        return NULL;
    for (uint32_t i = 0; i < d->vm->vcpu_count && !debugger_is_held(d, d->thread); i++)
        d->thread = i;
    return debugger_is_held(d, d->thread) ? debugger_core(d, d->thread) : NULL;
}
