/* SPDX-License-Identifier: MIT */
/*
 * bulkhead: the hypercalls as C functions, for 64-bit guests. Copy this file and abi.h into any
 * kernel: nothing else is needed. docs/guest-abi.md is the text.
 *
 * Every call is one instruction at CPL 0: VMCALL, or VMMCALL on AMD's processors. No pointer
 * crosses the border, the data of a call travels in six registers.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "guests/kit/abi.h"

/* RCX, RDX, RSI, RDI, R8, R9; byte 0 is the lowest byte of RCX. */
struct bulkhead_data {
    uint64_t word[BULKHEAD_CONSOLE_MAX / 8];
};

/* Which of the two: bulkhead_present() finds out. Weak, so that all files of a guest have one. */
__attribute__((weak)) bool bulkhead_uses_vmmcall;

#define BULKHEAD_INSN       "cmpb $0, %[amd]\n\tjne 1f\n\tvmcall\n\tjmp 2f\n1:\tvmmcall\n2:"
#define BULKHEAD_INSN_TAKES [amd] "m"(bulkhead_uses_vmmcall)

/* Any call: the result, and the data registers as the hypervisor left them in *data. */
static inline int64_t bulkhead_call(uint64_t number, uint64_t argument, struct bulkhead_data *data)
{
    int64_t result;
    register uint64_t r8 __asm__("r8") = data->word[4];
    register uint64_t r9 __asm__("r9") = data->word[5];

    __asm__ volatile(BULKHEAD_INSN
                     : "=a"(result), "+c"(data->word[0]), "+d"(data->word[1]), "+S"(data->word[2]),
                       "+D"(data->word[3]), "+r"(r8), "+r"(r9)
                     : "a"(number), "b"(argument), BULKHEAD_INSN_TAKES
                     : "memory", "cc");
    data->word[4] = r8;
    data->word[5] = r9;
    return result;
}

/* A call that takes at most RBX and RCX and returns nothing but RAX. */
static inline int64_t bulkhead_call2(uint64_t number, uint64_t rbx, uint64_t rcx)
{
    int64_t result;

    __asm__ volatile(BULKHEAD_INSN
                     : "=a"(result)
                     : "a"(number), "b"(rbx), "c"(rcx), BULKHEAD_INSN_TAKES
                     : "memory", "cc");
    return result;
}

/* One leaf of CPUID, subleaf 0: EAX, EBX, ECX, EDX. */
static inline void bulkhead_cpuid(uint32_t leaf, uint32_t out[4])
{
    __asm__ volatile("cpuid"
                     : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
                     : "a"(leaf), "c"(0));
}

/* Are we on Bulkhead? Ask this once before the first call, on any core: it also finds out which
 * instruction calls are made with, and elsewhere neither may exist. */
static inline bool bulkhead_present(void)
{
    uint32_t r[4];

    bulkhead_cpuid(1, r);
    if ((r[2] & UINT32_C(1) << 31) == 0) /* no hypervisor at all */
        return false;
    bulkhead_cpuid(0, r);
    bulkhead_uses_vmmcall = r[2] == 0x444d4163 || /* "AuthenticAMD" ends so, ... */
                            r[2] == 0x656e6975;   /* ... "HygonGenuine" so */
    bulkhead_cpuid(BULKHEAD_CPUID_BASE, r);
    return r[0] >= BULKHEAD_CPUID_FEATURES && r[1] == 0x6b6c7542 && /* "Bulk" */
           r[2] == 0x64616568 && r[3] == 0x00005648;                /* "head", "HV" */
}

/* BULKHEAD_FEATURE_* of this machine; ABI versions only ever add. */
static inline uint32_t bulkhead_features(void)
{
    uint32_t r[4];

    bulkhead_cpuid(BULKHEAD_CPUID_FEATURES, r);
    return r[1];
}

static inline int64_t bulkhead_version(void)
{
    return bulkhead_call2(BULKHEAD_CALL_VERSION, 0, 0);
}

/*
 * Offers the first bytes of a text to the console: at most BULKHEAD_CONSOLE_MAX of them in one
 * call, which stay together whatever other cores print. Returns how many were taken; 0 means that
 * the console is behind: try again a little later.
 */
static inline int64_t bulkhead_console_write(const char *bytes, uint64_t len)
{
    struct bulkhead_data data = {{0}};

    if (len > BULKHEAD_CONSOLE_MAX)
        len = BULKHEAD_CONSOLE_MAX;
    for (uint64_t i = 0; i < len; i++)
        data.word[i / 8] |= (uint64_t)(uint8_t)bytes[i] << (i % 8 * 8);
    return bulkhead_call(BULKHEAD_CALL_CONSOLE_WRITE, len, &data);
}

/* Fetches typed bytes, at most `size` and at most BULKHEAD_CONSOLE_MAX. Never waits: 0 is none. */
static inline int64_t bulkhead_console_read(char *bytes, uint64_t size)
{
    struct bulkhead_data data = {{0}};

    if (size > BULKHEAD_CONSOLE_MAX)
        size = BULKHEAD_CONSOLE_MAX;
    int64_t len = bulkhead_call(BULKHEAD_CALL_CONSOLE_READ, size, &data);
    for (int64_t i = 0; i < len && i < (int64_t)size; i++)
        bytes[i] = (char)(data.word[i / 8] >> (i % 8 * 8));
    return len;
}

/* Nanoseconds since this guest's machine started; the same on all of its cores. */
static inline uint64_t bulkhead_time(void)
{
    return (uint64_t)bulkhead_call2(BULKHEAD_CALL_TIME, 0, 0);
}

/*
 * One interrupt with `vector` (32..255) on this core once bulkhead_time() has reached `deadline`
 * ns; replaces the one set before, 0 cancels it. The interrupt does not come through the local
 * APIC: its handler must not write EOI.
 */
static inline int64_t bulkhead_timer_set(uint64_t deadline, uint32_t vector)
{
    return bulkhead_call2(BULKHEAD_CALL_TIMER_SET, deadline, vector);
}

/* Ends this guest, all cores of it. `code` 0..255, 0 means that all went well. */
static inline int64_t bulkhead_power_off(uint32_t code)
{
    return bulkhead_call2(BULKHEAD_CALL_POWER_OFF, code, 0);
}

/* Starts this guest afresh from its image, with scrubbed memory. Does not return. */
static inline int64_t bulkhead_restart(void)
{
    return bulkhead_call2(BULKHEAD_CALL_RESTART, 0, 0);
}

/*
 * Ends this guest as crashed: its diagnosis is printed, then `on_crash` in bulkhead.conf decides.
 * `code` is the vector of an exception or interrupt that the guest cannot handle, or
 * BULKHEAD_CRASH_GAVE_UP plus a code of its own, 0..255; `rip` is where that was, `error` the
 * exception's error code, or 0. Version 2: returns BULKHEAD_ERROR_UNKNOWN before, and
 * BULKHEAD_ERROR_ARGUMENT for another code. All registers but RAX, RBX, RCX and RDX are printed as
 * they are: load those of the fault before the call.
 */
static inline int64_t bulkhead_crash(uint32_t code, uint64_t rip, uint64_t error)
{
    int64_t result;

    __asm__ volatile(BULKHEAD_INSN
                     : "=a"(result)
                     : "a"((uint64_t)BULKHEAD_CALL_CRASH), "b"((uint64_t)code), "c"(rip),
                       "d"(error), BULKHEAD_INSN_TAKES
                     : "memory", "cc");
    return result;
}

/* "I am well": where bulkhead.conf gives this guest a `watchdog` time, at least one call is due in
 * each such time, from any core; else the guest counts as crashed. Without one it does nothing. */
static inline int64_t bulkhead_watchdog(void)
{
    return bulkhead_call2(BULKHEAD_CALL_WATCHDOG, 0, 0);
}

/* One of this guest's ends of a link. */
struct bulkhead_link {
    uint64_t window, size; /* guest-physical, bytes; size 0: the link has no memory */
    bool can_write;
    uint32_t side, side_count; /* this one's number, and how many there are */
    uint32_t alive;            /* bit per side: its guest ran at that moment */
    char name[16];             /* as in bulkhead.conf, with a NUL */
};

/* Version 4. `index` counts this guest's links from 0 on, in the order of bulkhead.conf; false:
 * there is none of that number. */
static inline bool bulkhead_link_info(uint32_t index, struct bulkhead_link *link)
{
    struct bulkhead_data data = {{0}};

    if (bulkhead_call(BULKHEAD_CALL_LINK_INFO, index, &data) != BULKHEAD_OK)
        return false;
    link->window = data.word[0];
    link->size = data.word[1];
    link->can_write = (data.word[2] & 1) != 0;
    link->side = data.word[2] >> 8 & 0xff;
    link->side_count = data.word[2] >> 16 & 0xff;
    link->alive = (uint32_t)data.word[5];
    for (uint32_t i = 0; i < sizeof(link->name); i++)
        link->name[i] = (char)(data.word[3 + i / 8] >> i % 8 * 8);
    return true;
}

/* Rings the doorbell of a side: an interrupt where its guest runs and wants one. What was written
 * to the window before is visible there when it comes. */
static inline int64_t bulkhead_link_ring(uint32_t index, uint32_t side)
{
    return bulkhead_call2(BULKHEAD_CALL_LINK_RING, index, side);
}

/*
 * The interrupt (32..255) that this side's doorbell is, on core `core` of this guest; 0: none. With
 * BULKHEAD_LINK_PEERS added it comes also when a peer starts or ends. It comes through the local
 * APIC: its handler writes EOI.
 */
static inline int64_t bulkhead_link_vector(uint32_t index, uint32_t vector, uint32_t core)
{
    struct bulkhead_data data = {{vector, core}};

    return bulkhead_call(BULKHEAD_CALL_LINK_VECTOR, index, &data);
}
