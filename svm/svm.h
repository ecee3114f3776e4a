/* SPDX-License-Identifier: MIT */
/*
 * svm: what the files of this folder share. Nobody above kernel/virt.h includes it.
 */
#pragma once

#include "kernel/virt.h"
#include "lib/types.h"
#include "lib/x86/cr.h"
#include "svm/bitmaps.h"
#include "svm/bits.h"
#include "svm/fit.h"
#include "svm/look_fields.h"
#include "svm/spec.h"
#include "svm/vmcb.h"

/* What the vCPUs of one guest share. Read-only after svm_vm_create(). */
struct svm_shared {
    struct svm_bitmaps maps;
    hpa_t nested_root;
    hpa_t open_root; /* of the tables of svm_write_once(); 0: there are none */
};

#define HLT_LENGTH 1

enum svm_step {
    STEP_NONE,
    STEP_SHADOW, /* out of the shadow of STI or MOV SS */
    STEP_IRET,   /* over the IRET that ends an NMI's handler */
    STEP_DEBUG,  /* a debugger's */
};

/* WORK_ONCE: what was changed for the one instruction. */
struct svm_once {
    uint64_t rflags, dr6, shadow;
    uint32_t exceptions, intercept_1, intercept_2;
    bool tried; /* entered for it */
};

/* What svm_look() has copied. */
struct svm_look_values {
    struct svm_vmcb vmcb;
    uint64_t shown[SVM_LOOK_FIELDS]; /* the monitor's, as is the last */
    bool is_lost;
    bool was_shown;
};

/* v->hw. The owning core's alone, but for what `vmcb` shows while that core does not look. */
struct svm_vcpu {
    struct svm_vmcb vmcb;
    struct svm_vmcb host; /* for VMLOAD behind an exit; no more of it is used */
    uint64_t entry_rip;   /* what RIP was last known to be, for when it is lost */
    bool is_lost;         /* a refused entry has our state in the VMCB: svm_find_loss() */
    const struct svm_shared *shared;
    uint64_t deferred; /* WORK_EVENT: an event whose delivery was cut short, as to be injected */
    uint64_t halt_rip; /* of the HLT that exited last, while is_halting */
    bool is_halting, halt_is_closed; /* the latter: it halted with interrupts off */
    bool in_nmi;                     /* between the delivery of an NMI and IRET */
    enum svm_step step;              /* one instruction at a time, by RFLAGS.TF: blocking.c */
    bool own_trap;                   /* RFLAGS.TF was the guest's own when the step began */
    uint64_t step_dr6;               /* DR6 then */
    struct svm_once once;
    bool is_debugged;            /* a debugger waits for the end of a step, of any kind */
    struct svm_look_values look; /* last: other lives do not touch it */
};
_Static_assert(offsetof(struct svm_vcpu, host) == 0x1000, "switch.asm: HW_HOST");

/* v->hw_work: what is to be done before the next entry, svm_before_entry(). */
enum svm_work {
    WORK_FLUSH = 1,   /* end the flush of a new life, once it was carried out */
    WORK_EVENT = 2,   /* deliver an event whose delivery was cut short */
    WORK_BUFFERS = 4, /* svm_spec.clears_buffers, at each entry */
    WORK_NUDGE = 8,   /* leave the guest again at once, once */
    WORK_ONCE = 16,   /* the guest has other nested tables for one instruction */
};

/* vmcb.exit_code of a life that has not left the guest yet: no code of the processor's. */
#define SVM_NEVER_LEFT UINT64_C(0x8000)

/* Filled by svm_probe() on the boot core, then const. */
extern struct svm_caps svm_caps;
extern struct svm_spec_plan svm_spec;

/* v->hw_exit: out of the guest as svm_spec.at_exit says, or as is right on any processor, with a
 * copy of registers. */
enum svm_way { SVM_WAY_PLAIN, SVM_WAY_GUARDED, SVM_WAY_TRACED };
_Static_assert(SVM_WAY_TRACED == 2, "WAY_TRACED of switch.asm");
extern uint32_t svm_barrier_at_exit; /* for switch.asm */

/* caps.c */
void svm_caps_read(struct svm_caps *caps);

/* state.c */
void svm_write_controls(struct svm_vcpu *hw);
void svm_write_guest(struct svm_vcpu *hw, const struct vcpu_state *state);

/* explain.c: which rules of VMRUN a VMCB keeps on this processor, one line each. */
void svm_explain_audit(const struct svm_vmcb *vmcb, log_sink sink);

/* decode.c: pure. */
enum exit_kind svm_decode_kind(const struct svm_vmcb *vmcb);
uint8_t svm_exception(uint64_t code); /* the vector of an exception's exit code */
void svm_decode_details(const struct svm_vmcb *vmcb, struct vcpu_exit *x);

/* efer.c: pure. Whether a guest may write `value` where EFER, as it sees it, is `efer`; what it is
 * then. */
bool svm_efer_ok(uint64_t efer, uint64_t cr0, uint64_t value);
uint64_t svm_efer_real(uint64_t efer, uint64_t value);

/* once.c: ends what svm_write_once() began. _before_entry(): unless the entry is for it; _cut():
 * the instruction is not done; _exit(): at an exit of this kind: true: that was all there was to
 * it. */
void svm_once_before_entry(struct vcpu *v);
void svm_once_cut(struct vcpu *v);
MUST_CHECK bool svm_once_exit(struct vcpu *v, enum exit_kind kind);

/* A test build's own code at the end of svm_vcpu_reset(); hook_none.c in all others. */
void svm_hook_reset(struct vcpu *v, const struct vcpu_state *state);

void svm_before_entry(struct vcpu *v); /* for switch.asm: v->hw_work is set, GIF is 0 */

static inline uint64_t svm_event(enum svm_event_type type, uint8_t vector)
{
    return EVENT_VALID | (uint64_t)type << EVENT_TYPE_SHIFT | vector;
}

/* Real mode pushes no error code. */
static inline uint64_t svm_exception_event(const struct svm_vmcb *vmcb, uint8_t vector,
                                           bool has_code, uint32_t code)
{
    const uint64_t event = svm_event(EVENT_EXCEPTION, vector);

    return has_code && (vmcb->cr0 & CR0_PE)
               ? event | EVENT_HAS_ERROR | (uint64_t)code << EVENT_ERROR_SHIFT
               : event;
}

/* EXITINFO1 of IOIO as a pio_word. */
static inline uint32_t svm_pio(uint64_t info)
{
    const uint32_t less_one = (uint32_t)(bits_get(info, 6, 4) - 1);

    return (uint32_t)info >> IOIO_PORT_SHIFT << 16 | (info & IOIO_STRING ? PIO_STRING : 0) |
           (info & IOIO_IN ? PIO_IN : 0) | (less_one & PIO_SIZE);
}

/* The one that stands: 1, 2 or 4 bytes. */
static inline bool svm_pio_is_good(uint64_t info)
{
    const uint64_t size = bits_get(info, 6, 4);

    return size == 1 || size == 2 || size == 4;
}
