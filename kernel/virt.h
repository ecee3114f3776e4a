/* SPDX-License-Identifier: MIT */
/*
 * virt: the seam between the kernel and the processor's virtualisation extension. Above it nobody
 * knows whose extension that is; below it nobody decides what a guest may do.
 *
 * A backend has a function of its own for each of VIRT_CALLS, at the end of this header;
 * kernel/virt.c forwards to those of the one that was picked, by direct calls, so that the exit
 * path has no indirect one (docs/decisions/001).
 */
#pragma once

#include <stdatomic.h>

#include "lib/bits.h"
#include "lib/log.h"
#include "lib/policy.h"
#include "lib/status.h"
#include "lib/types.h"
#include "lib/x86/cr.h"
#include "mm/guest_map.h"

/* ------------------------------------------------------------------ guest state */

/* In the order of the processor's register numbers. */
enum gpr {
    REG_RAX,
    REG_RCX,
    REG_RDX,
    REG_RBX,
    REG_RSP,
    REG_RBP,
    REG_RSI,
    REG_RDI,
    REG_R8,
    REG_R9,
    REG_R10,
    REG_R11,
    REG_R12,
    REG_R13,
    REG_R14,
    REG_R15,
    GPR_COUNT
};

/* Those that a trace keeps from before an exit was dealt with, and behind it. */
enum left_register { LEFT_RAX, LEFT_RCX, LEFT_RDX, LEFT_RBX, LEFT_COUNT };
_Static_assert(LEFT_RAX == (int)REG_RAX && LEFT_RBX == (int)REG_RBX, "the first of enum gpr");

struct vcpu_regs {
    uint64_t gpr[GPR_COUNT]; /* gpr[REG_RSP] is not used while running: see struct vcpu_state */
};

enum segment { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_LDTR, SEG_TR, SEG_COUNT };

struct segment_state {
    uint64_t base;
    uint32_t limit;
    uint16_t selector;
    uint16_t attributes; /* bits 55:40 of a descriptor without 51:48; 0: the segment is unusable */
};

/* Segment attributes: type, S, DPL, P in 7:0; AVL, L, D/B, G in 15:12. SDM "Segment Descriptors".
 */
enum segment_attributes {
    SEGMENT_CODE_RX_A = 0x0b, /* execute/read, accessed (or: 64/32-bit busy TSS as system type) */
    SEGMENT_DATA_RW_A = 0x03, /* read/write, accessed */
    SEGMENT_LDT = 0x02,       /* system type */
    SEGMENT_CODE_DATA = 0x10, /* S */
    SEGMENT_PRESENT = 0x80,
    SEGMENT_LONG = 0x2000, /* L */
    SEGMENT_BIG = 0x4000,  /* D/B */
    SEGMENT_GRANULAR = 0x8000,
};

/* All that a vCPU starts with, or is shown with in a diagnosis. What is not here (FPU, DR0-3, the
 * syscall MSRs) starts at its architectural reset value. */
struct vcpu_state {
    uint64_t gpr[GPR_COUNT];
    uint64_t rip, rflags;
    uint64_t cr0, cr2, cr3, cr4, efer; /* CR2 is only shown: it starts as 0 */
    struct segment_state segments[SEG_COUNT];
    uint64_t gdtr_base, idtr_base;
    uint32_t gdtr_limit, idtr_limit;
    uint64_t dr7;
    bool in_shadow; /* of STI or MOV SS: no interrupt before the next instruction is done */
    bool in_nmi;    /* no further NMI before IRET; false where the backend cannot tell */
    bool is_lost;   /* only RIP is known, and the GPRs other than RAX and RSP */
};

/* ------------------------------------------------------------------ cpu, vcpu, vm */

struct vm;  /* kernel/vm/vm.h: a guest */
struct cpu; /* kernel/core/cpu.h: a core */
struct vcpu_soft;

/*
 * One virtual CPU, pinned to one core for good. All fields are the owning core's alone, except
 * where a comment says otherwise.
 */
struct vcpu { /* in cache lines of its own: its neighbours are other cores' */
    ALIGNED(64) struct vcpu_regs regs; /* first: what a backend's assembly is handed */
    ALIGNED(8) _Atomic uint32_t kick;  /* requests from other cores, enum kick; 0: none */
    uint32_t hw_work;  /* the backend's own, and behind `kick`: one compare looks at both */
    uint64_t hw_stack; /* the backend's own */
    void *hw;          /* the backend's own, vcpu_create() */
    uint64_t look_at;  /* TSC after which an exit is late: deadlines_update() */
    uint32_t index;    /* within its guest; 0 boots it */
    uint32_t apic_id;
    struct vm *vm;
    struct cpu *cpu;
    struct vcpu_soft *soft;    /* the kernel's own: kernel/vm/vm.h */
    uint64_t left[LEFT_COUNT]; /* those registers as the guest left, where is_traced */
    uint32_t hw_exit;          /* the backend's own: the way out of this guest; vcpu_create() */
    bool is_traced;            /* exits are kept with registers; before vcpu_create() */
};

/* ------------------------------------------------------------------ exits */

enum exit_kind {
    EXIT_CPUID,
    EXIT_HYPERCALL,
    EXIT_PIO,
    EXIT_RDMSR,
    EXIT_WRMSR,
    EXIT_XSETBV,
    EXIT_TIMER,                   /* the deadline given to virt_set_deadline() is about to pass */
    EXIT_OFTEN_LAST = EXIT_TIMER, /* up to here a stay says all; behind it there are details */
    EXIT_CONTROL,                 /* an access to a control register that the backend carries out:
                                     virt_control() */
    EXIT_STEP,                    /* the backend's own business, and done */
    EXIT_NESTED_FAULT,            /* guest-physical address with no such right */
    EXIT_EXCEPTION, /* #DB, #AC or #MC: intercepted to break endless delivery, reflected; #MF that
                       would not be delivered as such */
    EXIT_KICK,      /* NMI from another core, or the kick flag seen before entry */
    EXIT_WINDOW,    /* what virt_inject_*() could not inject can be injected now */
    EXIT_HALT,      /* HLT while something waits to be injected */
    EXIT_FORBIDDEN, /* an instruction that does not exist for guests: #UD */
    EXIT_RDPMC,     /* no counters for guests: #GP(0) */
    EXIT_CACHE,     /* INVD, WBINVD: nothing to do */
    EXIT_BUS_LOCK,  /* a locked access that all cores wait for: it goes on */
    EXIT_INIT,      /* an INIT that was not a guest's: ignored */
    EXIT_TRIPLE_FAULT,
    EXIT_TASK_SWITCH,
    EXIT_MACHINE_CHECK, /* while the guest was being entered */
    EXIT_ENTRY_FAILED,  /* the processor refused the guest state */
    EXIT_UNKNOWN,
    EXIT_KIND_COUNT
};

/* Vectors whose delivery a guest can make endless (#DB and #AC, by an event that faults on its own
 * delivery) or that are about the machine (#MC). All other exceptions are the guest's own. */
#define INTERCEPTED_EXCEPTIONS (BIT32(VECTOR_DB) | BIT32(VECTOR_AC) | BIT32(VECTOR_MC))

/* What a guest says of its own crash. docs/guest-abi.md, "crash". */
struct crash_report {
    uint32_t code;  /* BULKHEAD_CRASH_* */
    uint64_t rip;   /* where it happened */
    uint64_t error; /* the exception's error code, 0 where it has none */
};

enum nested_access { NESTED_READ = 1, NESTED_WRITE = 2, NESTED_EXEC = 4 };

/* A port access in one word: the port in 31:16, bytes less one, and: */
enum pio_word { PIO_SIZE = 7, PIO_IN = 8, PIO_STRING = 16 /* INS or OUTS, also with REP */ };

/* How a stay in the guest ended. The kinds that come often have all they need here and in the
 * guest's registers. */
struct stay {
    enum exit_kind kind;
    uint32_t pio;      /* EXIT_PIO: an access of 1, 2 or 4 bytes, enum pio_word */
    uint64_t time;     /* TSC when the guest left, ... */
    uint64_t rip;      /* ... and where, ... */
    uint64_t insn_len; /* ... with how long an instruction, if one exited */
    uint64_t hw_rest;  /* the backend's own, for its advance() */
    uint32_t hw_code;  /* why, as the processor puts it: for virt_exit_name() alone */
};

struct vcpu_exit {
    enum exit_kind kind;
    uint32_t hw_code; /* as in struct stay, and what the processor says beside it: */
    uint64_t hw_info; /* for the backend, and for people to look up */
    union {
        struct {
            uint64_t value;
            uint8_t number; /* 0 or 4 */
            bool is_write;
        } cr;
        struct {
            gpa_t address;
            uint8_t access;  /* enum nested_access bits */
            bool table_walk; /* met while walking the guest's own page tables */
        } fault;
        struct {
            uint64_t dr6; /* of #DB: its B0-3, BD and BS */
            uint32_t error_code;
            uint8_t vector;
            bool has_error_code;
        } exception;
        struct crash_report report; /* EXIT_HYPERCALL, and the call was `crash` */
    };
};

/* The backend's own request in v->kick: debug_step(). */
#define VIRT_STEPPED BIT32(31)

/* What the kernel decides. vcpu.c applies it, in one place. */
enum verdict {
    DO_NEXT,    /* done: go on behind the instruction */
    DO_AGAIN,   /* go on at the same RIP */
    DO_GP,      /* inject #GP(0) */
    DO_UD,      /* inject #UD */
    DO_REFLECT, /* give the intercepted exception to the guest as it was */
    DO_LEAVE,   /* stop running it for now: the core has something else to do, or waits */
    DO_STOP,    /* this guest ends here; the reason is recorded */
};

/* ------------------------------------------------------------------ the backend's functions */

/* What probing found, for the boot log; `missing` lists every lack at once. */
struct virt_report {
    uint32_t missing_count;
    const char *missing[40]; /* has room for all that a backend and launch.c name */
    const char *name;        /* "VT-x" */
    enum policy_vendor vendor;
    uint32_t physical_bits;
    bool guest_timer; /* it can end a stay by itself: virt_set_deadline() */
    bool bus_locks;   /* a guest's bus lock is an exit: EXIT_BUS_LOCK */
    bool no_rdtscp;   /* RDTSCP and RDPID are #UD in a guest, ... */
    bool no_invpcid;  /* ... INVPCID is */
};

/* Notes a lack. */
static inline void virt_need(struct virt_report *report, bool have, const char *what)
{
    if (!have && report->missing_count < ARRAY_SIZE(report->missing))
        report->missing[report->missing_count++] = what;
}

/* What every vCPU of a guest shares: built once at launch, then read-only. */
struct virt_vm_config {
    const struct msr_policy *msrs; /* closed by default; rows open */
    uint64_t cr4_allowed;          /* bits a guest may set */
    hpa_t nested_root;             /* of the guest-physical map */
    hpa_t open_root;               /* of the same with tables writable; 0: there are none */
    uint16_t tag;                  /* of its translations: unique per guest, > 0 */
};

/*
 * C(type, name, parameters, arguments). Where there is a vCPU, the caller is on its own core, which
 * has no other.
 */
#define VIRT_CALLS(C)                                                                              \
    /* Empty tables for a guest's map, with `large` leaves or of 4 KiB only; E_NOMEM. */           \
    C(MUST_CHECK enum status, nested_create,                                                       \
      (struct pagetable * pt, bool large, struct pages *pages), (pt, large, pages))                \
    /* The finished tables lie in `tables` and lead nowhere else than `map` says. */               \
    C(MUST_CHECK bool, nested_valid,                                                               \
      (const struct guest_map *map, struct range tables, hpa_t root), (map, tables, root))         \
    /* How this core differs from the boot core in what the backend was fitted to there, as a      \
     * noun; NULL: in nothing that counts. */                                                      \
    C(MUST_CHECK const char *, core_differs, (void), ())                                           \
    /* Turns the extension on for this core, which keeps `region`. After probe said yes. */        \
    C(MUST_CHECK enum status, cpu_on, (struct page * region), (region))                            \
    /* Allocates and fills what the guest's vCPUs share, into *shared. Before sealing. */          \
    C(MUST_CHECK enum status, vm_create,                                                           \
      (const struct virt_vm_config *config, struct pages *pages, void **shared),                   \
      (config, pages, shared))                                                                     \
    /* Allocates v->hw. Boot core, before sealing. */                                              \
    C(MUST_CHECK enum status, vcpu_create, (struct vcpu * v, struct pages * pages, void *shared),  \
      (v, pages, shared))                                                                          \
    /* Puts the vCPU into `state`, and all that it has beside into reset state: syscall MSRs,      \
     * debug registers, and whatever else is the guest's whenever it runs. */                      \
    C(void, vcpu_reset, (struct vcpu * v, const struct vcpu_state *state), (v, state))             \
    /* Runs the guest until the next exit. */                                                      \
    C(void, run, (struct vcpu * v, struct stay * stay), (v, stay))                                 \
    /* What else there is to know of an exit; `kind` and `hw_code` are the stay's. */              \
    C(void, details,                                                                               \
      (struct vcpu * v, enum exit_kind kind, uint32_t hw_code, struct vcpu_exit * x),              \
      (v, kind, hw_code, x))                                                                       \
    /* The same as numbers, for people: qualification or EXITINFO1; and a guest-physical address,  \
     * an exception's vector, or 0. Until the next entry. */                                       \
    C(void, info, (const struct vcpu *v, enum exit_kind kind, uint64_t info[2]), (v, kind, info))  \
    /* Moves RIP behind the exiting instruction. Nothing was injected since, but for the event     \
     * that ends the HLT of EXIT_HALT. */                                                          \
    C(void, advance, (struct vcpu * v, const struct stay *stay), (v, stay))                        \
    /* Exceptions by vector; the error code is dropped where the mode has none. */                 \
    C(void, inject_exception, (struct vcpu * v, uint8_t vector, bool has_code, uint32_t code),     \
      (v, vector, has_code, code))                                                                 \
    /* Gives the intercepted exception of `x` to the guest unchanged. */                           \
    C(void, reflect, (struct vcpu * v, const struct vcpu_exit *x), (v, x))                         \
    /* Injects an external interrupt, or an NMI (vector 2), if the guest can take it now; else     \
     * asks for a window and returns false: try again at EXIT_WINDOW or EXIT_HALT. */              \
    C(MUST_CHECK bool, inject_interrupt, (struct vcpu * v, uint8_t vector), (v, vector))           \
    C(MUST_CHECK bool, inject_nmi, (struct vcpu * v), (v))                                         \
    /* Carries out the HLT of EXIT_HALT: DO_NEXT: the guest halts behind it; DO_AGAIN: at it. */   \
    C(MUST_CHECK enum verdict, halt, (struct vcpu * v), (v))                                       \
    /* EXIT_TIMER about when the TSC reaches the deadline; UINT64_MAX: never. It comes later by    \
     * the time that is spent outside the guest behind the next entry. Not without guest_timer. */ \
    C(void, set_deadline, (struct vcpu * v, uint64_t deadline), (v, deadline))                     \
    /* The access of EXIT_CONTROL: DO_NEXT: it is done; DO_GP; or DO_AGAIN: the guest repeats it.  \
     */                                                                                            \
    C(MUST_CHECK enum verdict, control, (struct vcpu * v, const struct vcpu_exit *x), (v, x))      \
    /* Of EXIT_NESTED_FAULT, a write: the guest repeats it on the tables at open_root, and is back \
     * on its own behind that instruction: EXIT_STEP, or whatever exit comes first. False: it was  \
     * no instruction that wrote, but the delivery of an event. */                                 \
    C(MUST_CHECK bool, write_once, (struct vcpu * v), (v))                                         \
    /* Whether it is in HLT with interrupts off, and no event that ends it is on its way. */       \
    C(MUST_CHECK bool, has_halted, (const struct vcpu *v), (v))                                    \
    /* Privilege level and mode at the exit. */                                                    \
    C(uint8_t, cpl, (const struct vcpu *v), (v))                                                   \
    C(bool, in_64bit, (const struct vcpu *v), (v))                                                 \
    C(uint64_t, cr4, (const struct vcpu *v), (v))                                                  \
    /* All of it, for a diagnosis. */                                                              \
    C(void, get_state, (struct vcpu * v, struct vcpu_state * state), (v, state))                   \
    /* The core does something else from now on: it takes NMIs again. */                           \
    C(void, leave, (struct vcpu * v), (v))                                                         \
    /* One line about why entry failed, into buf. */                                               \
    C(void, explain, (struct vcpu * v, const struct vcpu_exit *x, char *buf, size_t size),         \
      (v, x, buf, size))                                                                           \
    /* Notes all that the processor's control structure for the vCPU holds, for look_show(). While \
     * it runs, on its core; between two stays, or behind the last. */                             \
    C(void, look, (struct vcpu * v), (v))                                                          \
    /* What was noted last, in lines for people: a part of it by its name, "audit" for the rules   \
     * of an entry, "" for the names and what has changed since it was shown; false: it has no     \
     * such part. Any core, while the vCPU's does not look(). */                                   \
    C(MUST_CHECK bool, look_show, (struct vcpu * v, const char *part, log_sink sink),              \
      (v, part, sink))                                                                             \
    /* What people call that structure. */                                                         \
    C(const char *, look_name, (void), ())                                                         \
    /* The processor's own name for why a stay ended, by its code's lower 16 bits. */              \
    C(const char *, exit_name, (uint32_t hw_code), (hw_code))                                      \
    /* For a debugger, between two stays: GPRs, RIP, RFLAGS and DR7 are now those of `state`. */   \
    C(void, debug_state, (struct vcpu * v, const struct vcpu_state *state), (v, state))            \
    /* VIRT_STEPPED is set in v->kick once the guest has done one more instruction, during which   \
     * no interrupt is delivered where that can be kept out; `on` false: or no longer. */          \
    C(void, debug_step, (struct vcpu * v, bool on), (v, on))                                       \
    /* The #DB of this exit was not the guest's, as far as `bits` of DR6 go. */                    \
    C(void, debug_drop, (struct vcpu * v, uint64_t bits), (v, bits))                               \
    /* Whatever DR6 says of these so far is over. */                                               \
    C(void, debug_forget, (struct vcpu * v, uint64_t bits), (v, bits))

#define VIRT_DECLARE_VMX(type, name, parameters, arguments) type vmx_##name parameters;
VIRT_CALLS(VIRT_DECLARE_VMX)
VIRT_DECLARE_VMX(void, probe, (struct virt_report * report), (report))
VIRT_DECLARE_VMX(bool, has_large_leaves, (void), ())

#define VIRT_DECLARE_SVM(type, name, parameters, arguments) type svm_##name parameters;
VIRT_CALLS(VIRT_DECLARE_SVM)
VIRT_DECLARE_SVM(void, probe, (struct virt_report * report), (report))
VIRT_DECLARE_SVM(bool, is_here, (void), ()) /* whether this processor's extension would be SVM */

#define VIRT_DECLARE(type, name, parameters, arguments) type virt_##name parameters;
VIRT_CALLS(VIRT_DECLARE)

/* Can this core do it? Any core, before anything else; fills the report, and picks the backend. */
void virt_probe(struct virt_report *report);

/* Whether a guest may have its memory mapped by leaves of 2 MiB and more. Else it could raise a
 * machine check by them: it has 4 KiB leaves only, whose tables take a 512th of its memory, unless
 * guests are trusted not to. Before virt_probe(), too. */
bool virt_has_large_leaves(void);
