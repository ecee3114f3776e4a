/* SPDX-License-Identifier: MIT */
/*
 * vuart: registers of a 16550A between a guest's port accesses and its two rings, and its interrupt
 * line. Line speed, parity and a break that the guest sends are stored and have no effect. Pure.
 */
#include "vdev/vuart.h"

#include "lib/bits.h"
#include "lib/uart16550.h"

/* Relaxed everywhere: one byte each, and nothing else is read on the strength of it. */
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

void vuart_reset(struct vuart *u, struct tx_ring *tx, struct rx_ring *rx)
{
    u->tx = tx;
    u->rx = rx;
    atomic_init(&u->ier, 0);
    atomic_init(&u->fcr, 0);
    atomic_init(&u->lcr, 0);
    atomic_init(&u->mcr, 0);
    atomic_init(&u->scr, 0);
    atomic_init(&u->dll, 0);
    atomic_init(&u->dlm, 0);
    atomic_init(&u->looped, VUART_NO_BYTE);
    atomic_init(&u->lost, 0);
    atomic_init(&u->line, 0);
    atomic_init(&u->silence, 0);
    atomic_init(&u->run, 0);
    atomic_init(&u->broken, 0);
}

/*@ requires \valid_read(u);
  @ assigns \nothing;
  @*/
static bool has_divisor(const struct vuart *u)
{
    return (get(&u->lcr) & LCR_DLAB) != 0;
}

/* Loopback cuts the UART off its line: bytes go round, modem outputs come back as inputs. */
/*@ requires \valid_read(u);
  @ assigns \nothing;
  @*/
static bool is_looped(const struct vuart *u)
{
    return (get(&u->mcr) & MCR_LOOPBACK) != 0;
}

/* Nothing of the line is seen in loopback. */
/*@ requires \valid_read(u);
  @ assigns \nothing;
  @*/
static bool has_break(const struct vuart *u)
{
    return !is_looped(u) && get(&u->broken) != 0;
}

/*@ requires \valid_read(u) && \valid_read(u->tx) && \valid_read(u->rx);
  @ assigns \nothing;
  @*/
static bool has_data(const struct vuart *u)
{
    if (is_looped(u))
        return atomic_load_explicit(&u->looped, memory_order_relaxed) != VUART_NO_BYTE;
    return has_break(u) || rx_has_data(u->rx);
}

/* A driver that sees an empty transmitter fills the whole FIFO without looking again. */
/*@ requires \valid_read(u) && \valid_read(u->tx) && \valid_read(u->rx);
  @ assigns \nothing;
  @*/
static bool has_room(const struct vuart *u)
{
    return is_looped(u) || (atomic_load_explicit(&u->run, memory_order_relaxed) < VUART_RUN &&
                            tx_has_room(u->tx, UART_FIFO));
}

/*@ requires uart_ready(u);
  @ assigns u->looped, u->broken, u->rx->tail;
  @*/
static uint8_t receive(struct vuart *u)
{
    if (is_looped(u)) {
        uint16_t byte = atomic_exchange_explicit(&u->looped, VUART_NO_BYTE, memory_order_relaxed);
        return byte == VUART_NO_BYTE ? 0 : (uint8_t)byte;
    }
    if (has_break(u)) {
        set(&u->broken, 0);
        return 0;
    }
    uint8_t byte = 0;
    return rx_get(u->rx, &byte) ? byte : 0;
}

/*@ requires uart_ready(u);
  @ assigns u->looped, u->lost, u->run, u->tx->head, u->tx->refused;
  @ assigns u->tx->slots[0 .. TX_RING_RECORDS - 1];
  @*/
static void send(struct vuart *u, uint8_t byte)
{
    if (is_looped(u)) {
        atomic_store_explicit(&u->looped, byte, memory_order_relaxed);
        return;
    }
    if (!tx_append(u->tx, byte))
        atomic_fetch_add_explicit(&u->lost, 1, memory_order_relaxed);
    else if ((get(&u->ier) & IER_EMPTY) != 0)
        atomic_fetch_add_explicit(&u->run, 1, memory_order_relaxed);
}

/* The empty transmitter is reported for as long as it lasts: no edge that a poller could miss. */
/*@ requires \valid_read(u) && \valid_read(u->tx) && \valid_read(u->rx);
  @ assigns \nothing;
  @*/
static uint8_t interrupt_id(const struct vuart *u)
{
    uint8_t fifos = (get(&u->fcr) & FCR_ENABLE) != 0 ? IIR_FIFOS : 0;
    uint8_t ier = get(&u->ier);
    if ((ier & IER_DATA) != 0 && has_data(u))
        return fifos | IIR_DATA;
    if ((ier & IER_EMPTY) != 0 && has_room(u))
        return fifos | IIR_EMPTY;
    return fifos | IIR_NONE;
}

/* What is told counts, not what is true by then: on "none" a handler leaves, and the next reason is
 * another edge. */
/*@ requires \valid(u) && \valid_read(u->tx) && \valid_read(u->rx);
  @ assigns u->line, u->silence, u->run;
  @*/
static uint8_t read_iir(struct vuart *u)
{
    const uint8_t id = interrupt_id(u);

    set(&u->silence, 0);
    if ((id & IIR_NONE) != 0) {
        atomic_store_explicit(&u->run, 0, memory_order_relaxed);
        set(&u->line, 0);
    }
    return id;
}

/*@ requires \valid_read(u) && \valid_read(u->tx) && \valid_read(u->rx);
  @ assigns \nothing;
  @*/
static uint8_t line_status(const struct vuart *u)
{
    return (uint8_t)((has_room(u) ? LSR_ROOM | LSR_IDLE : 0) | (has_data(u) ? LSR_DATA : 0) |
                     (has_break(u) ? LSR_BREAK : 0));
}

/*@ requires \valid_read(u);
  @ assigns \nothing;
  @*/
static uint8_t modem_status(const struct vuart *u)
{
    uint8_t mcr = get(&u->mcr);
    if ((mcr & MCR_LOOPBACK) == 0)
        return MSR_CTS | MSR_DSR | MSR_DCD; /* somebody always listens */
    return (uint8_t)(((mcr & MCR_RTS) != 0 ? MSR_CTS : 0) | ((mcr & MCR_DTR) != 0 ? MSR_DSR : 0) |
                     ((mcr & MCR_OUT1) != 0 ? MSR_RI : 0) | ((mcr & MCR_OUT2) != 0 ? MSR_DCD : 0));
}

uint8_t vuart_in(struct vuart *u, uint32_t reg)
{
    /*@ ghost vuart_reached[reg] = 1; */
    switch ((enum uart_register)(reg % VUART_PORTS)) {
    case UART_DATA:
        return has_divisor(u) ? get(&u->dll) : receive(u);
    case UART_IER:
        return has_divisor(u) ? get(&u->dlm) : get(&u->ier);
    case UART_IIR:
        return read_iir(u);
    case UART_LCR:
        return get(&u->lcr);
    case UART_MCR:
        return get(&u->mcr);
    case UART_LSR:
        return line_status(u);
    case UART_MSR:
        return modem_status(u);
    case UART_SCR:
        return get(&u->scr);
    }
    return 0xff; /* not reached: all eight are named */
}

void vuart_print(struct vuart *u, uint8_t byte)
{
    if (!tx_append(u->tx, byte))
        atomic_fetch_add_explicit(&u->lost, 1, memory_order_relaxed);
}

/*@ requires uart_ready(u);
  @ assigns u->dll, u->looped, u->lost, u->run, u->tx->head, u->tx->refused;
  @ assigns u->tx->slots[0 .. TX_RING_RECORDS - 1];
  @*/
static void write_data(struct vuart *u, uint8_t value)
{
    if (has_divisor(u))
        set(&u->dll, value);
    else
        send(u, value);
}

/*@ requires \valid(u);
  @ assigns u->dlm, u->ier, u->line;
  @*/
static void write_ier(struct vuart *u, uint8_t value)
{
    if (has_divisor(u)) {
        set(&u->dlm, value);
        return;
    }
    set(&u->ier, value & IER_BITS);
    if ((value & IER_BITS) == 0)
        set(&u->line, 0);
}

void vuart_out(struct vuart *u, uint32_t reg, uint8_t value)
{
    /*@ ghost vuart_reached[reg] = 1; */
    if (reg == UART_DATA) { /* first: text is what a guest writes most */
        write_data(u, value);
        return;
    }
    switch ((enum uart_register)(reg % VUART_PORTS)) {
    case UART_DATA:
        break;
    case UART_IER:
        write_ier(u, value);
        break;
    case UART_IIR:
        /*
         * FCR. Its "clear" bits find nothing: what is sent has left, and what waits in the ring
         * has not arrived yet. A driver that clears at start-up so keeps what was typed ahead.
         */
        set(&u->fcr, value);
        break;
    case UART_LCR:
        set(&u->lcr, value);
        break;
    case UART_MCR:
        set(&u->mcr, value & MCR_BITS);
        break;
    case UART_LSR:
    case UART_MSR:
        break;
    case UART_SCR:
        set(&u->scr, value);
        break;
    }
}

/* ------------------------------------------------------------------ the line */

/* The line is high for what IIR tells; but to rise for the transmitter alone, all that was sent has
 * to have been taken, unless it may rise for less. */
static bool level_of(const struct vuart *u, bool for_room)
{
    const uint8_t id = interrupt_id(u) & (uint8_t)~IIR_FIFOS;

    if (id == IIR_EMPTY && !for_room)
        return is_looped(u) || tx_is_empty(u->tx);
    return id != IIR_NONE;
}

/*
 * Whoever stores the line looks once more behind it: what another core changed meanwhile is seen by
 * that core or by this one. The exchange, a full barrier, is between the change of a condition and
 * the next look in either. Bounded, as a guest that keeps changing it does so on cores of its own;
 * a tick follows.
 */
#define LOOKS_MAX 8

static bool look(struct vuart *u, bool is_tick)
{
    bool edge = false;

    atomic_thread_fence(memory_order_seq_cst);
    for (uint32_t i = 0; i < LOOKS_MAX; i++) {
        const bool before = get(&u->line) != 0;
        const bool level = level_of(u, before || is_tick);
        if (level == before)
            break;
        if (atomic_exchange(&u->line, level) == 0 && level)
            edge = true;
    }
    if (edge)
        set(&u->silence, 1);
    return edge;
}

bool vuart_look(struct vuart *u)
{
    return look(u, false);
}

#define SILENCE_MAX 2

bool vuart_tick(struct vuart *u)
{
    const bool before = get(&u->line) != 0;
    const uint8_t silence = get(&u->silence);

    if ((get(&u->ier) & IER_EMPTY) == 0) /* no handler runs that sends: a driver polls */
        atomic_store_explicit(&u->run, 0, memory_order_relaxed);
    if (look(u, true))
        return true;
    if (!before || get(&u->line) == 0)
        return false;
    if (silence < SILENCE_MAX) {
        set(&u->silence, silence + 1);
        return false;
    }
    set(&u->silence, 1);
    return true;
}

void vuart_break(struct vuart *u)
{
    set(&u->broken, 1);
}

void vuart_forget(struct vuart *u)
{
    set(&u->line, 0);
}
