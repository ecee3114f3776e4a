/* SPDX-License-Identifier: MIT */
/*
 * vmx: what the files of this folder share. Nobody above kernel/virt.h includes it.
 */
#pragma once

#include "kernel/virt.h"
#include "lib/types.h"
#include "lib/x86/cr.h"
#include "vmx/audit/audit.h"
#include "vmx/bits.h"
#include "vmx/fit.h"
#include "vmx/look_fields.h"
#include "vmx/spec.h"

/* "Format of the VMCS Region" and of the VMXON region: the revision, then the CPU's own. */
struct vmx_region {
    uint32_t revision;
    uint32_t abort_indicator;
    uint8_t data[PAGE_SIZE - 8];
};
_Static_assert(sizeof(struct vmx_region) == PAGE_SIZE, "SDM, 'Format of the VMCS Region'");

/* "MSR-Bitmap Address": a bit for each of 0-0x1fff and 0xc0000000-0xc0001fff; 1 = exit. */
struct vmx_msr_bitmap {
    uint8_t read_low[1024];
    uint8_t read_high[1024];
    uint8_t write_low[1024];
    uint8_t write_high[1024];
};
_Static_assert(sizeof(struct vmx_msr_bitmap) == PAGE_SIZE, "SDM, 'MSR-Bitmap Address'");

/* What the vCPUs of one guest share. Read-only after vmx_vm_create(). */
struct vmx_shared {
    struct vmx_msr_bitmap msr;
    struct page io[2]; /* "I/O-Bitmap Addresses": A 0-0x7fff, B 0x8000-0xffff; 1 = exit */
    uint64_t ept_pointer;
    uint64_t open_pointer; /* to the tables of vmx_write_once(); 0: there are none */
    uint64_t cr4_allowed;
    uint16_t vpid;
};

/* WORK_REPEAT: a MOV to CR0 or CR4 that the guest repeats. */
struct vmx_cr_repeat {
    uint64_t behind, rsp; /* RIP and RSP once it is done */
    uint64_t shadow;      /* before it */
    uint8_t number;       /* 0 or 4 */
    bool tried;           /* entered once for it */
};

/* What vmx_look() has read, by the rows of vmx_look_fields. */
struct vmx_look_values {
    uint64_t now[VMX_LOOK_FIELDS];
    uint64_t shown[VMX_LOOK_FIELDS]; /* the monitor's, as is the last */
    bool is_absent[VMX_LOOK_FIELDS];
    bool was_shown;
};

/* v->hw. The owning core's alone, but for `look` while that core does not read. */
struct vmx_vcpu {
    struct vmx_region region; /* never touched after VMPTRLD but by the CPU */
    const struct vmx_shared *shared;
    uint64_t deadline;     /* TSC; UINT64_MAX: none */
    uint32_t deferred;     /* WORK_EVENT: its interruption information */
    uint32_t controls_cpu; /* what the control field holds now */
    struct vmx_cr_repeat repeat;
    uint64_t step_rip; /* WORK_STEP: where it began */
    bool timer_on;     /* the preemption timer is */
    bool once_tried;   /* WORK_ONCE: entered for it */
    struct vmx_look_values look;
};

/* v->hw_work: what is to be done before the next entry, vmx_before_entry(). */
enum vmx_work {
    WORK_TIMER = 1,   /* write the preemption timer anew, once */
    WORK_EVENT = 2,   /* deliver an event whose delivery was cut short */
    WORK_BUFFERS = 4, /* vmx_spec.at_entry, at each entry */
    WORK_REPEAT = 8,  /* watch the repetition of a MOV to CR0 or CR4 */
    WORK_ONCE = 16,   /* the guest has other nested tables for one instruction */
    WORK_STEP = 32,   /* watch the end of an instruction, for a debugger: debug.c */
    WORK_TRAPS = WORK_REPEAT | WORK_ONCE | WORK_STEP,
};

/* Filled by vmx_probe() on the boot core, then const. */
extern struct vmx_caps vmx_caps;
extern struct vmx_controls vmx_controls;
extern struct spec_plan vmx_spec;

void vmx_caps_read(struct vmx_caps *caps);

/* vmcs.c: the three parts; the VMCS is current. */
void vmx_write_controls(struct vmx_vcpu *hw);
void vmx_write_host(bool is_traced);
void vmx_write_guest(struct vmx_vcpu *hw, const struct vcpu_state *state);

/* explain.c: what the audit looks at, as it stands in the current VMCS; or with these controls. */
void vmx_make_audit_cpu(struct vmx_audit_cpu *cpu, uint32_t pin, uint32_t cpu2, uint32_t entry);
void vmx_read_audit_cpu(struct vmx_audit_cpu *cpu);
void vmx_read_guest_fields(struct vmx_guest_fields *g, const struct vmx_audit_cpu *cpu);

/* cpu.c: what a guest leaves in the core. */
void vmx_reset_core(void);

/* VMLAUNCH or VMRESUME failed: control or host state, which is ours. The words; the end. */
void vmx_explain_refused(char *buf, size_t size);
NORETURN COLD void vmx_refused(void);

/* A test build's own code at the end of vmx_vcpu_reset(); hook_none.c in all others. */
void vmx_hook_reset(struct vcpu *v, const struct vcpu_state *state);

/* bitmaps.c */
void vmx_bitmaps_build(struct vmx_shared *shared, const struct msr_policy *policy);

/* cr.c: pure. */
struct vmx_cr_policy {
    uint64_t owned;    /* guest/host mask: bits the guest may not change by itself */
    uint64_t settable; /* owned bits whose guest view may change, the hardware's stays */
    uint64_t fixed;    /* owned bits that are 1 in the hardware whatever the guest believes */
};

struct vmx_cr_policy vmx_cr0_policy(const struct vmx_caps *caps);
struct vmx_cr_policy vmx_cr4_policy(const struct vmx_caps *caps, uint64_t cr4_allowed);

/* The real value and the read shadow for a guest that believes in `value`. */
static inline uint64_t vmx_cr_real(struct vmx_cr_policy p, uint64_t value)
{
    return (value & ~p.owned) | p.fixed;
}

/* True: the guest may believe in `value` (owned bits only); else #GP(0). */
bool vmx_cr0_ok(uint64_t value);
bool vmx_cr4_ok(struct vmx_cr_policy p, uint64_t value);

/* trap.c: begins or ends one of WORK_TRAPS: the monitor trap flag is on while there is any. */
void vmx_trap(struct vcpu *v, enum vmx_work work, bool on);

/* cr_repeat.c: of WORK_REPEAT. */
bool vmx_cr_is_done(const struct vmx_vcpu *hw);
void vmx_cr_end(struct vcpu *v, bool done);

/* once.c: of WORK_ONCE. */
void vmx_once(struct vcpu *v, bool on);
/* debug.c: of WORK_STEP, which may not be set. */
void vmx_debug_end_step(struct vcpu *v);
/* A step over the HLT that exited is done, as if something had come that ends it: in HLT no trap
 * would come. */
bool vmx_debug_ends_halt(struct vcpu *v);
bool vmx_debug_has_moved(const struct vmx_vcpu *hw);

/* run.c */
bool vmx_event_is_queued(void);
void vmx_keep_cut_event(struct vcpu *v);
void vmx_keep_trap(void);
void vmx_set_cpu_controls(struct vmx_vcpu *hw, uint32_t controls);

/* decode.c: pure. What an exit brings besides its reason; only what vmx_exit_needs() asked for is
 * valid. */
struct vmx_raw {
    uint32_t reason;
    uint32_t intr_info, intr_error;
    uint64_t qualification;
    uint64_t guest_physical;
    uint64_t rsp; /* kept in the VMCS: the one register that is not in struct vcpu_regs */
};

enum vmx_needs { NEEDS_QUALIFICATION = 1, NEEDS_INTR = 2, NEEDS_PHYSICAL = 4, NEEDS_RSP = 8 };

uint32_t vmx_exit_needs(uint32_t reason);

/* Of the kinds that vmx_run() does not find by the reason alone. */
enum exit_kind vmx_decode_kind(const struct vmx_raw *raw);
void vmx_decode_details(const struct vmx_raw *raw, const struct vcpu_regs *regs,
                        struct vcpu_exit *x);

/* "Exit Qualification for I/O Instructions" is a pio_word as it is. Sizes are 1, 2 and 4; a
 * processor that gives another, say a hypervisor's below us, has its guest stopped as for any exit
 * that we do not know. */
static inline bool vmx_io_is_good(uint64_t qualification)
{
    const uint64_t less_one = qualification & PIO_SIZE;

    return less_one == 0 || less_one == 1 || less_one == 3;
}

/* switch.asm: HOST_RIP, as vmx_spec.at_exit says. */
void vmx_exit(void);
void vmx_exit_one(void);
void vmx_exit_fill(void);
void vmx_exit_traced(void);
void vmx_before_entry(struct vcpu *v); /* for switch.asm: v->hw_work is set */
NORETURN COLD void vmx_no_vmcs(void);  /* for switch.asm: a VMREAD failed */
