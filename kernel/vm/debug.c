/* SPDX-License-Identifier: MIT */
#include "kernel/vm/debug.h"

#include "kernel/core/cores.h"
#include "kernel/vm/kick.h"
#include "kernel/vm/watchdog.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"
#include "mm/host.h"

/* DR7. SDM "Debug Control Register (DR7)" */
#define DR7_ENABLE_MASK(slot) (UINT64_C(3) << 2 * (slot))
#define DR7_GLOBAL(slot)      (UINT64_C(2) << 2 * (slot))
#define DR7_FIELD_SHIFT(slot) (16 + 4 * (slot))
#define DR7_SLOT_MASK(slot)   (DR7_ENABLE_MASK(slot) | UINT64_C(0xf) << DR7_FIELD_SHIFT(slot))

#define NO_BREAK DEBUG_BREAKS

/* ------------------------------------------------------------------ debug registers */

static uint64_t debug_read_dr(uint32_t slot)
{
    switch (slot) {
    case 0:
        return read_dr0();
    case 1:
        return read_dr1();
    case 2:
        return read_dr2();
    default:
        return read_dr3();
    }
}

static void debug_write_dr(uint32_t slot, uint64_t address)
{
    switch (slot) {
    case 0:
        write_dr0(address);
        break;
    case 1:
        write_dr1(address);
        break;
    case 2:
        write_dr2(address);
        break;
    default:
        write_dr3(address);
    }
}

/* LEN in 3:2, R/W in 1:0. */
static uint64_t debug_field(const struct debug_break *b)
{
    static const uint8_t kinds[] = {[DEBUG_EXECUTE] = 0, [DEBUG_WRITE] = 1, [DEBUG_ACCESS] = 3};
    const uint64_t length = b->length == 8 ? 2 : b->length - 1;

    return length << 2 | kinds[b->kind];
}

static bool debug_slot_is_free(uint64_t dr7, uint32_t slot)
{
    return !(dr7 & DR7_ENABLE_MASK(slot));
}

/* The debugger's breakpoints go where the guest has none of its own. */
static void debug_plant(struct vcpu *v, struct debug_core *c)
{
    const struct debug *d = v->vm->debug;
    struct vcpu_state *s = &c->state;
    uint32_t slot = 0;

    for (uint32_t b = 0; b < d->break_count; b++) {
        while (slot < DEBUG_BREAKS && !debug_slot_is_free(s->dr7, slot))
            slot++;
        if (slot == DEBUG_BREAKS)
            break; /* the guest has taken one since: debug_break() */
        c->guest_dr[slot] = debug_read_dr(slot);
        debug_write_dr(slot, d->breaks[b].address);
        s->dr7 = (s->dr7 & ~DR7_SLOT_MASK(slot)) | DR7_GLOBAL(slot) |
                 debug_field(&d->breaks[b]) << DR7_FIELD_SHIFT(slot);
        c->planted[slot] = d->breaks[b];
        c->slots |= BIT32(slot);
    }
    virt_debug_state(v, s);
    virt_debug_forget(v, c->slots); /* none of them has been met yet */
}

/* What the guest has written to a register meanwhile is its own, and stays. */
static void debug_unplant(struct vcpu *v, struct debug_core *c)
{
    struct vcpu_state *s = &c->state;

    virt_get_state(v, s);
    for (uint32_t slot = 0; slot < DEBUG_BREAKS; slot++) {
        if (!(c->slots & BIT32(slot)) || debug_read_dr(slot) != c->planted[slot].address)
            continue;
        debug_write_dr(slot, c->guest_dr[slot]);
        s->dr7 &= ~DR7_SLOT_MASK(slot);
    }
    c->slots = 0;
    virt_debug_state(v, s);
}

/* ------------------------------------------------------------------ a core's own */

static void debug_enter(struct vcpu *v, struct debug_core *c)
{
    virt_debug_step(v, false);
    debug_unplant(v, c);
    c->is_changed = false;
    virt_leave(v);
    atomic_store(&c->place, DEBUG_HELD);
}

/* As the debugger wants it. The time that it was held was not the guest's. */
static void debug_release(struct vcpu *v, struct debug_core *c)
{
    if (c->is_changed)
        virt_debug_state(v, &c->state);
    debug_plant(v, c);
    if (atomic_load(&c->act) == DEBUG_STEP)
        virt_debug_step(v, true);
    watchdog_excuse(v->vm, rdtsc());
    atomic_store(&c->place, DEBUG_FREE); /* and only then: debug_is_stopped() */
    atomic_store(&c->act, DEBUG_STAY);
}

/* The place before the look at `hold`: whoever holds sees the one, or we see the other. */
bool debug_holds(struct vcpu *v, uint32_t kicks)
{
    struct debug *d = v->vm->debug;

    if (d == NULL)
        return false;
    struct debug_core *c = &d->cores[v->index];
    switch ((enum debug_place)atomic_load(&c->place)) {
    case DEBUG_HELD:
        if (atomic_load(&c->act) == DEBUG_STAY)
            return true;
        debug_release(v, c);
        break;
    case DEBUG_AWAY: /* it comes out of a reset */
        c->slots = 0;
        c->why = DEBUG_NO_REASON;
        virt_get_state(v, &c->state);
        debug_plant(v, c);
        atomic_store(&c->place, DEBUG_FREE);
        break;
    case DEBUG_FREE:
        break;
    }
    if (kicks & VIRT_STEPPED) {
        c->why = DEBUG_STEPPED;
        debug_hold(v->vm);
    }
    if (!atomic_load(&d->hold))
        return false;
    debug_enter(v, c);
    if (!atomic_load(&d->is_over))
        return true;
    debug_release(v, c); /* without what was planted */
    return false;
}

void debug_away(struct vcpu *v)
{
    struct debug *d = v->vm->debug;

    if (d != NULL)
        atomic_store(&d->cores[v->index].place, DEBUG_AWAY);
}

bool debug_takes(struct vcpu *v, const struct vcpu_exit *x)
{
    struct debug *d = v->vm->debug;

    if (d == NULL)
        return false;
    struct debug_core *c = &d->cores[v->index];
    const uint64_t met = x->exception.dr6 & c->slots;
    if (met == 0)
        return false;
    c->why = DEBUG_MET;
    c->met = c->planted[__builtin_ctzll(met)];
    virt_debug_drop(v, met);
    debug_hold(v->vm);
    return true;
}

/* ------------------------------------------------------------------ all cores */

static void debug_kick(struct vm *vm)
{
    atomic_store(&vm->debug->hold, true);
    for (uint32_t i = 0; i < vm->vcpu_count; i++)
        kick_send(&vm->vcpus[i], KICK_DEBUG);
}

void debug_hold(struct vm *vm)
{
    atomic_store(&vm->debug->is_over, false);
    debug_kick(vm);
}

bool debug_is_stopped(const struct vm *vm)
{
    bool any = false;

    if (atomic_load(&vm->phase) != VM_RUNNING)
        return false;
    for (uint32_t i = 0; i < vm->vcpu_count; i++) {
        const uint32_t place = atomic_load(&vm->debug->cores[i].place);
        if (place == DEBUG_FREE || (place == DEBUG_HELD && atomic_load(&vm->debug->cores[i].act)))
            return false;
        any = any || place == DEBUG_HELD;
    }
    return any;
}

void debug_let_go(struct vm *vm, const uint8_t *acts)
{
    struct debug *d = vm->debug;

    atomic_store(&d->hold, false);
    for (uint32_t i = 0; i < vm->vcpu_count; i++) {
        struct debug_core *c = &d->cores[i];
        if (acts[i] == DEBUG_STAY || atomic_load(&c->place) != DEBUG_HELD)
            continue;
        c->why = DEBUG_NO_REASON;
        atomic_store(&c->act, acts[i]);
        kick_send(&vm->vcpus[i], KICK_DEBUG);
    }
}

void debug_end(struct vm *vm)
{
    uint8_t acts[GUEST_CORES_MAX];

    memset(acts, DEBUG_CONTINUE, sizeof(acts));
    atomic_store(&vm->debug->break_count, 0);
    debug_let_go(vm, acts);
    atomic_store(&vm->debug->is_over, true);
    debug_kick(vm); /* cores that run have breakpoints, or are in a step */
}

/* ------------------------------------------------------------------ breakpoints */

static uint32_t debug_find(const struct debug *d, const struct debug_break *what)
{
    for (uint32_t b = 0; b < d->break_count; b++)
        if (d->breaks[b].kind == what->kind && d->breaks[b].address == what->address &&
            d->breaks[b].length == what->length)
            return b;
    return NO_BREAK;
}

/* SDM "Breakpoint Field Recognition": an address is a multiple of the length. */
static bool debug_can_watch(const struct debug_break *what)
{
    if (what->kind == DEBUG_EXECUTE)
        return what->length == 1;
    return (what->length == 1 || what->length == 2 || what->length == 4 || what->length == 8) &&
           is_aligned(what->address, what->length);
}

static uint32_t debug_room(const struct debug_core *c)
{
    uint32_t room = 0;

    if (atomic_load(&c->place) != DEBUG_HELD)
        return DEBUG_BREAKS;
    for (uint32_t slot = 0; slot < DEBUG_BREAKS; slot++)
        room += debug_slot_is_free(c->state.dr7, slot);
    return room;
}

bool debug_break(struct vm *vm, const struct debug_break *what)
{
    struct debug *d = vm->debug;

    if (debug_find(d, what) != NO_BREAK)
        return true;
    if (!debug_can_watch(what))
        return false;
    for (uint32_t i = 0; i < vm->vcpu_count; i++)
        if (debug_room(&d->cores[i]) <= d->break_count)
            return false;
    d->breaks[d->break_count++] = *what;
    return true;
}

void debug_unbreak(struct vm *vm, const struct debug_break *what)
{
    struct debug *d = vm->debug;
    const uint32_t b = debug_find(d, what);

    if (b == NO_BREAK)
        return;
    d->breaks[b] = d->breaks[--d->break_count];
}

/* ------------------------------------------------------------------ memory */

/* Where `at` is in the host, and how much of `size` from there on lies in one window; 0: it is
 * nothing that a debugger may touch. */
static size_t debug_place(const struct vm *vm, gpa_t at, size_t size, uint32_t rights, hpa_t *to)
{
    const struct guest_region *row = guest_map_find(&vm->plan->map, at);

    if (row == NULL || (row->kind != REGION_RAM && row->kind != REGION_DISK) ||
        (row->rights & rights) != rights)
        return 0;
    const uint64_t offset = at.v - row->at.v;
    *to = hpa(row->to.v + offset);
    return min_u64(min_u64(size, row->size - offset), HOST_WINDOW_SIZE - to->v % HOST_WINDOW_SIZE);
}

static size_t debug_copy(struct vm *vm, gpa_t at, uint8_t *out, const uint8_t *in, size_t size)
{
    const struct host_core *core = &this_cpu()->host;
    const uint32_t rights = in ? PT_R | PT_W : PT_R;
    size_t done = 0, step;
    hpa_t to;

    if (!debug_is_stopped(vm))
        return 0;
    while (done < size &&
           (step = debug_place(vm, gpa(at.v + done), size - done, rights, &to)) > 0) {
        void *window = host_window(core, to);
        if (in)
            memcpy(window, in + done, step);
        else
            memcpy(out + done, window, step);
        done += step;
    }
    host_window_close(core);
    return done;
}

size_t debug_read(struct vm *vm, gpa_t at, uint8_t *bytes, size_t size)
{
    return debug_copy(vm, at, bytes, NULL, size);
}

size_t debug_write(struct vm *vm, gpa_t at, const uint8_t *bytes, size_t size)
{
    return debug_copy(vm, at, NULL, bytes, size);
}

/* ------------------------------------------------------------------ boot core */

enum status debug_build(struct vm *vm, struct pages *pages)
{
    const size_t size = sizeof(*vm->debug) + vm->vcpu_count * sizeof(vm->debug->cores[0]);

    vm->debug = pages_get(pages, (size + PAGE_SIZE - 1) / PAGE_SIZE, PAGE_SIZE);
    if (vm->debug == NULL)
        return FAIL(E_NOMEM, "no pages for the debugger of '%s'", vm->name);
    return OK;
}
