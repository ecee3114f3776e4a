/* SPDX-License-Identifier: MIT */
/*
 * fuzz: a guest that does at random whatever a guest can do. A program of a few operations comes
 * from a stream of bytes, which a seed and the program's number decide; each operation is carried
 * out under guard(), which survives any exception; behind each program world_restore() puts the
 * machine into order.
 */
#pragma once

#include <stdatomic.h>

#include "guests/kit/idt.h"
#include "lib/types.h"

#define CORES 2

/* ---------------------------------------------------------------- the byte code (stream.c) */

struct stream {
    uint64_t state;
};

struct stream stream_open(uint64_t seed, uint32_t core, uint64_t program);
uint64_t stream_u64(struct stream *s);
uint32_t stream_below(struct stream *s, uint32_t limit); /* 0 .. limit - 1 */
bool stream_one_in(struct stream *s, uint32_t n);
uint64_t stream_number(struct stream *s); /* often one that is worth trying */

/* ---------------------------------------------------------------- a core (world.c) */

enum op_class {
    CLASS_PORT,
    CLASS_MSR,
    CLASS_CALL,
    CLASS_CR,
    CLASS_DR,
    CLASS_XCR,
    CLASS_CPUID,
    CLASS_PAGING,
    CLASS_APIC,
    CLASS_HALT,
    CLASS_CODE, /* made instructions, at both CPLs, in 64, 32 and 16-bit segments */
    CLASS_MODE, /* the same outside of long mode */
    CLASS_COUNT,
};

/* Survives INIT: a core that comes back goes on behind the program that it was in. */
struct core {
    uint64_t guard_rsp; /* run.asm writes it: the first field */
    uint32_t number;
    uint32_t apic_id;
    volatile bool guarded; /* an exception goes to the landing */
    volatile bool timed;   /* so does the timer */
    volatile bool away;    /* not in long mode: an NMI would find no table */
    struct stream stream;
    _Atomic uint64_t program; /* the next one */
    uint64_t ops[CLASS_COUNT];
    uint64_t faults[32];
    uint64_t interrupts, nmis, returns; /* returns: by INIT and SIPI */
};

extern struct core cores[CORES];
extern uint32_t core_count;
extern bool wild; /* also what ends the guest */

void world_init(void);                /* tables that all cores share; the lead, once */
void world_enter(struct core *c);     /* on this core: stacks, tables, traps */
void world_restore(struct core *c);   /* a sane state again, whatever was done */
void world_registers(struct core *c); /* the part of it without interrupts; under guard() */

/* Calls fn(c), and comes back from any exception in it; true if there was one. */
bool guard(struct core *c, void (*fn)(struct core *c));

/* One interrupt by the PV timer, soon; under guard() and `timed` it is a way out of any loop. */
void world_alarm(uint64_t ns);

#define VECTOR_ALARM 0xe1

/* ---------------------------------------------------------------- memory (world.c) */

#define SCRATCH_SIZE  (8 * MIB)
#define SCRATCH       (8 * MIB)                 /* everybody may do everything */
#define SCRATCH_ALIAS (GIB + 8 * MIB)           /* the same, not for CPL 3 */
#define CODE_PAGE(c)  ((c)->number * PAGE_SIZE) /* in both: made instructions */
#define DATA_OFFSET   (2 * MIB)                 /* in both: what made instructions work on */
#define PLAY_LINEAR   UINT64_C(0x40000000000)   /* the window that op_paging() maps at random */
#define START_PAGE    UINT32_C(8)               /* core_page */
#define REAL_PAGE     UINT32_C(0xa)             /* code in real mode */
#define IVT_PAGE      UINT32_C(0xb)
#define HALT_PAGE     UINT32_C(0xc) /* a core that starts there halts, and must be started again */

/* Selectors of the GDT of each core. */
#define SEL_CODE64  0x08
#define SEL_DATA    0x10
#define SEL_DATA3   0x18
#define SEL_CODE64U 0x20
#define SEL_CODE32  0x28
#define SEL_CODE32U 0x30
#define SEL_CODE16  0x38
#define SEL_CODE16U 0x40
#define SEL_TSS     0x48

extern struct pages {
    uint64_t entry[512];
} play_pdpt, play_pd, play_pt; /* behind PLAY_LINEAR */

uint64_t world_cr3(void);
uint64_t world_cr4(void);

/* ---------------------------------------------------------------- operations */

void op_port(struct core *c);
void op_msr(struct core *c);
void op_call(struct core *c);
void op_cr(struct core *c);
void op_dr(struct core *c);
void op_xcr(struct core *c);
void op_cpuid(struct core *c);
void op_paging(struct core *c);
void op_apic(struct core *c);
void op_halt(struct core *c);
void op_code(struct core *c);
void op_mode(struct core *c);

/* An MSR worth trying, and something to write to it. */
uint32_t pick_msr(struct stream *s);

/* A made instruction, with int3 behind it. `registers_only`: it touches no memory and no mode. */
void code_make(struct stream *s, uint8_t *at, bool long_mode, bool cpl0, bool registers_only);
#define CODE_BYTES 64

/* ---------------------------------------------------------------- assembly (run.asm, modes.asm) */

struct snippet {
    uint64_t gpr[16]; /* RAX RCX RDX RBX - RBP RSI RDI R8 ... ; RSP is below */
    uint64_t rip, cs, rflags, rsp, ss;
};

uint64_t guard_enter(struct core *c, void (*fn)(struct core *c));
void guard_landing(void);
NORETURN void snippet_run(const struct snippet *s);
void fault_stub(void);

enum trip_kind { TRIP_FLAT, TRIP_REAL, TRIP_PAE, TRIP_KINDS };

struct trip {
    uint32_t gpr[8]; /* EAX ECX EDX EBX - EBP ESI EDI */
    uint32_t entry, kind, cr3, cr4, pae_cr3;
};

void trip_run(struct trip *t); /* the lead only: out of long mode and back */
void core_again(uint32_t number);
