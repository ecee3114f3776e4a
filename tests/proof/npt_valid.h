/* SPDX-License-Identifier: MIT */
/*
 * npt_valid: the words that the contracts of svm/npt_valid.c are written in. The numbers are the
 * manual's: APM "Long-Mode Page Translation".
 */
#pragma once

#include "mm/guest_map.h"

/*@ predicate no_wrap(struct range r) = r.base + r.size <= UINT64_MAX;
  @
  @ // What an entry stands for, from a page to all that four levels translate.
  @ predicate is_span(integer span) = span == 0x1000 || span == 0x200000 || span == 0x40000000 ||
  @   span == 0x8000000000 || span == 0x1000000000000;
  @ // Of what an entry stands for, the part of an entry of the table below.
  @ logic integer part(integer span) = span / 512;
  @
  @ // What a leaf is apart from its address: bits 4..3; 6..0 and 7; and 63.
  @ logic integer type_bits(integer type) = type == PT_WRITE_BACK ? 0 :
  @   type == PT_WRITE_COMBINING ? 0x08 : 0x18;
  @ logic integer leaf_bits{L}(struct guest_region *row, integer span) =
  @   (row->rights / 2 % 2 == 1 ? 0x67 : 0x25) + type_bits(row->type) +
  @   (span == 0x1000 ? 0 : 0x80) + (row->rights < 4 ? 0x8000000000000000 : 0);
  @
  @ // Where [from, from + span) of the guest lies in the host, by `row`, and the one entry for it.
  @ logic integer host_of{L}(struct guest_region *row, integer from) =
  @   row->to.v + (from - row->at.v);
  @ predicate leaf_of{L}(struct guest_region *row, integer entry, integer from, integer span) =
  @   span <= 0x40000000 && row->rights <= 7 && row->rights % 2 == 1 && row->at.v <= from &&
  @   from + span <= row->at.v + row->size && host_of(row, from) % span == 0 &&
  @   entry == host_of(row, from) + leaf_bits(row, span);
  @ predicate leaf_ok{L}(struct guest_map *m, integer entry, integer from, integer span) =
  @   \exists integer i; 0 <= i < m->count && leaf_of(&m->rows[i], entry, from, span);
  @
  @ predicate is_table(struct range tables, integer table) =
  @   table % 0x1000 == 0 && tables.base <= table && table + 0x1000 <= tables.base + tables.size;
  @
  @ // Whatever a CPU finds behind `entry` for [from, from + span) is in its place.
  @ inductive entry_ok{L}(struct guest_map *m, struct range tables, integer entry, integer from,
  @                       integer span) {
  @   case empty{L}: \forall struct guest_map *m, struct range tables, integer from, span;
  @     entry_ok(m, tables, 0, from, span);
  @   case leaf{L}: \forall struct guest_map *m, struct range tables, integer entry, from, span;
  @     leaf_ok(m, entry, from, span) ==> entry_ok(m, tables, entry, from, span);
  @   case table{L}: \forall struct guest_map *m, struct range tables, integer entry, from, span;
  @     span > 0x1000 && is_table(tables, entry - 0x27) &&
  @     (\forall integer i; 0 <= i < 512 ==> entry_ok(m, tables,
  @       ((uint64_t *)(entry - 0x27))[i], from + i * part(span), part(span))) ==>
  @     entry_ok(m, tables, entry, from, span);
  @ }
  @
  @ predicate fits{L}(struct guest_region *row) =
  @   row->at.v + row->size <= UINT64_MAX && row->to.v + row->size <= 0x10000000000000;
  @ predicate readable_map{L}(struct guest_map *m) =
  @   \valid_read(m) && m->count <= GUEST_REGIONS_MAX &&
  @   \forall integer i; 0 <= i < m->count ==> fits(&m->rows[i]);
  @ predicate readable{L}(struct guest_map *m, struct range tables) =
  @   readable_map(m) && no_wrap(tables) &&
  @   \forall integer t; is_table(tables, t) ==> \valid_read((uint64_t *)t + (0 .. 511));
  @*/
