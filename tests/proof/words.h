/* SPDX-License-Identifier: MIT */
/*
 * words: what the proofs assume about bits of 64-bit words, for the provers that WP uses know
 * integers but little about bits. Each axiom is itself proved, as a statement about bit vectors,
 * under the same name in words.smt2. Included before each file that is proved.
 */
#pragma once

#include <stdint.h>

/*@ logic integer joined(integer h, integer l) = h * 0x10000000000000000 + l;
  @
  @ axiomatic words {
  @   axiom and_below: \forall uint64_t a, b; 0 <= (a & b) <= b && (a & b) <= a;
  @   axiom ones: \forall integer n; 1 <= n <= 64 ==>
  @     (0xffffffffffffffff >> (64 - n)) == (1 << n) - 1;
  @   axiom powers: \forall integer n; (n == 12 ==> (1 << n) == 0x1000) &&
  @     (n == 21 ==> (1 << n) == 0x200000) && (n == 30 ==> (1 << n) == 0x40000000) &&
  @     (n == 39 ==> (1 << n) == 0x8000000000);
  @
  @   axiom shift_far: \forall uint64_t h, l, integer s; 64 <= s < 128 ==>
  @     (joined(h, l) >> s) == (h >> (s - 64));
  @   axiom shift_near: \forall uint64_t h, l, integer s; 1 <= s < 64 && (h >> s) == 0 ==>
  @     (joined(h, l) >> s) == ((h << (64 - s)) | (l >> s));
  @   axiom shift_back: \forall uint64_t h, integer s; 1 <= s < 64 && (h >> s) == 0 ==>
  @     (h << (64 - s)) <= 0xffffffffffffffff;
  @   axiom shift_over: \forall uint64_t h, l, integer s; 1 <= s < 64 && (h >> s) != 0 ==>
  @     (joined(h, l) >> s) > 0xffffffffffffffff;
  @   axiom shift_fits: \forall integer s; 0 <= s < 64 ==> 1 <= (1 << s) <= 0x8000000000000000;
  @   axiom shift_split: \forall integer s; 64 <= s < 128 ==>
  @     (1 << s) == (1 << (s - 64)) * 0x10000000000000000;
  @   axiom shift_small: \forall integer s; 1 <= s <= 126 ==>
  @     2 <= (1 << s) <= 0x40000000000000000000000000000000;
  @   axiom shift_keeps_order: \forall integer x, y, s; 0 <= x <= y && 0 <= s ==>
  @     (x >> s) <= (y >> s);
  @
  @   axiom or_rights: \forall uint64_t a, b;
  @     ((a & 7) == 0 ==> ((a | b) & 7) == (b & 7)) &&
  @     ((b & 7) == 0 ==> ((a | b) & 7) == (a & 7));
  @   axiom or_type: \forall uint64_t a, b;
  @     ((a & 0x78) == 0 ==> ((a | b) & 0x78) == (b & 0x78)) &&
  @     ((b & 0x78) == 0 ==> ((a | b) & 0x78) == (a & 0x78));
  @   axiom or_address: \forall uint64_t a, b;
  @     ((a & 0xffffffffff000) == 0 ==>
  @       ((a | b) & 0xffffffffff000) == (b & 0xffffffffff000)) &&
  @     ((b & 0xffffffffff000) == 0 ==>
  @       ((a | b) & 0xffffffffff000) == (a & 0xffffffffff000));
  @
  @   axiom ept_rights: \forall uint64_t r; r < 8 ==>
  @     (r & 0xffffffffff000) == 0 && (r & 0x78) == 0 && (r & 0x80) == 0 && (r & 7) == r;
  @   axiom ept_type: \forall uint64_t t; t == 0 || t == 8 || t == 0x70 ==>
  @     (t & 0xffffffffff000) == 0 && (t & 0x78) == t && (t & 0x80) == 0 && (t & 7) == 0;
  @   axiom ept_large: \forall uint64_t l; l == 0 || l == 0x80 ==>
  @     (l & 0xffffffffff000) == 0 && (l & 0x78) == 0 && (l & 0x80) == l && (l & 7) == 0;
  @   axiom ept_address: \forall uint64_t a; (a & 0xfff0000000000fff) == 0 ==>
  @     (a & 0xffffffffff000) == a && (a & 0x78) == 0 && (a & 0x80) == 0 && (a & 7) == 0;
  @   axiom ept_address_2m: \forall uint64_t a; (a & 0xfff00000001fffff) == 0 ==>
  @     (a & 0xfff0000000000fff) == 0;
  @   axiom ept_address_1g: \forall uint64_t a; (a & 0xfff000003fffffff) == 0 ==>
  @     (a & 0xfff0000000000fff) == 0;
  @ }
  @*/
