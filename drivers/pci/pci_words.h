/* SPDX-License-Identifier: MIT */
/*
 * pci_words: what a class code means, in one word or two. PCI Code and ID Assignment Specification
 * "Class Codes". Pure.
 */
#pragma once

#include "lib/types.h"

/* `class`: class in 23:16, subclass in 15:8, programming interface in 7:0. */
const char *pci_class_word(uint32_t class);

static inline bool pci_is_display(uint32_t class)
{
    return class >> 16 == 0x03;
}

static inline bool pci_is_iommu(uint32_t class)
{
    return class >> 8 == 0x0806;
}

static inline bool pci_is_host_bridge(uint32_t class)
{
    return class >> 8 == 0x0600;
}

static inline bool pci_is_isa_bridge(uint32_t class)
{
    return class >> 8 == 0x0601;
}
