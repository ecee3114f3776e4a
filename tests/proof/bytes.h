/* SPDX-License-Identifier: MIT */
/*
 * bytes: what words.h is for bits, for words made of bytes and for numbers that wrap. Apart from it
 * because the provers lose their way among rules that they have no use for.
 */
#pragma once

#include <stdint.h>

/*@ logic integer byte_at(integer v, integer n) = (v >> 8 * n) & 0xff;
  @ logic integer above(integer n) = 1 << 8 * n;
  @ logic integer with_byte(integer v, integer b, integer n) = v | (uint32_t)(b << 8 * n);
  @
  @ axiomatic bytes {
  @   axiom byte_new: \forall uint32_t v, uint8_t b, integer n; 0 <= n < 4 && v < above(n) ==>
  @     0 <= with_byte(v, b, n) < above(n + 1) && byte_at(with_byte(v, b, n), n) == b;
  @   axiom byte_old: \forall uint32_t v, uint8_t b, integer n, k; 0 <= k < n < 4 && v < above(n) ==>
  @     byte_at(with_byte(v, b, n), k) == byte_at(v, k);
  @   axiom above_each: above(0) == 1 && above(1) == 0x100 && above(2) == 0x10000 &&
  @     above(3) == 0x1000000 && above(4) == 0x100000000;
  @   axiom byte_first: \forall uint8_t v; byte_at(v, 0) == v;
  @   axiom byte_sent: \forall uint32_t v, integer n;
  @     0 <= n < 4 ==> (uint8_t)(v >> 8 * n) == byte_at(v, n) && (uint8_t)v == byte_at(v, 0);
  @   axiom count_wrap: \forall uint64_t n;
  @     (uint64_t)(n + 1) == (n < 0xffffffffffffffff ? n + 1 : 0);
  @   axiom call_wrap: \forall uint64_t a; (uint64_t)(a - 0x42480000) ==
  @     (a < 0x42480000 ? a - 0x42480000 + 0x10000000000000000 : a - 0x42480000);
  @   axiom port_wrap: \forall integer p; 0x10000 <= p < 0x20000 ==> (uint16_t)p == p - 0x10000;
  @ }
  @*/
