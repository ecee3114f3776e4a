/* SPDX-License-Identifier: MIT */
/*
 * ept_valid: judges a guest's finished tables without knowing how they were made. It shares no
 * constant and no code with mm/pagetable.c and vmx/ept.c: a leaf is right when it is, bit by bit,
 * the only entry that may stand in its place.
 *
 * The comments that begin with an at sign are proved (`make proof`, docs/proofs.md).
 */
#include "vmx/ept_valid.h"

#define TABLE_ENTRIES 512
#define ADDRESS_MAX   (UINT64_C(1) << 52)

/* What an entry of a table stands for. A root stands for all that four levels translate. */
#define SPAN_4K   UINT64_C(0x1000)
#define SPAN_2M   UINT64_C(0x200000)
#define SPAN_1G   UINT64_C(0x40000000)
#define SPAN_512G UINT64_C(0x8000000000)
#define SPAN_ALL  UINT64_C(0x1000000000000)

/* What an entry is apart from its address. SDM "EPT Translation Mechanism". */
#define TABLE_BITS UINT64_C(0x07) /* RWX: the leaves decide */
#define PAGE_BITS  UINT64_C(0x37) /* RWX, write-back, combined with the guest's PAT */
#define LARGE_BITS UINT64_C(0xb7) /* the same, and large */

/*@ predicate is_span(integer span) = span == SPAN_4K || span == SPAN_2M || span == SPAN_1G ||
  @   span == SPAN_512G || span == SPAN_ALL;
  @ logic integer leaf_bits(integer span) = span == SPAN_4K ? PAGE_BITS : LARGE_BITS;
  @
  @ // Of what an entry stands for, the part of an entry of the table below.
  @ logic integer part(integer span) = span / TABLE_ENTRIES;
  @
  @ // The one entry that maps [from, from + span) of the guest to where that lies in p.
  @ predicate leaf_of(struct guest_part p, integer entry, integer from, integer span) =
  @   span <= SPAN_1G && p.from <= from && from + span <= p.from + p.size &&
  @   entry == p.to + (from - p.from) + leaf_bits(span) && entry % span == leaf_bits(span);
  @ predicate leaf_ok{L}(struct guest_map *m, integer entry, integer from, integer span) =
  @   \exists integer i; 0 <= i < GUEST_PARTS_MAX && leaf_of(m->parts[i], entry, from, span);
  @
  @ predicate is_table{L}(struct guest_map *m, integer table) =
  @   table % PAGE_SIZE == 0 && m->tables.base <= table &&
  @   table + PAGE_SIZE <= m->tables.base + m->tables.size;
  @
  @ // Whatever a CPU finds behind `entry` for [from, from + span) is in its place.
  @ inductive entry_ok{L}(struct guest_map *m, integer entry, integer from, integer span) {
  @   case empty{L}: \forall struct guest_map *m, integer from, span; entry_ok(m, 0, from, span);
  @   case leaf{L}: \forall struct guest_map *m, integer entry, from, span;
  @     leaf_ok(m, entry, from, span) ==> entry_ok(m, entry, from, span);
  @   case table{L}: \forall struct guest_map *m, integer entry, from, span;
  @     span > SPAN_4K && is_table(m, entry - TABLE_BITS) &&
  @     (\forall integer i; 0 <= i < TABLE_ENTRIES ==> entry_ok(m,
  @       ((uint64_t *)(entry - TABLE_BITS))[i], from + i * part(span), part(span))) ==>
  @     entry_ok(m, entry, from, span);
  @ }
  @
  @ predicate readable{L}(struct guest_map *m) =
  @   \valid_read(m) && m->tables.base + m->tables.size <= UINT64_MAX &&
  @   (\forall integer i; 0 <= i < GUEST_PARTS_MAX ==>
  @     m->parts[i].from + m->parts[i].size <= UINT64_MAX &&
  @     m->parts[i].to + m->parts[i].size <= ADDRESS_MAX) &&
  @   \forall integer t; is_table(m, t) ==> \valid_read((uint64_t *)t + (0 .. TABLE_ENTRIES - 1));
  @*/

/*@ requires \valid_read(part) && is_span(span) && from + span <= SPAN_ALL;
  @ requires part->from + part->size <= UINT64_MAX && part->to + part->size <= ADDRESS_MAX;
  @ assigns \nothing;
  @ ensures \result <==> leaf_of(*part, entry, from, span);
  @*/
static bool ept_is_leaf_of(const struct guest_part *part, uint64_t entry, uint64_t from,
                           uint64_t span)
{
    const uint64_t bits = span == SPAN_4K ? PAGE_BITS : LARGE_BITS;

    return span <= SPAN_1G && part->from <= from && from + span <= part->from + part->size &&
           entry == part->to + (from - part->from) + bits && entry % span == bits;
}

/*@ requires readable(map) && is_span(span) && from + span <= SPAN_ALL;
  @ assigns \nothing;
  @ ensures \result <==> leaf_ok(map, entry, from, span);
  @*/
static bool ept_valid_leaf(const struct guest_map *map, uint64_t entry, uint64_t from,
                           uint64_t span)
{
    /*@ loop invariant 0 <= i <= GUEST_PARTS_MAX;
      @ loop invariant \forall integer k; 0 <= k < i ==>
      @   !leaf_of(map->parts[k], entry, from, span);
      @ loop assigns i;
      @ loop variant GUEST_PARTS_MAX - i;
      @*/
    for (uint32_t i = 0; i < GUEST_PARTS_MAX; i++)
        if (ept_is_leaf_of(&map->parts[i], entry, from, span))
            return true;
    return false;
}

/*@ requires readable(map);
  @ assigns \nothing;
  @ ensures \result <==> is_table(map, table);
  @*/
static bool ept_is_table(const struct guest_map *map, uint64_t table)
{
    return table % PAGE_SIZE == 0 && table >= map->tables.base && map->tables.size >= PAGE_SIZE &&
           table - map->tables.base <= map->tables.size - PAGE_SIZE;
}

/* Calls itself for the entries below, four deep. */
/*@ requires readable(map) && is_span(span) && from + span <= SPAN_ALL;
  @ decreases span;
  @ assigns \nothing;
  @ ensures \result ==> entry_ok(map, entry, from, span);
  @*/
static bool ept_valid_entry(const struct guest_map *map, uint64_t entry, uint64_t from,
                            uint64_t span)
{
    if (entry == 0 || ept_valid_leaf(map, entry, from, span))
        return true;
    if (span == SPAN_4K || entry < TABLE_BITS || !ept_is_table(map, entry - TABLE_BITS))
        return false;

    const uint64_t *entries = (const uint64_t *)(uintptr_t)(entry - TABLE_BITS);
    const uint64_t below = span / TABLE_ENTRIES;
    /*@ assert below == part(span); */
    /*@ assert below == SPAN_4K || below == SPAN_2M || below == SPAN_1G || below == SPAN_512G; */
    /*@ assert below * TABLE_ENTRIES == span; */
    /*@ loop invariant 0 <= i <= TABLE_ENTRIES;
      @ loop invariant \forall integer k; 0 <= k < i ==>
      @   entry_ok(map, entries[k], from + k * part(span), part(span));
      @ loop assigns i;
      @ loop variant TABLE_ENTRIES - i;
      @*/
    for (uint32_t i = 0; i < TABLE_ENTRIES; i++)
        if (!ept_valid_entry(map, entries[i], from + i * below, below))
            return false;
    return true;
}

/*@ requires readable(map);
  @ assigns \nothing;
  @ ensures \result ==> entry_ok(map, root.v + TABLE_BITS, 0, SPAN_ALL);
  @*/
bool ept_valid(const struct guest_map *map, hpa_t root)
{
    return root.v <= ADDRESS_MAX && ept_valid_entry(map, root.v + TABLE_BITS, 0, SPAN_ALL);
}
