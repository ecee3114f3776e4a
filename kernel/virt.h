/* SPDX-License-Identifier: MIT */
/*
 * virt: the seam between the kernel and the processor's virtualisation extension. Above it nobody
 * knows VT-x (or, later, SVM); below it nobody decides what a guest may do.
 *
 * A backend offers the functions at the end of this header under its own prefix (vmx_run, ...);
 * kernel/virt.c picks one at boot and forwards by a switch, so that the exit path has no indirect
 * call (docs/decisions/001).
 */
#pragma once

#include <stdatomic.h>

#include "lib/policy.h"
#include "lib/status.h"
#include "lib/types.h"
#include "mm/pagetable.h"

/* ------------------------------------------------------------------ guest state */

/* In the order of the hardware's register numbers, which exit qualifications use. */
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

struct vcpu_regs {
    uint64_t gpr[GPR_COUNT]; /* gpr[REG_RSP] is not used while running: see struct vcpu_state */
};

enum segment { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_LDTR, SEG_TR, SEG_COUNT };

struct segment_state {
    uint64_t base;
    uint32_t limit;
    uint16_t selector;
    uint16_t attributes; /* as in bits 55:40 of a descriptor: type, S, DPL, P, AVL, L, D/B, G */
};

/* Segment attributes. SDM "Segment Descriptors". */
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
    bool blocked_by_sti, blocked_by_mov_ss, blocked_by_nmi;
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
    ALIGNED(64) struct vcpu_regs regs; /* first: for switch.asm RSP is the vcpu */
    /* switch.asm does not enter while one of these two is set, and looks at both at once. */
    ALIGNED(8) _Atomic uint32_t kick; /* requests from other cores, KICK_* */
    uint32_t work;                    /* the backend's own: something to do before each entry */
    uint64_t host_stack;              /* RSP of the hypervisor while the guest runs */
    uint64_t look_at;                 /* TSC after which an exit is late: deadlines_update() */
    uint32_t index;                   /* within its guest; 0 boots it */
    uint32_t apic_id;
    struct vm *vm;
    struct cpu *cpu;
    struct vcpu_soft *soft; /* the kernel's own: kernel/vm/vm.h */
    void *hw;               /* the backend's own */
};

/* ------------------------------------------------------------------ exits */

enum exit_kind {
    EXIT_CPUID,
    EXIT_HYPERCALL,
    EXIT_PIO,
    EXIT_RDMSR,
    EXIT_WRMSR,
    EXIT_CR_WRITE, /* MOV to CR0 or CR4 that touches a bit the guest does not own */
    EXIT_STEP,     /* the guest has repeated that MOV: the backend has seen to it */
    EXIT_XSETBV,
    EXIT_NESTED_FAULT, /* guest-physical address with no such right */
    EXIT_EXCEPTION,    /* #DB, #AC or #MC: intercepted to break endless delivery, reflected */
    EXIT_KICK,         /* NMI from another core, or the kick flag seen before entry */
    EXIT_TIMER,        /* the deadline given to virt_set_timer() is about to pass */
    EXIT_WINDOW,       /* the guest can take an interrupt or NMI now, as asked for */
    EXIT_HALT,         /* HLT while it is asked for a window */
    EXIT_FORBIDDEN,    /* an instruction that does not exist for guests: #UD */
    EXIT_RDPMC,        /* no counters for guests: #GP(0) */
    EXIT_CACHE,        /* INVD, WBINVD: nothing to do */
    EXIT_INIT,         /* INIT signal from outside: ignored */
    EXIT_TRIPLE_FAULT,
    EXIT_TASK_SWITCH,
    EXIT_MACHINE_CHECK, /* during entry */
    EXIT_ENTRY_FAILED,  /* the hardware refused the guest state */
    EXIT_UNKNOWN,
    EXIT_KIND_COUNT
};

/* What a guest says of its own crash. docs/guest-abi.md, "crash". */
struct crash_report {
    uint32_t code;  /* BULKHEAD_CRASH_* */
    uint64_t rip;   /* where it happened */
    uint64_t error; /* the exception's error code, 0 where it has none */
};

enum nested_access { NESTED_READ = 1, NESTED_WRITE = 2, NESTED_EXEC = 4 };

/* How a stay in the guest ended, before anybody has looked at why. */
struct vcpu_stay {
    uint64_t reason;   /* the hardware's, or the backend's own */
    uint64_t rip;      /* where the guest left, ... */
    uint64_t insn_len; /* ... with how long an instruction if one exited, ... */
    uint64_t special;  /* ... 0: moving RIP is all its end needs, ... */
    uint64_t time;     /* ... and when: TSC */
};

struct exit_pio {
    uint16_t port;
    uint8_t size; /* 1, 2 or 4 bytes */
    bool in;
    bool string; /* INS or OUTS, also with REP */
};

struct vcpu_exit {
    enum exit_kind kind;
    uint32_t raw_reason;    /* as the hardware gave it, for the diagnosis */
    uint64_t qualification; /* same; 0 where the kind has none */
    union {
        struct {
            uint64_t value;
            uint8_t number; /* 0 or 4 */
        } cr;
        struct {
            gpa_t address;
            uint8_t access;  /* enum nested_access bits */
            bool table_walk; /* met while walking the guest's own page tables */
        } fault;
        struct {
            uint32_t error_code;
            uint8_t vector;
            bool has_error_code;
        } exception;
        struct crash_report report; /* EXIT_HYPERCALL, and the call was `crash` */
    };
};

/* What the kernel decides. vcpu.c applies it, in one place. */
enum verdict {
    DO_NEXT,    /* done: go on behind the instruction */
    DO_AGAIN,   /* go on at the same RIP */
    DO_GP,      /* inject #GP(0) */
    DO_UD,      /* inject #UD */
    DO_REFLECT, /* give the intercepted exception to the guest as it was */
    DO_LEAVE,   /* stop running it for now: the core waits, see kernel/vm/vcpu.c */
    DO_STOP,    /* this guest ends here; the reason is recorded */
};

/* ------------------------------------------------------------------ the backend's functions */

/* What probing found, for the boot log; `missing` lists every lack at once. */
struct virt_report {
    uint32_t missing_count;
    const char *missing[40]; /* more than all of vmx/fit.c and cpu_need() together */
    const char *name;        /* "VT-x" */
    enum policy_vendor vendor;
    uint32_t physical_bits;
    bool ept_1g;
    uint32_t vpid_count;
};

/* What every vCPU of a guest shares: built once at launch, then read-only. */
struct virt_vm_config {
    const struct msr_policy *msrs; /* closed by default; rows open */
    uint64_t cr4_allowed;          /* bits a guest may set */
    uint64_t xcr0_allowed;
    hpa_t nested_root; /* of the guest-physical map */
    uint16_t tag;      /* VPID, ASID: unique per guest, > 0 */
};

#define VIRT_BACKEND(prefix)                                                                      \
    /* Can this core do it? Any core, before anything else; fills the report, changes nothing. */ \
    void prefix##_probe(struct virt_report *report);                                              \
    /* Format of the guest-physical map. */                                                       \
    const struct pt_format *prefix##_nested_format(void);                                         \
    /* The finished map leads nowhere else than `map` says. */                                    \
    MUST_CHECK bool prefix##_nested_valid(const struct guest_map *map, hpa_t root);               \
    /* Turns the extension on for this core, which keeps `region`. After probe said yes. */       \
    MUST_CHECK enum status prefix##_cpu_on(struct page *region);                                  \
    void prefix##_cpu_off(void);                                                                  \
    /* Allocates and fills what the guest's vCPUs share, into *shared. Before sealing. */         \
    MUST_CHECK enum status prefix##_vm_create(const struct virt_vm_config *config,                \
                                              struct pages *pages, void **shared);                \
    /* Allocates v->hw. Boot core, before sealing. */                                             \
    MUST_CHECK enum status prefix##_vcpu_create(struct vcpu *v, struct pages *pages,              \
                                                void *shared);                                    \
    /* Puts the vCPU into `state`, everything else into reset state. On v's own core. */          \
    void prefix##_vcpu_reset(struct vcpu *v, const struct vcpu_state *state);                     \
    /* Runs the guest until the next exit. On v's own core. */                                    \
    void prefix##_run(struct vcpu *v, struct vcpu_stay *stay);                                    \
    /* Whether it was that kind: for the kinds that come often. They have what they need in the   \
     * guest's registers, port accesses in `io` (false: not one that exists). */                  \
    bool prefix##_is(const struct vcpu_stay *stay, enum exit_kind kind);                          \
    MUST_CHECK bool prefix##_decode_pio(struct exit_pio *io);                                     \
    /* All other kinds. `reason` is the stay's. */                                                \
    void prefix##_decode(struct vcpu *v, uint64_t reason, struct vcpu_exit *x);                   \
    /* Moves RIP behind the exiting instruction. Nothing was injected since, but for the event    \
     * that ends the HLT of EXIT_HALT. */                                                         \
    void prefix##_advance(struct vcpu *v, const struct vcpu_stay *stay);                          \
    /* Exceptions by vector; the error code is dropped where the mode has none. */                \
    void prefix##_inject_exception(struct vcpu *v, uint8_t vector, bool has_code, uint32_t code); \
    /* Gives the intercepted exception of `x` to the guest unchanged. */                          \
    void prefix##_reflect(struct vcpu *v, const struct vcpu_exit *x);                             \
    /* Injects an external interrupt, or an NMI (vector 2), if the guest can take it now; else    \
     * asks for a window and returns false: try again at EXIT_WINDOW or EXIT_HALT. */             \
    MUST_CHECK bool prefix##_inject_interrupt(struct vcpu *v, uint8_t vector);                    \
    MUST_CHECK bool prefix##_inject_nmi(struct vcpu *v);                                          \
    /* The HLT of EXIT_HALT is carried out; RIP is still to be moved. */                          \
    void prefix##_halt(struct vcpu *v);                                                           \
    /* EXIT_TIMER about when the TSC reaches the deadline; UINT64_MAX: never. It comes later by   \
     * the time that is spent outside the guest behind the next entry. */                         \
    void prefix##_set_timer(struct vcpu *v, uint64_t deadline);                                   \
    /* A CR write of EXIT_CR_WRITE: DO_GP, or DO_AGAIN: the guest repeats it, now allowed, and    \
     * whether it was carried out is seen at EXIT_STEP. */                                        \
    MUST_CHECK enum verdict prefix##_cr_write(struct vcpu *v, const struct vcpu_exit *x);         \
    /* Whether it is in HLT with interrupts off, and no event that ends it is on its way. */      \
    MUST_CHECK bool prefix##_has_halted(const struct vcpu *v);                                    \
    /* Privilege level and mode at the exit. */                                                   \
    uint8_t prefix##_cpl(const struct vcpu *v);                                                   \
    bool prefix##_in_64bit(const struct vcpu *v);                                                 \
    uint64_t prefix##_cr4(const struct vcpu *v);                                                  \
    /* All of it, for a diagnosis. */                                                             \
    void prefix##_get_state(struct vcpu *v, struct vcpu_state *state);                            \
    /* One line about why entry failed, into buf. */                                              \
    void prefix##_explain(struct vcpu *v, const struct vcpu_exit *x, char *buf, size_t size);     \
    const char *prefix##_exit_name(const struct vcpu_exit *x)

VIRT_BACKEND(vmx);
VIRT_BACKEND(virt); /* kernel/virt.c: forwards to the backend that was picked */
