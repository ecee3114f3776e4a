/* SPDX-License-Identifier: MIT */
/*
 * npt: bits of a nested page table's entry, nothing else. APM "Long-Mode Page Translation", its
 * figures of entries, and "Nested Paging" for what differs: every access is a user access, and the
 * guest's memory type is combined with that of the leaf ("Combining Guest and Host PAT Settings").
 *
 * The comments that begin with an at sign are proved (`make proof`, docs/proofs.md).
 */
#include "svm/npt.h"

#include "lib/assert.h"
#include "lib/bits.h"
#include "mm/hostmap.h"

#define NPT_P       BIT64(0)
#define NPT_RW      BIT64(1)
#define NPT_US      BIT64(2) /* without it no guest access passes */
#define NPT_PWT     BIT64(3)
#define NPT_PCD     BIT64(4)
#define NPT_A       BIT64(5)
#define NPT_D       BIT64(6)
#define NPT_LARGE   BIT64(7) /* a leaf, at level 2 or 3; at level 1 bit 7 would be PAT */
#define NPT_NX      BIT64(63)
#define NPT_ADDRESS MASK64(51, 12)

/*
 * Accessed and dirty are set from the start, as in our own tables: the processor then has nothing
 * to write, so that a walk costs no locked update, and tables that lie in memory which nobody
 * writes after launch stay, bit by bit, what npt_valid() has judged.
 */
#define NPT_USED_TABLE (NPT_P | NPT_RW | NPT_US | NPT_A)
#define NPT_USED_LEAF  (NPT_P | NPT_US | NPT_A)
#define NPT_WRITABLE   (NPT_RW | NPT_D)

/* A leaf names only PWT and PCD, so that the PAT index is 0..3 and bit 7 or 12 stays clear. */
enum npt_memory { NPT_WB = 0, NPT_WC = 0x08, NPT_UC = 0x18 };

#define PAT_ENTRY(pat, index) ((pat) >> (index)*8 & 0xff)

_Static_assert((uint64_t)NPT_WC == NPT_PWT && (uint64_t)NPT_UC == (NPT_PCD | NPT_PWT),
               "APM, page attribute table: the index is PAT, PCD, PWT");
_Static_assert(PAT_ENTRY(HOST_PAT, 0) == PAT_WB && PAT_ENTRY(HOST_PAT, 1) == PAT_WC &&
                   PAT_ENTRY(HOST_PAT, 3) == PAT_UC,
               "the host's PAT has these types where a leaf looks for them");

/* The bits below the size of a leaf, and those beyond 2^52, are reserved: zero. */
/*@ predicate fits(integer address, integer level) =
  @   (level == 1 ==> (address & 0xfff0000000000fff) == 0) &&
  @   (level == 2 ==> (address & 0xfff00000001fffff) == 0) &&
  @   (level == 3 ==> (address & 0xfff000003fffffff) == 0);
  @ predicate writes(integer rights) = (rights & 2) != 0;
  @ predicate executes(integer rights) = (rights & 4) != 0;
  @*/
/*@ requires 1 <= level <= 3;
  @ assigns \nothing;
  @ ensures \result <==> fits(address.v, level);
  @*/
static bool npt_fits(hpa_t address, uint32_t level)
{
    if (level == 1)
        return (address.v & ~MASK64(51, 12)) == 0;
    if (level == 2)
        return (address.v & ~MASK64(51, 21)) == 0;
    return (address.v & ~MASK64(51, 30)) == 0;
}

/*@ assigns \nothing;
  @ ensures \result == NPT_WB || \result == NPT_UC || \result == NPT_WC;
  @ ensures \result == NPT_WB <==> memory == PT_WRITE_BACK;
  @*/
static enum npt_memory npt_memory(enum pt_memory memory)
{
    switch (memory) {
    case PT_WRITE_BACK:
        return NPT_WB;
    case PT_UNCACHED:
        return NPT_UC;
    case PT_WRITE_COMBINING:
        return NPT_WC;
    }
    return NPT_UC;
}

/* Rights as bits of a leaf: its lowest byte, and NX. */
/*@ assigns \nothing;
  @ ensures writes(rights) && executes(rights) ==> \result == 0x67;
  @ ensures writes(rights) && !executes(rights) ==> \result == 0x8000000000000067;
  @ ensures !writes(rights) && executes(rights) ==> \result == 0x25;
  @ ensures !writes(rights) && !executes(rights) ==> \result == 0x8000000000000025;
  @*/
static uint64_t npt_grant(uint32_t rights)
{
    const uint64_t low = (rights & PT_W) != 0 ? NPT_USED_LEAF | NPT_WRITABLE : NPT_USED_LEAF;

    return (rights & PT_X) != 0 ? low : low + NPT_NX;
}

/*@ requires fits(address.v, 1);
  @ requires bits == 0x27 || bits == 0x25 || bits == 0x67 ||
  @   bits == 0x8000000000000025 || bits == 0x8000000000000067;
  @ assigns \nothing;
  @ ensures (\result & 0xffffffffff000) == address.v && (\result & 7) == (bits & 7);
  @ ensures (\result & 0x18) == 0 && (\result & 0x80) == 0;
  @ ensures (\result & 0x8000000000000000) == (bits & 0x8000000000000000);
  @*/
static uint64_t npt_place(hpa_t address, uint64_t bits)
{
    return address.v | bits;
}

/*@ requires fits(table.v, 1);
  @ assigns \nothing;
  @ ensures (\result & 0xffffffffff000) == table.v && (\result & 7) == 7;
  @ ensures (\result & 0x80) == 0 && (\result & 0x8000000000000000) == 0;
  @*/
static uint64_t npt_make_table(hpa_t table, uint32_t level)
{
    (void)level;
    ASSERT((table.v & ~NPT_ADDRESS) == 0);
    return npt_place(table, NPT_USED_TABLE);
}

/*@ requires 1 <= level <= 3;
  @ assigns \nothing;
  @ ensures (\result & 0xffffffffff000) == 0 && (\result & 7) == 0;
  @ ensures (\result & 0x80) == (level > 1 ? 0x80 : 0) && (\result & 0x8000000000000000) == 0;
  @ ensures (\result & 0x18) == 0 <==> memory == PT_WRITE_BACK;
  @*/
static uint64_t npt_kind(uint32_t level, enum pt_memory memory)
{
    const uint64_t type = npt_memory(memory);

    if (level == 1)
        return type;
    return type | NPT_LARGE;
}

/* An entry says: address, rights, memory type, large or not; and nothing else. There is no bit for
 * R apart from being present. */
/*@ requires 1 <= level <= 3 && fits(address.v, level);
  @ requires (rights & PT_R) == PT_R && rights < 8;
  @ assigns \nothing;
  @ ensures (\result & 0xffffffffff000) == address.v;
  @ ensures (\result & 7) == ((rights & 2) != 0 ? 7 : 5);
  @ ensures (\result & 0x8000000000000000) == ((rights & 4) != 0 ? 0 : 0x8000000000000000);
  @ ensures (\result & 0x80) == (level > 1 ? 0x80 : 0);
  @ ensures (\result & 0x18) == 0 <==> memory == PT_WRITE_BACK;
  @*/
static uint64_t npt_make_leaf(hpa_t address, uint32_t level, uint32_t rights, enum pt_memory memory)
{
    ASSERT(level >= 1 && level <= 3);
    ASSERT(npt_fits(address, level));
    ASSERT((rights & PT_R) == PT_R && rights <= (PT_R | PT_W | PT_X));
    return npt_place(address, npt_grant(rights)) | npt_kind(level, memory);
}

/*@ assigns \nothing;
  @ ensures \result <==> (entry & 1) != 0;
  @*/
static bool npt_is_present(uint64_t entry)
{
    return (entry & NPT_P) != 0;
}

/*@ assigns \nothing;
  @ ensures \result <==> level == 1 || (level < PT_LEVELS && (entry & 0x80) != 0);
  @*/
static bool npt_is_leaf(uint64_t entry, uint32_t level)
{
    return level == 1 || (level < PT_LEVELS && (entry & NPT_LARGE) != 0);
}

/* In a large leaf the bits from 12 to its size are zero. */
/*@ assigns \nothing;
  @ ensures \result.v == (entry & 0xffffffffff000);
  @*/
static hpa_t npt_address(uint64_t entry, uint32_t level)
{
    (void)level;
    return hpa(entry & NPT_ADDRESS);
}

/* Without US nothing passes. */
/*@ assigns \nothing;
  @ ensures (entry & 5) != 5 ==> \result == 0;
  @ ensures (entry & 5) == 5 ==> \result == 1 + ((entry & 2) != 0 ? 2 : 0) +
  @   ((entry & 0x8000000000000000) != 0 ? 0 : 4);
  @*/
static uint32_t npt_rights(uint64_t entry)
{
    if ((entry & (NPT_P | NPT_US)) != (NPT_P | NPT_US))
        return 0;
    return PT_R + ((entry & NPT_RW) != 0 ? PT_W : 0u) + ((entry & NPT_NX) != 0 ? 0u : PT_X);
}

const struct pt_format npt_format = {
    .name = "NPT",
    .make_table = npt_make_table,
    .make_leaf = npt_make_leaf,
    .is_present = npt_is_present,
    .is_leaf = npt_is_leaf,
    .address = npt_address,
    .rights = npt_rights,
};
