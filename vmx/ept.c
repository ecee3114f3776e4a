/* SPDX-License-Identifier: MIT */
/*
 * ept: bits of an EPT entry, nothing else. SDM "EPT Translation Mechanism", its tables "Format of
 * an EPT ... Entry", and "EPT Misconfigurations" for what must never be written.
 *
 * The comments that begin with an at sign are proved (`make proof`, docs/proofs.md).
 */
#include "vmx/ept.h"

#include "lib/assert.h"
#include "lib/bits.h"

#define EPT_R            BIT64(0)
#define EPT_W            BIT64(1)
#define EPT_X            BIT64(2)
#define EPT_RWX          (EPT_R | EPT_W | EPT_X)
#define EPT_MEMORY_SHIFT 3
#define EPT_LARGE        BIT64(7) /* a leaf, at level 2 or 3 */
#define EPT_ADDRESS      MASK64(51, 12)

#define EPTP_WALK_SHIFT 3 /* levels of the walk, minus one */

/* As they stand in an entry: bits 5..3; and bit 6, by which RAM is write-back whatever the guest's
 * PAT says. Uncached RAM would make each of its locked accesses a bus lock, which all cores wait
 * for, and leave dirty lines beside what it reads. */
enum ept_memory {
    EPT_UC = 0 << EPT_MEMORY_SHIFT,
    EPT_WC = 1 << EPT_MEMORY_SHIFT,
    EPT_WB = 6 << EPT_MEMORY_SHIFT,
    EPT_WB_ALWAYS = EPT_WB | 1 << 6, /* with the ignore-PAT bit */
};

_Static_assert((uint64_t)PT_R == EPT_R && (uint64_t)PT_W == EPT_W && (uint64_t)PT_X == EPT_X,
               "SDM, EPT entries: rights are bits 2..0 and need no translation");

/* The bits below the size of a leaf, and those beyond 2^52, are reserved: zero. */
/*@ predicate fits(integer address, integer level) =
  @   (level == 1 ==> (address & 0xfff0000000000fff) == 0) &&
  @   (level == 2 ==> (address & 0xfff00000001fffff) == 0) &&
  @   (level == 3 ==> (address & 0xfff000003fffffff) == 0);
  @*/
/*@ requires 1 <= level <= 3;
  @ assigns \nothing;
  @ ensures \result <==> fits(address.v, level);
  @*/
static bool ept_fits(hpa_t address, uint32_t level)
{
    if (level == 1)
        return (address.v & ~MASK64(51, 12)) == 0;
    if (level == 2)
        return (address.v & ~MASK64(51, 21)) == 0;
    return (address.v & ~MASK64(51, 30)) == 0;
}

/*@ assigns \nothing;
  @ ensures \result == EPT_WB_ALWAYS || \result == EPT_UC || \result == EPT_WC;
  @ ensures \result == EPT_WB_ALWAYS <==> memory == PT_WRITE_BACK;
  @*/
static enum ept_memory ept_memory(enum pt_memory memory)
{
    switch (memory) {
    case PT_WRITE_BACK:
        return EPT_WB_ALWAYS;
    case PT_UNCACHED:
        return EPT_UC;
    case PT_WRITE_COMBINING:
        return EPT_WC;
    }
    return EPT_UC;
}

/*@ requires fits(address.v, 1) && rights < 8;
  @ assigns \nothing;
  @ ensures (\result & 0xffffffffff000) == address.v && (\result & 7) == rights;
  @ ensures (\result & 0x78) == 0 && (\result & 0x80) == 0;
  @*/
static uint64_t ept_place(hpa_t address, uint64_t rights)
{
    return address.v | rights;
}

/*@ requires fits(table.v, 1);
  @ assigns \nothing;
  @ ensures (\result & 0xffffffffff000) == table.v && (\result & 7) == 7;
  @ ensures (\result & 0x80) == 0;
  @*/
static uint64_t ept_make_table(hpa_t table, uint32_t level)
{
    (void)level;
    ASSERT((table.v & ~EPT_ADDRESS) == 0);
    return ept_place(table, EPT_RWX);
}

/*@ requires 1 <= level <= 3;
  @ assigns \nothing;
  @ ensures (\result & 0xffffffffff000) == 0 && (\result & 7) == 0;
  @ ensures (\result & 0x80) == (level > 1 ? 0x80 : 0);
  @ ensures (\result & 0x78) == 0x70 <==> memory == PT_WRITE_BACK;
  @*/
static uint64_t ept_kind(uint32_t level, enum pt_memory memory)
{
    const uint64_t type = ept_memory(memory);

    if (level == 1)
        return type;
    return type | EPT_LARGE;
}

/* An entry says: address, rights, memory type, large or not; and nothing else. Without R, W is a
 * misconfiguration on every CPU and X on some. */
/*@ requires 1 <= level <= 3 && fits(address.v, level);
  @ requires (rights & PT_R) == PT_R && rights < 8;
  @ assigns \nothing;
  @ ensures (\result & 0xffffffffff000) == address.v;
  @ ensures (\result & 7) == rights;
  @ ensures (\result & 0x80) == (level > 1 ? 0x80 : 0);
  @ ensures (\result & 0x78) == 0x70 <==> memory == PT_WRITE_BACK;
  @*/
static uint64_t ept_make_leaf(hpa_t address, uint32_t level, uint32_t rights, enum pt_memory memory)
{
    ASSERT(level >= 1 && level <= 3);
    ASSERT(ept_fits(address, level));
    ASSERT((rights & PT_R) == PT_R && rights <= EPT_RWX);
    return ept_place(address, rights) | ept_kind(level, memory);
}

/*@ assigns \nothing;
  @ ensures \result <==> (entry & 7) != 0;
  @*/
static bool ept_is_present(uint64_t entry)
{
    return (entry & EPT_RWX) != 0;
}

/*@ assigns \nothing;
  @ ensures \result <==> level == 1 || (level < PT_LEVELS && (entry & 0x80) != 0);
  @*/
static bool ept_is_leaf(uint64_t entry, uint32_t level)
{
    return level == 1 || (level < PT_LEVELS && (entry & EPT_LARGE) != 0);
}

/* In a large leaf the bits below its size are reserved and zero. */
/*@ assigns \nothing;
  @ ensures \result.v == (entry & 0xffffffffff000);
  @*/
static hpa_t ept_address(uint64_t entry, uint32_t level)
{
    (void)level;
    return hpa(entry & EPT_ADDRESS);
}

/*@ assigns \nothing;
  @ ensures \result == (entry & 7);
  @*/
static uint32_t ept_rights(uint64_t entry)
{
    return (uint32_t)(entry & EPT_RWX);
}

const struct pt_format ept_format = {
    .name = "EPT",
    .make_table = ept_make_table,
    .make_leaf = ept_make_leaf,
    .is_present = ept_is_present,
    .is_leaf = ept_is_leaf,
    .address = ept_address,
    .rights = ept_rights,
};

/*@ requires fits(root.v, 1);
  @ assigns \nothing;
  @*/
uint64_t ept_pointer(hpa_t root)
{
    ASSERT((root.v & ~EPT_ADDRESS) == 0);
    return root.v | EPT_WB >> EPT_MEMORY_SHIFT | (PT_LEVELS - 1) << EPTP_WALK_SHIFT;
}
