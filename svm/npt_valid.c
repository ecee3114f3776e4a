/* SPDX-License-Identifier: MIT */
/*
 * npt_valid: judges a guest's finished tables without knowing how they were made. It shares no
 * constant and no code with mm/pagetable.c and svm/npt.c: a leaf is right when it is, bit by bit,
 * the only entry that may stand in its place.
 *
 * The comments that begin with an at sign are proved (`make proof`, docs/proofs.md), in the words
 * of tests/proof/npt_valid.h.
 */
#include "svm/npt_valid.h"

#define TABLE_ENTRIES 512
#define ADDRESS_MAX   (UINT64_C(1) << 52)

/* What an entry of a table stands for. A root stands for all that four levels translate. */
#define SPAN_4K  UINT64_C(0x1000)
#define SPAN_1G  UINT64_C(0x40000000)
#define SPAN_ALL UINT64_C(0x1000000000000)

/* What an entry is apart from its address. APM "Long-Mode Page Translation", "Nested Paging". */
#define TABLE_BITS  UINT64_C(0x27) /* dirty is for leaves; present, writable, user, accessed */
#define LEAF_BITS   UINT64_C(0x25) /* present, user, accessed */
#define WRITE_BITS  UINT64_C(0x42) /* writable, dirty */
#define LARGE_BIT   UINT64_C(0x80)
#define EXECUTE_NOT UINT64_C(0x8000000000000000)
#define RIGHTS_MAX  7 /* of a row: R, W, X are 1, 2, 4 */

/* A memory type, in bits 4..3: where the host's PAT has it. */
/*@ assigns \nothing;
  @ ensures \result == type_bits(type);
  @*/
static uint64_t npt_type_bits(enum pt_memory type)
{
    if (type == PT_WRITE_BACK)
        return 0;
    return type == PT_WRITE_COMBINING ? 0x08 : 0x18;
}

/* The lowest byte of a leaf, and its highest bit. */
/*@ requires \valid_read(row) && row->rights <= 7;
  @ assigns \nothing;
  @ ensures \result == leaf_bits(row, span);
  @*/
static uint64_t npt_leaf_bits(const struct guest_region *row, uint64_t span)
{
    return LEAF_BITS + (row->rights / 2 % 2 == 1 ? WRITE_BITS : 0) + npt_type_bits(row->type) +
           (span == SPAN_4K ? 0 : LARGE_BIT) + (row->rights < 4 ? EXECUTE_NOT : 0);
}

/*@ requires \valid_read(row) && fits(row) && is_span(span) && from + span <= SPAN_ALL;
  @ assigns \nothing;
  @ ensures \result <==> leaf_of(row, entry, from, span);
  @*/
static bool npt_is_leaf_of(const struct guest_region *row, uint64_t entry, uint64_t from,
                           uint64_t span)
{
    if (span > SPAN_1G || row->rights > RIGHTS_MAX || row->rights % 2 == 0)
        return false;
    if (row->at.v > from || from + span > row->at.v + row->size)
        return false;

    const uint64_t host = row->to.v + (from - row->at.v);
    return host % span == 0 && entry == host + npt_leaf_bits(row, span);
}

/*@ requires readable_map(map) && is_span(span) && from + span <= SPAN_ALL;
  @ assigns \nothing;
  @ ensures \result <==> leaf_ok(map, entry, from, span);
  @*/
static bool npt_valid_leaf(const struct guest_map *map, uint64_t entry, uint64_t from,
                           uint64_t span)
{
    /*@ loop invariant 0 <= i <= map->count;
      @ loop invariant \forall integer k; 0 <= k < i ==>
      @   !leaf_of(&map->rows[k], entry, from, span);
      @ loop assigns i;
      @ loop variant map->count - i;
      @*/
    for (uint32_t i = 0; i < map->count; i++)
        if (npt_is_leaf_of(&map->rows[i], entry, from, span))
            return true;
    return false;
}

/*@ requires no_wrap(tables);
  @ assigns \nothing;
  @ ensures \result <==> is_table(tables, table);
  @*/
static bool npt_is_table(struct range tables, uint64_t table)
{
    return table % PAGE_SIZE == 0 && table >= tables.base && tables.size >= PAGE_SIZE &&
           table - tables.base <= tables.size - PAGE_SIZE;
}

/* Calls itself for the entries below, four deep. */
/*@ requires readable(map, tables) && is_span(span) && from + span <= SPAN_ALL;
  @ decreases span;
  @ assigns \nothing;
  @ ensures \result ==> entry_ok(map, tables, entry, from, span);
  @*/
static bool npt_valid_entry(const struct guest_map *map, struct range tables, uint64_t entry,
                            uint64_t from, uint64_t span)
{
    if (entry == 0 || npt_valid_leaf(map, entry, from, span))
        return true;
    if (span == SPAN_4K || entry < TABLE_BITS || !npt_is_table(tables, entry - TABLE_BITS))
        return false;

    const uint64_t *entries = (const uint64_t *)(uintptr_t)(entry - TABLE_BITS);
    const uint64_t below = span / TABLE_ENTRIES;
    /*@ assert below == part(span); */
    /*@ assert is_span(below) && below < SPAN_ALL; */
    /*@ loop invariant 0 <= i <= TABLE_ENTRIES;
      @ loop invariant \forall integer k; 0 <= k < i ==>
      @   entry_ok(map, tables, entries[k], from + k * below, below);
      @ loop assigns i;
      @ loop variant TABLE_ENTRIES - i;
      @*/
    for (uint32_t i = 0; i < TABLE_ENTRIES; i++) {
        /*@ assert below * TABLE_ENTRIES == span; */
        if (!npt_valid_entry(map, tables, entries[i], from + i * below, below))
            return false;
        /*@ assert entry_ok(map, tables, entries[i], from + i * below, below); */
    }
    /*@ assert entry_ok(map, tables, entry, from, span); */
    return true;
}

/*@ requires readable(map, tables);
  @ assigns \nothing;
  @ ensures \result ==> entry_ok(map, tables, root.v + TABLE_BITS, 0, SPAN_ALL);
  @*/
bool npt_valid(const struct guest_map *map, struct range tables, hpa_t root)
{
    return root.v <= ADDRESS_MAX && npt_valid_entry(map, tables, root.v + TABLE_BITS, 0, SPAN_ALL);
}
