/* SPDX-License-Identifier: MIT */
/*
 * npt: what the proof of svm/npt.c assumes about bits of 64-bit words beside words.h, and proved
 * like that in words.smt2.
 */
#pragma once

#include <stdint.h>

/*@ axiomatic npt {
  @   axiom or_npt_type: \forall uint64_t a, b;
  @     ((a & 0x18) == 0 ==> ((a | b) & 0x18) == (b & 0x18)) &&
  @     ((b & 0x18) == 0 ==> ((a | b) & 0x18) == (a & 0x18));
  @   axiom or_execute: \forall uint64_t a, b;
  @     ((a & 0x8000000000000000) == 0 ==>
  @       ((a | b) & 0x8000000000000000) == (b & 0x8000000000000000)) &&
  @     ((b & 0x8000000000000000) == 0 ==>
  @       ((a | b) & 0x8000000000000000) == (a & 0x8000000000000000));
  @   axiom npt_type: \forall uint64_t t; t == 0 || t == 8 || t == 0x18 ==>
  @     (t & 0xffffffffff000) == 0 && (t & 0x18) == t && (t & 0x80) == 0 && (t & 7) == 0 &&
  @     (t & 0x8000000000000000) == 0;
  @   axiom npt_large: \forall uint64_t l; l == 0 || l == 0x80 ==>
  @     (l & 0x18) == 0 && (l & 0x8000000000000000) == 0;
  @   axiom npt_flags: \forall uint64_t f;
  @     f == 0x27 || f == 0x25 || f == 0x67 || f == 0x8000000000000025 || f == 0x8000000000000067
  @     ==> (f & 0xffffffffff000) == 0 && (f & 0x18) == 0 && (f & 0x80) == 0 && (f & 7) == f % 8
  @       && (f & 0x8000000000000000) == (f < 0x8000000000000000 ? 0 : 0x8000000000000000);
  @   axiom npt_address: \forall uint64_t a; (a & 0xfff0000000000fff) == 0 ==>
  @     (a & 0x18) == 0 && (a & 0x8000000000000000) == 0;
  @ }
  @*/
