/* SPDX-License-Identifier: MIT */
/*
 * signature: CPUID 1's EAX in parts. SDM "CPUID—CPU Identification", "Version Information"; APM
 * "CPUID Fn0000_0001_EAX". Pure.
 */
#pragma once

#include "lib/types.h"

#define SIGNATURE_FAMILY_6   0x6u /* Intel's; from it on the extended model counts */
#define SIGNATURE_FAMILY_MAX 0xfu /* to it the extended family is added */

static inline uint32_t signature_family(uint32_t signature)
{
    const uint32_t base = signature >> 8 & 0xf;

    return base == SIGNATURE_FAMILY_MAX ? base + (signature >> 20 & 0xff) : base;
}

static inline uint32_t signature_model(uint32_t signature)
{
    const uint32_t base = signature >> 8 & 0xf;
    const bool is_extended = base == SIGNATURE_FAMILY_6 || base == SIGNATURE_FAMILY_MAX;

    return (is_extended ? signature >> 12 & 0xf0 : 0) | (signature >> 4 & 0xf);
}
