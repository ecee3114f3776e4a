/* SPDX-License-Identifier: MIT */
/*
 * look_registers: the bits of the registers that both processors' control structures hold, by the
 * manuals' names. SDM, APM "Control Registers", "RFLAGS Register", "Debug Registers", "Extended
 * Feature Enable Register (EFER)", "Segment Descriptors", "Page Attribute Table".
 */
#include "lib/bits.h"
#include "lib/look.h"

#define END     \
    {           \
        0, NULL \
    }

/* clang-format off */
const struct look_bit look_cr0_bits[] = {
    {0, "PE"}, {1, "MP"}, {2, "EM"}, {3, "TS"}, {4, "ET"}, {5, "NE"}, {16, "WP"}, {18, "AM"},
    {29, "NW"}, {30, "CD"}, {31, "PG"}, END};

const struct look_bit look_cr4_bits[] = {
    {0, "VME"}, {1, "PVI"}, {2, "TSD"}, {3, "DE"}, {4, "PSE"}, {5, "PAE"}, {6, "MCE"}, {7, "PGE"},
    {8, "PCE"}, {9, "OSFXSR"}, {10, "OSXMMEXCPT"}, {11, "UMIP"}, {12, "LA57"}, {13, "VMXE"},
    {14, "SMXE"}, {16, "FSGSBASE"}, {17, "PCIDE"}, {18, "OSXSAVE"}, {19, "KL"}, {20, "SMEP"},
    {21, "SMAP"}, {22, "PKE"}, {23, "CET"}, {24, "PKS"}, {25, "UINTR"}, {28, "LAM_SUP"}, END};

const struct look_bit look_rflags_bits[] = {
    {0, "CF"}, {1, "1"}, {2, "PF"}, {4, "AF"}, {6, "ZF"}, {7, "SF"}, {8, "TF"}, {9, "IF"},
    {10, "DF"}, {11, "OF"}, {12, "IOPL bit 0"}, {13, "IOPL bit 1"}, {14, "NT"}, {16, "RF"}, {17, "VM"},
    {18, "AC"}, {19, "VIF"}, {20, "VIP"}, {21, "ID"}, END};

const struct look_bit look_efer_bits[] = {
    {0, "SCE"}, {8, "LME"}, {10, "LMA"}, {11, "NXE"}, {12, "SVME"}, {13, "LMSLE"}, {14, "FFXSR"},
    {15, "TCE"}, {17, "MCOMMIT"}, {18, "INTWB"}, {20, "UAIE"}, {21, "AIBRSE"}, END};

const struct look_bit look_dr6_bits[] = {
    {0, "B0"}, {1, "B1"}, {2, "B2"}, {3, "B3"}, {11, "BLD"}, {13, "BD"}, {14, "BS"}, {15, "BT"},
    {16, "RTM"}, END};

const struct look_bit look_dr7_bits[] = {
    {0, "L0"}, {1, "G0"}, {2, "L1"}, {3, "G1"}, {4, "L2"}, {5, "G2"}, {6, "L3"}, {7, "G3"},
    {8, "LE"}, {9, "GE"}, {10, "1"}, {11, "RTM"}, {13, "GD"}, END};

const struct look_bit look_debugctl_bits[] = {
    {0, "LBR"}, {1, "BTF"}, {2, "BLD"}, {6, "TR"}, {7, "BTS"}, {8, "BTINT"}, {9, "BTS_OFF_OS"},
    {10, "BTS_OFF_USR"}, {11, "FREEZE_LBRS_ON_PMI"}, {12, "FREEZE_PERFMON_ON_PMI"},
    {14, "FREEZE_WHILE_SMM"}, {15, "RTM_DEBUG"}, END};

const struct look_bit look_exception_bits[] = {
    {0, "#DE"}, {1, "#DB"}, {2, "NMI"}, {3, "#BP"}, {4, "#OF"}, {5, "#BR"}, {6, "#UD"}, {7, "#NM"},
    {8, "#DF"}, {10, "#TS"}, {11, "#NP"}, {12, "#SS"}, {13, "#GP"}, {14, "#PF"}, {16, "#MF"},
    {17, "#AC"}, {18, "#MC"}, {19, "#XM"}, {20, "#VE"}, {21, "#CP"}, {28, "#HV"}, {29, "#VC"},
    {30, "#SX"}, END};

static const struct look_bit look_memory_types[] = {
    {0, "UC"}, {1, "WC"}, {4, "WT"}, {5, "WP"}, {6, "WB"}, {7, "UC-"}, END};

static const struct look_bit look_system_types[] = {
    {1, "16-bit TSS, available"}, {2, "LDT"}, {3, "16-bit TSS, busy"}, {9, "TSS, available"},
    {11, "TSS, busy"}, END};
/* clang-format on */

void look_selector(struct look_line *l, uint64_t value)
{
    look_word(l, "%s index %u", value & 4 ? "LDT" : "GDT", (uint32_t)(value >> 3 & 0x1fff));
    look_word(l, "RPL %u", (uint32_t)(value & 3));
}

/* SDM "Code- and Data-Segment Descriptor Types" */
static void look_code_or_data(struct look_line *l, uint64_t type)
{
    if (type & 8) {
        look_word(l, type & 4 ? "conforming code" : "code");
        look_word(l, type & 2 ? "execute/read" : "execute-only");
    } else {
        look_word(l, type & 4 ? "expand-down data" : "data");
        look_word(l, type & 2 ? "read/write" : "read-only");
    }
    if (type & 1)
        look_word(l, "accessed");
}

void look_descriptor(struct look_line *l, uint64_t value)
{
    const uint64_t type = value & 0xf;

    if (value & 0x10) {
        look_word(l, "type %u", (uint32_t)type);
        look_code_or_data(l, type);
        look_word(l, "S");
    } else {
        look_number(l, "system type", look_system_types, type);
    }
    look_word(l, "DPL %u", (uint32_t)bits_get(value, 6, 5));
    look_word(l, value & 0x80 ? "P" : "not present");
}

void look_pat(struct look_line *l, uint64_t value)
{
    for (uint32_t i = 0; i < 8; i++) {
        const uint64_t type = value >> 8 * i & 0xff;
        const struct look_bit *names = look_memory_types;

        while (names->name && names->bit != type)
            names++;
        if (names->name)
            look_word(l, "PA%u %s", i, names->name);
        else
            look_word(l, "PA%u reserved type %u", i, (uint32_t)type);
    }
}
