/* SPDX-License-Identifier: MIT */
/*
 * types: the words every other file is written in. No code with effects, no state.
 * Fit for the hypervisor, the loader, the guests and host tests alike.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Two physical address spaces meet in a hypervisor: what a guest calls physical (gpa) and what
 * the memory bus calls physical (hpa). They are different types, so that mixing them up is a
 * compile error and not an escape.
 */
typedef struct {
    uint64_t v;
} gpa_t;

typedef struct {
    uint64_t v;
} hpa_t;

/*@ assigns \nothing;
  @ ensures \result.v == v;
  @*/
static inline gpa_t gpa(uint64_t v)
{
    return (gpa_t){v};
}

/*@ assigns \nothing;
  @ ensures \result.v == v;
  @*/
static inline hpa_t hpa(uint64_t v)
{
    return (hpa_t){v};
}

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

#define PAGE_SIZE    (4 * KIB)
#define PAGE_SIZE_2M (2 * MIB)
#define PAGE_SIZE_1G (1 * GIB)

#define MUST_CHECK __attribute__((warn_unused_result))
#define NORETURN   __attribute__((noreturn))
#define COLD       __attribute__((cold))
#define NOINLINE   __attribute__((noinline))
#define FLATTEN    __attribute__((flatten)) /* all that it calls becomes part of it */
/* A local that is written before it is read: none of the zeros that all others begin with. */
#define UNINITIALIZED     __attribute__((uninitialized))
#define ALWAYS_INLINE     inline __attribute__((always_inline))
#define PACKED            __attribute__((packed))
#define ALIGNED(n)        __attribute__((aligned(n)))
#define SECTION(name)     __attribute__((section(name)))
#define SEALED            SECTION(".bss.sealed") /* starts as zero; read-only from launch on */
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

/* One 4 KiB page of anything. Hardware structures are never sized by hand. */
struct page {
    ALIGNED(4096) uint8_t bytes[4096];
};
_Static_assert(sizeof(struct page) == PAGE_SIZE, "a page is 4096 bytes");
