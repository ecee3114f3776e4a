/* SPDX-License-Identifier: MIT */
/*
 * vpit: see the header. Intel 8254 data sheet, "Mode Definitions" and "Programming the 8254"; a
 * count that is written takes effect at once, in every mode. Pure.
 */
#include "vdev/vpit.h"

#include "lib/bits.h"
#include "lib/time.h"

enum vpit_flag {
    VPIT_RUNS = 1,
    VPIT_HALF_WRITTEN = 2, /* the low byte has come */
    VPIT_HALF_READ = 4,    /* the low byte has gone */
    VPIT_LATCHED = 8,
    VPIT_STATUS = 16, /* the next read is the status */
};

enum vpit_mode {
    MODE_COUNT = 0,
    MODE_ONE_SHOT = 1, /* begins when the gate rises, as does mode 5 */
    MODE_RATE = 2,
    MODE_SQUARE = 3,
    MODE_STROBE = 4,
    MODE_SHOT_STROBE = 5,
};

#define COUNT_MAX 0x10000u /* what a written 0 means */
#define NEVER     UINT64_MAX

/* The control word. */
#define SELECT_SHIFT     6
#define SELECT_READ_BACK 3
#define ACCESS_SHIFT     4
#define ACCESS_BITS      3
#define ACCESS_LOW       1
#define ACCESS_HIGH      2
#define MODE_SHIFT       1
#define MODE_BITS        7
#define KEEP_COUNT       0x20 /* of a read-back: clear means latch */
#define KEEP_STATUS      0x10

#define STATUS_OUT  0x80u
#define STATUS_NULL 0x40u /* no count yet */

#define PORT_B_GATE    0x01
#define PORT_B_WRITTEN 0x0f
#define PORT_B_REFRESH 0x10 /* toggles with each of channel 1's rounds, on a PC */
#define PORT_B_OUT     0x20
#define REFRESH_TICKS  18

/*@ requires \valid_read(clock) && \valid_read(clock->scale) && can_scale(*clock->scale);
  @ assigns \nothing;
  @*/
static uint64_t vpit_ticks(const struct vrtc_clock *clock, uint64_t now)
{
    const uint64_t ns = time_to_ns(clock->scale, ticks_since(now, clock->start));

    return ns / NS_PER_SECOND * VPIT_HZ + ns % NS_PER_SECOND * VPIT_HZ / NS_PER_SECOND;
}

/* Relaxed everywhere, as in vdev/vuart.c. */
/*@ requires \valid_read(reg);
  @ assigns \nothing;
  @*/
static uint8_t get(const _Atomic uint8_t *reg)
{
    return atomic_load_explicit(reg, memory_order_relaxed);
}

/*@ requires \valid(reg);
  @ assigns *reg;
  @*/
static void set(_Atomic uint8_t *reg, uint8_t value)
{
    atomic_store_explicit(reg, value, memory_order_relaxed);
}

/*@ requires \valid(c);
  @ assigns c->flags;
  @*/
static void change(struct vpit_channel *c, uint8_t clear, uint8_t then_set)
{
    set(&c->flags, (uint8_t)((get(&c->flags) & ~clear) | then_set));
}

/*@ requires \valid_read(c);
  @ assigns \nothing;
  @*/
static bool has(const struct vpit_channel *c, uint8_t flag)
{
    return (get(&c->flags) & flag) != 0;
}

/*@ requires \valid_read(c);
  @ assigns \nothing;
  @*/
static bool starts_by_gate(const struct vpit_channel *c)
{
    const uint8_t mode = get(&c->mode);

    return mode == MODE_ONE_SHOT || mode == MODE_SHOT_STROBE;
}

/*@ requires \valid_read(c);
  @ assigns \nothing;
  @*/
static bool has_rounds(const struct vpit_channel *c)
{
    const uint8_t mode = get(&c->mode);

    return mode == MODE_RATE || mode == MODE_SQUARE;
}

/* Ticks that it has counted, all rounds together. */
/*@ requires \valid_read(c);
  @ assigns \nothing;
  @*/
static uint64_t counted(const struct vpit_channel *c, uint64_t ticks)
{
    const uint64_t origin = atomic_load_explicit(&c->origin, memory_order_relaxed);

    return has(c, VPIT_RUNS) ? ticks_since(ticks, origin) : origin;
}

/*@ requires \valid_read(c);
  @ assigns \nothing;
  @*/
static uint16_t count_of(const struct vpit_channel *c, uint64_t ticks)
{
    const uint32_t reload = atomic_load_explicit(&c->reload, memory_order_relaxed);
    const uint64_t done = counted(c, ticks);

    if (reload == 0)
        return 0;
    if (get(&c->mode) == MODE_SQUARE) /* by two, so twice in a round */
        return (uint16_t)((reload - done % reload * 2 % reload) & ~1u);
    if (has_rounds(c))
        return (uint16_t)(reload - done % reload);
    return (uint16_t)(reload - done);
}

/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result == 0 || \result == 1;
  @*/
static uint8_t out_of(const struct vpit_channel *c, uint64_t ticks)
{
    const uint32_t reload = atomic_load_explicit(&c->reload, memory_order_relaxed);
    const uint64_t done = counted(c, ticks);
    const uint8_t mode = get(&c->mode);

    if (reload == 0)
        return mode == MODE_COUNT ? 0 : 1;
    if (mode == MODE_COUNT || mode == MODE_ONE_SHOT)
        return done >= reload ? 1 : 0;
    if (!has(c, VPIT_RUNS))
        return 1;
    if (mode == MODE_SQUARE)
        return done % reload < (reload + 1) / 2 ? 1 : 0;
    if (mode == MODE_RATE)
        return done % reload + 1 < reload ? 1 : 0;
    return done != reload ? 1 : 0;
}

/*@ requires \valid(c);
  @ assigns c->origin, c->flags;
  @*/
static void run(struct vpit_channel *c, uint64_t origin)
{
    atomic_store_explicit(&c->origin, origin, memory_order_relaxed);
    change(c, 0, VPIT_RUNS);
}

/*@ requires \valid(c);
  @ assigns c->origin, c->flags;
  @*/
static void stop(struct vpit_channel *c, uint64_t done)
{
    change(c, VPIT_RUNS, 0);
    atomic_store_explicit(&c->origin, done, memory_order_relaxed);
}

/*@ requires \valid(c);
  @ assigns c->origin, c->flags, c->reload;
  @*/
static void load(struct vpit_channel *c, uint32_t count, bool gate, uint64_t ticks)
{
    atomic_store_explicit(&c->reload, count == 0 ? COUNT_MAX : count, memory_order_relaxed);
    if (starts_by_gate(c))
        stop(c, NEVER);
    else if (gate)
        run(c, ticks);
    else
        stop(c, 0);
}

/*@ requires \valid(c);
  @ assigns c->latch, c->flags;
  @*/
static void latch(struct vpit_channel *c, uint64_t ticks)
{
    if (has(c, VPIT_LATCHED))
        return;
    atomic_store_explicit(&c->latch, count_of(c, ticks), memory_order_relaxed);
    change(c, 0, VPIT_LATCHED);
}

/*@ requires \valid(c);
  @ assigns c->status, c->flags;
  @*/
static void latch_status(struct vpit_channel *c, uint64_t ticks)
{
    const uint32_t out = out_of(c, ticks) != 0 ? STATUS_OUT : 0;
    const bool is_null = atomic_load_explicit(&c->reload, memory_order_relaxed) == 0;
    const uint32_t access = get(&c->access), mode = get(&c->mode);

    set(&c->status,
        (uint8_t)(out | (is_null ? STATUS_NULL : 0) | access << ACCESS_SHIFT | mode << MODE_SHIFT));
    change(c, 0, VPIT_STATUS);
}

/*@ requires \valid(c);
  @ assigns *c;
  @*/
static void program(struct vpit_channel *c, uint8_t word)
{
    const uint8_t mode = word >> MODE_SHIFT & MODE_BITS;

    set(&c->mode, mode > MODE_SHOT_STROBE ? mode & 3 : mode); /* bit 2 of modes 2 and 3 is "any" */
    set(&c->access, word >> ACCESS_SHIFT & ACCESS_BITS);
    set(&c->flags, 0);
    atomic_store_explicit(&c->origin, 0, memory_order_relaxed);
    atomic_store_explicit(&c->reload, 0, memory_order_relaxed);
}

/*@ requires \valid(p);
  @ assigns p->channels[0 .. VPIT_CHANNELS - 1];
  @*/
static void write_control(struct vpit *p, uint8_t word, uint64_t ticks)
{
    const uint8_t select = word >> SELECT_SHIFT;

    if (select < SELECT_READ_BACK) {
        if ((word >> ACCESS_SHIFT & ACCESS_BITS) == 0)
            latch(&p->channels[select], ticks);
        else
            program(&p->channels[select], word);
        return;
    }
    /*@ loop invariant 0 <= i <= VPIT_CHANNELS;
      @ loop assigns i, p->channels[0 .. VPIT_CHANNELS - 1];
      @ loop variant VPIT_CHANNELS - i;
      @*/
    for (uint32_t i = 0; i < VPIT_CHANNELS; i++) {
        if ((word >> (i + 1) & 1) == 0)
            continue;
        if ((word & KEEP_COUNT) == 0)
            latch(&p->channels[i], ticks);
        if ((word & KEEP_STATUS) == 0)
            latch_status(&p->channels[i], ticks);
    }
}

/*@ requires \valid(c);
  @ assigns *c;
  @*/
static uint8_t read_count(struct vpit_channel *c, uint64_t ticks)
{
    if (has(c, VPIT_STATUS)) {
        change(c, VPIT_STATUS, 0);
        return get(&c->status);
    }
    const uint8_t access = get(&c->access);
    const uint16_t count = has(c, VPIT_LATCHED)
                               ? atomic_load_explicit(&c->latch, memory_order_relaxed)
                               : count_of(c, ticks);
    if (access != ACCESS_LOW && access != ACCESS_HIGH && !has(c, VPIT_HALF_READ)) {
        change(c, 0, VPIT_HALF_READ);
        return (uint8_t)count;
    }
    change(c, VPIT_HALF_READ | VPIT_LATCHED, 0);
    return access == ACCESS_LOW ? (uint8_t)count : (uint8_t)(count >> 8);
}

/*@ requires \valid(c);
  @ assigns *c;
  @*/
static void write_count(struct vpit_channel *c, uint8_t value, bool gate, uint64_t ticks)
{
    const uint8_t access = get(&c->access);

    if (access == ACCESS_LOW) {
        load(c, value, gate, ticks);
    } else if (access == ACCESS_HIGH) {
        load(c, (uint32_t)value << 8, gate, ticks);
    } else if (!has(c, VPIT_HALF_WRITTEN)) {
        set(&c->low, value);
        change(c, 0, VPIT_HALF_WRITTEN);
    } else {
        change(c, VPIT_HALF_WRITTEN, 0);
        load(c, (uint32_t)value << 8 | get(&c->low), gate, ticks);
    }
}

/* Channel 2's gate, from 0 to 1 or back. */
/*@ requires \valid(c);
  @ assigns c->origin, c->flags;
  @*/
static void move_gate(struct vpit_channel *c, bool gate, uint64_t ticks)
{
    if (!gate) {
        if (!starts_by_gate(c) && has(c, VPIT_RUNS))
            stop(c, counted(c, ticks));
    } else if (starts_by_gate(c) || has_rounds(c)) {
        run(c, ticks);
    } else if (!has(c, VPIT_RUNS)) {
        run(c, ticks - counted(c, ticks));
    }
}

/*@ requires \valid(p);
  @ assigns p->port_b, p->channels[0 .. VPIT_CHANNELS - 1];
  @*/
static void write_port_b(struct vpit *p, uint8_t value, uint64_t ticks)
{
    const bool before = (get(&p->port_b) & PORT_B_GATE) != 0, gate = (value & PORT_B_GATE) != 0;

    set(&p->port_b, value & PORT_B_WRITTEN);
    if (gate != before)
        move_gate(&p->channels[VPIT_CHANNELS - 1], gate, ticks);
}

/*@ requires \valid_read(p);
  @ assigns \nothing;
  @*/
static uint8_t read_port_b(const struct vpit *p, uint64_t ticks)
{
    const uint32_t refresh = ticks / REFRESH_TICKS % 2 != 0 ? PORT_B_REFRESH : 0;
    const uint32_t out = out_of(&p->channels[VPIT_CHANNELS - 1], ticks) != 0 ? PORT_B_OUT : 0;

    return (uint8_t)((get(&p->port_b) & PORT_B_WRITTEN) | refresh | out);
}

uint8_t vpit_in(struct vpit *p, uint16_t port, uint64_t now)
{
    /*@ ghost vpit_reached = 1; */
    if (p->clock == NULL)
        return 0;
    const uint64_t ticks = vpit_ticks(p->clock, now);
    if (port == VPIT_PORT_B)
        return read_port_b(p, ticks);
    if (port < VPIT_PORT || port >= VPIT_PORT + VPIT_CHANNELS)
        return 0xff; /* the control word cannot be read */
    return read_count(&p->channels[port - VPIT_PORT], ticks);
}

/*@ requires \valid(p);
  @ assigns p->port_b, p->channels[0 .. VPIT_CHANNELS - 1];
  @*/
static void write_port(struct vpit *p, uint16_t port, uint8_t value, uint64_t ticks)
{
    if (port == VPIT_PORT_B)
        write_port_b(p, value, ticks);
    else if (port == VPIT_CONTROL)
        write_control(p, value, ticks);
    else if (port == VPIT_CHANNEL_2)
        write_count(&p->channels[2], value, (get(&p->port_b) & PORT_B_GATE) != 0, ticks);
    else if (port == VPIT_PORT || port == VPIT_PORT + 1)
        write_count(&p->channels[port - VPIT_PORT], value, true, ticks);
}

void vpit_out(struct vpit *p, uint16_t port, uint8_t value, uint64_t now)
{
    /*@ ghost vpit_reached = 1; */
    if (p->clock != NULL)
        write_port(p, port, value, vpit_ticks(p->clock, now));
}

/* As a BIOS leaves them: channel 0 counts 18.2 rounds a second, channel 2 waits. */
void vpit_reset(struct vpit *p, const struct vrtc_clock *clock)
{
    p->clock = clock;
    atomic_init(&p->port_b, 0);
    for (uint32_t i = 0; i < VPIT_CHANNELS; i++) {
        struct vpit_channel *c = &p->channels[i];
        atomic_init(&c->origin, 0);
        atomic_init(&c->reload, i == 1 ? REFRESH_TICKS : COUNT_MAX);
        atomic_init(&c->latch, 0);
        atomic_init(&c->mode, i == 1 ? MODE_RATE : MODE_SQUARE);
        atomic_init(&c->access, ACCESS_LOW | ACCESS_HIGH);
        atomic_init(&c->low, 0);
        atomic_init(&c->status, 0);
        atomic_init(&c->flags, i == 2 ? 0 : VPIT_RUNS);
    }
}
