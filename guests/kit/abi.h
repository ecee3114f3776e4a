/* SPDX-License-Identifier: MIT */
/*
 * abi: the numbers of the guest interface, shared by guests and the hypervisor. Versioned, only
 * ever added to. docs/guest-abi.md is the text.
 *
 * A hypercall is VMCALL at CPL 0 (VMMCALL where leaf 0 of CPUID says "AuthenticAMD" or
 * "HygonGenuine"): number in RAX, first argument in RBX, data in RCX, RDX, RSI, RDI, R8, R9 in this
 * order; the result comes in RAX, negative for an error, and in the data registers where a call
 * returns data. All other registers are unchanged. Outside 64-bit mode registers are cut to 32
 * bits.
 */
#pragma once

#define BULKHEAD_ABI_VERSION 4

/* CPUID: EAX = highest leaf of the range, EBX:ECX:EDX = "BulkheadHV\0\0". */
#define BULKHEAD_CPUID_BASE     0x40000000u
#define BULKHEAD_CPUID_FEATURES 0x40000001u /* EAX = ABI version, EBX = BULKHEAD_FEATURE_* */
#define BULKHEAD_CPUID_TIME     0x40000002u /* EAX = TSC kHz, EBX = APIC timer input kHz */

#define BULKHEAD_FEATURE_CONSOLE  0x1u
#define BULKHEAD_FEATURE_TIME     0x2u
#define BULKHEAD_FEATURE_TIMER    0x4u
#define BULKHEAD_FEATURE_POWER    0x8u
#define BULKHEAD_FEATURE_WATCHDOG 0x10u
#define BULKHEAD_FEATURE_CRASH    0x20u
#define BULKHEAD_FEATURE_LINK     0x40u

/* Numbers start high, so that KVM's small ones stay free. */
#define BULKHEAD_CALL_BASE 0x42480000u
enum bulkhead_call {
    BULKHEAD_CALL_VERSION = 0x42480000,       /* -> ABI version */
    BULKHEAD_CALL_CONSOLE_WRITE = 0x42480001, /* RBX = bytes 1..48, data -> bytes taken, 0: full */
    BULKHEAD_CALL_CONSOLE_READ = 0x42480002,  /* RBX = most bytes 1..48 -> bytes given, data */
    BULKHEAD_CALL_TIME = 0x42480003,          /* -> ns since the guest's machine started */
    BULKHEAD_CALL_TIMER_SET = 0x42480004,     /* RBX = deadline in ns (0 cancels), RCX = vector */
    BULKHEAD_CALL_POWER_OFF = 0x42480005,     /* RBX = code 0..255; does not return */
    BULKHEAD_CALL_RESTART = 0x42480006,       /* does not return */
    BULKHEAD_CALL_WATCHDOG = 0x42480007,      /* "I am well": see watchdog in docs/config.md */
    BULKHEAD_CALL_CRASH = 0x42480008,     /* RBX = BULKHEAD_CRASH_*, RCX = RIP, RDX = error code */
    BULKHEAD_CALL_LINK_INFO = 0x42480009, /* RBX = link -> data: see docs/guest-abi.md */
    BULKHEAD_CALL_LINK_RING = 0x4248000a, /* RBX = link, RCX = side: its doorbell */
    BULKHEAD_CALL_LINK_VECTOR = 0x4248000b, /* RBX = link, RCX = vector, RDX = core: one's own */
    BULKHEAD_CALL_END                       /* behind the last one */
};
#define BULKHEAD_CALL_COUNT (BULKHEAD_CALL_END - BULKHEAD_CALL_BASE)

/* What a guest crashed of: the vector of an exception or interrupt that it has no answer to, or */
#define BULKHEAD_CRASH_GAVE_UP 0x100u /* ... a code of its own, 0..255, added to this */
#define BULKHEAD_CRASH_LAST    0x1ffu

/* LINK_VECTOR, added to the vector: the interrupt comes as well when a peer starts or ends. */
#define BULKHEAD_LINK_PEERS 0x100u

/* Errors in RAX. */
#define BULKHEAD_OK             0
#define BULKHEAD_ERROR_DENIED   (-1)    /* not at CPL 0 (EPERM) */
#define BULKHEAD_ERROR_ARGUMENT (-22)   /* an argument is out of its range (EINVAL) */
#define BULKHEAD_ERROR_UNKNOWN  (-1000) /* no such call; what Linux's KVM code expects */

#define BULKHEAD_CONSOLE_MAX 48
