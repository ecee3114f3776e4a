/* SPDX-License-Identifier: MIT */
/*
 * vpass: the configuration space of a real PCI function, as the guest sees it that has the
 * function. Each doubleword has a row: which bits are constant, which are the hardware's to read,
 * which the guest may write to the hardware, and which are kept for it alone. What no row names
 * reads as 0 and cannot be written; registers beyond the first 256 bytes are not reached. Pure.
 *
 * PCI Local Bus Specification "Configuration Space", "MSI Capability Structure"; PCI Express Base
 * Specification "PCI Express Capability Structure".
 *
 * BARs are fixed, as those of virtual functions are (vdev/vpci.h). Decoding stays on whatever the
 * guest writes, and so does the power: a request that nobody answers is an error to some machines,
 * and not the guest's alone. What the guest writes as the message of an interrupt is kept from the
 * hardware, whose registers hold a constant one that the IOMMU knows.
 */
#pragma once

#include <stdatomic.h>

#include "lib/types.h"

#define VPASS_WORDS 64 /* doublewords: a power of two */
#define VPASS_BARS  6

struct vpass_row {
    uint32_t constant; /* bits that read as 1 */
    uint32_t live;     /* read from the hardware */
    uint32_t kept;     /* written and read back, without an effect on the hardware but for ... */
    uint32_t through;  /* ... these, which the hardware gets as well: a part of `kept` */
    uint32_t clears;   /* writing 1 clears them in the hardware: a part of `live` */
    uint32_t begin;    /* of `kept`, at the start of a life */
};

struct vpass_bar {
    uint64_t at;   /* where the guest has it */
    uint64_t size; /* bytes, a power of two; 0: there is none */
};

/* What is known of the function before the first guest starts. Constant from then on. */
struct vpass_layout {
    struct vpass_row rows[VPASS_WORDS];
    uint32_t bar_masks[VPASS_BARS]; /* what a BAR reads after all ones have been written */
    uint8_t msi;                    /* offset of the capability; 0: there is none */
    uint8_t msix;                   /* the same of MSI-X: the guest sees one of the two */
    bool msi_wide;                  /* a 64-bit address */
    bool msi_masks;                 /* it has bits that mask */
    uint8_t express;                /* offset of the capability; 0: there is none */
    uint8_t af;                     /* the same of "Advanced Features" */
    uint8_t power;                  /* and of "Power Management" */
};

/*
 * `words`: the function's first 256 bytes, as it gives them: untrusted. `bars`: those that the
 * guest gets, by the register where they begin. `messages`: so many entries of its MSI-X table are
 * shown to the guest; 0: it has MSI.
 */
void vpass_build(struct vpass_layout *layout, const uint32_t words[VPASS_WORDS],
                 const struct vpass_bar bars[VPASS_BARS], uint32_t messages);

struct vpass {
    const struct vpass_layout *layout;
    _Atomic uint32_t kept[VPASS_WORDS];
    _Atomic uint32_t sized; /* bit i: all ones were the last that BAR i was told */
};

/* As after a reset. */
void vpass_reset(struct vpass *p, const struct vpass_layout *layout);

/* Whether vpass_read() needs to know what the register (0..252, a multiple of 4) holds. */
bool vpass_is_live(const struct vpass *p, uint32_t reg);

/* What the guest reads there; `hardware` is what the function's register holds, if that counts. */
uint32_t vpass_read(const struct vpass *p, uint32_t reg, uint32_t hardware);

/* What a write is to do. */
struct vpass_effect {
    bool to_hardware; /* by vpass_merge() ... */
    uint32_t value;   /* ... with this: what was written, without what nothing may hold */
    bool message;     /* where its interrupts go, or whether, may have changed; MSI-X: it is on */
};

/* The guest writes a whole doubleword; what of it only concerns the guest is done. */
MUST_CHECK struct vpass_effect vpass_write(struct vpass *p, uint32_t reg, uint32_t value);

/*
 * What the hardware's register is to hold, after a write of `value` by a guest: bits that the row
 * does not name stay as they are, or are 0 where writing 1 would clear them (`clears`, of
 * vpass_clears()).
 */
uint32_t vpass_merge(const struct vpass_row *row, uint32_t clears, uint32_t hardware,
                     uint32_t value);

/* All bits of this register that writing 1 clears, the guest's or not. */
uint32_t vpass_clears(const struct vpass_layout *layout, uint32_t reg);

/* Address and data of the message that the guest wants; false: none. */
MUST_CHECK bool vpass_message(const struct vpass *p, uint32_t *address, uint32_t *data);
