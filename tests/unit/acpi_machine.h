/* SPDX-License-Identifier: MIT */
/*
 * acpi_machine: a machine's ACPI tables in memory, sound at first, for the tests to break; and the
 * memory that acpi_read() sees. It gives out each piece as a copy around which all is poisoned, and
 * the copy itself too at the next call, so that the sanitizer sees a byte read too far or too late.
 */
#pragma once

#include "drivers/acpi/acpi.h"

#include <sanitizer/asan_interface.h>

#include "support.h"

/* Behind BLOBS: not in every machine. */
enum blob_name {
    RSDP,
    RSDT,
    XSDT,
    MADT,
    FADT,
    SPCR,
    DSDT,
    SSDT,
    BLOBS,
    HPET = BLOBS,
    MCFG,
    DMAR,
    SRAT,
    IVRS,
    BLOBS_ALL
};

#define BLOB_MAX 32768

struct blob {
    uint64_t address; /* 0: not there */
    uint32_t size;
    uint8_t bytes[BLOB_MAX];
};

struct machine {
    struct blob blobs[BLOBS_ALL];
    uint32_t calls;
    void (*between)(struct machine *m); /* runs before each at(), as a firmware that interferes */
    ALIGNED(8) uint8_t given[ACPI_COPY_MAX]; /* what the last at() gave out */
};

static inline const void *machine_at(void *context, hpa_t address, uint64_t size)
{
    struct machine *m = context;

    assert_true(size >= 1 && size <= ACPI_COPY_MAX && size - 1 <= UINT64_MAX - address.v);
    m->calls++;
    if (m->between != NULL)
        m->between(m);
    for (int i = 0; i < BLOBS_ALL; i++) {
        const struct blob *b = &m->blobs[i];
        uint64_t offset = address.v - b->address;
        if (b->address == 0 || offset > b->size || size > b->size - offset)
            continue;
        ASAN_UNPOISON_MEMORY_REGION(m->given, sizeof(m->given));
        memcpy(m->given, b->bytes + offset, size);
        ASAN_POISON_MEMORY_REGION(m->given + size, sizeof(m->given) - size);
        return m->given;
    }
    ASAN_POISON_MEMORY_REGION(m->given, sizeof(m->given));
    return NULL;
}

static inline bool machine_read(struct machine *m, struct acpi_info *info)
{
    const struct acpi_memory memory = {.at = machine_at, .context = m};
    bool ok;

    lines_clear();
    m->calls = 0;
    memset(info, 0xa5, sizeof(*info));
    ok = acpi_read(info, &memory, hpa(m->blobs[RSDP].address));
    ASAN_UNPOISON_MEMORY_REGION(m->given, sizeof(m->given));
    return ok;
}

static inline void put_bytes(struct blob *b, uint32_t at, const void *bytes, uint32_t size)
{
    assert_true(at + size <= BLOB_MAX);
    memcpy(b->bytes + at, bytes, size);
}

static inline void put8(struct blob *b, uint32_t at, uint8_t v)
{
    b->bytes[at] = v;
}

static inline void put32(struct blob *b, uint32_t at, uint32_t v)
{
    put_bytes(b, at, &v, sizeof(v));
}

static inline void put64(struct blob *b, uint32_t at, uint64_t v)
{
    put_bytes(b, at, &v, sizeof(v));
}

/* "Generic Address Structure": an I/O port. */
static inline void put_port(struct blob *b, uint32_t at, uint64_t port)
{
    put32(b, at, 0x00000801);
    put64(b, at + 4, port);
}

/* Makes the byte at `where` such that the first `size` bytes sum up to 0. */
static inline void blob_sum(struct blob *b, uint32_t where, uint32_t size)
{
    uint8_t sum = 0;

    b->bytes[where] = 0;
    for (uint32_t i = 0; i < size && i < BLOB_MAX; i++)
        sum = (uint8_t)(sum + b->bytes[i]);
    b->bytes[where] = (uint8_t)-sum;
}

/* Header with this length, and a right checksum, over what is in the blob. */
static inline void table_seal(struct blob *b, uint32_t length)
{
    put32(b, 4, length);
    blob_sum(b, 9, length);
}

static inline void table_begin(struct machine *m, enum blob_name name, const char *signature,
                               uint32_t size)
{
    struct blob *b = &m->blobs[name];

    memset(b, 0, sizeof(*b));
    b->address = 0x100000 + 0x10000 * (uint64_t)name;
    b->size = size;
    put_bytes(b, 0, signature, 4);
    table_seal(b, size);
}

static inline void rsdp_seal(struct machine *m)
{
    blob_sum(&m->blobs[RSDP], 8, 20);
    blob_sum(&m->blobs[RSDP], 32, 36);
}

/* Appends an entry to the MADT. */
static inline void madt_add(struct machine *m, const void *entry, uint32_t size)
{
    struct blob *b = &m->blobs[MADT];

    put_bytes(b, b->size, entry, size);
    b->size += size;
    table_seal(b, b->size);
}

static inline void madt_add_lapic(struct machine *m, uint8_t id, uint8_t flags)
{
    madt_add(m, (uint8_t[]){0, 8, 7, id, flags, 0, 0, 0}, 8);
}

static inline void madt_add_x2apic(struct machine *m, uint32_t id, uint8_t flags)
{
    uint8_t entry[16] = {9, 16, 0, 0, 0, 0, 0, 0, flags};

    memcpy(entry + 4, &id, sizeof(id));
    madt_add(m, entry, sizeof(entry));
}

/* Two cores and an I/O APIC. */
static inline void machine_make_madt(struct machine *m)
{
    table_begin(m, MADT, "APIC", 44);
    put32(&m->blobs[MADT], 36, 0xfee00000);
    put32(&m->blobs[MADT], 40, 1); /* PCAT_COMPAT */
    madt_add_lapic(m, 0, 1);
    madt_add_lapic(m, 2, 1);
    madt_add(m, (uint8_t[]){1, 12, 0, 0, 0x00, 0x00, 0xc0, 0xfe, 24, 0, 0, 0}, 12);
}

static inline void machine_make_fadt(struct machine *m)
{
    struct blob *b = &m->blobs[FADT];

    table_begin(m, FADT, "FACP", 244);
    put32(b, 40, (uint32_t)m->blobs[DSDT].address);
    put32(b, 48, 0xb2); /* SMI_CMD */
    put8(b, 52, 0xf1);  /* ACPI_ENABLE */
    put32(b, 64, 0x604);
    put32(b, 112, 1u << 10); /* RESET_REG_SUP */
    put_port(b, 116, 0xcf9);
    put8(b, 128, 0x0f);
    put64(b, 140, m->blobs[DSDT].address);
    put_port(b, 172, 0x1804);
    put_port(b, 184, 0x1904);
    table_seal(b, b->size);
}

/* Name (\_S5, Package () { 5, One, 0, 0 }), with something around it. */
static inline void machine_make_dsdt(struct machine *m)
{
    static const uint8_t aml[] = {'_', 'S', '5', '_', 0x08, '_',  'S',  '5',  '_',  0x12,
                                  7,   4,   0xa, 5,   0x01, 0x00, 0x00, 0x5b, 0x80, '_'};

    table_begin(m, DSDT, "DSDT", 36 + sizeof(aml));
    put_bytes(&m->blobs[DSDT], 36, aml, sizeof(aml));
    table_seal(&m->blobs[DSDT], m->blobs[DSDT].size);
}

static inline void machine_make_roots(struct machine *m)
{
    static const enum blob_name tables[] = {SSDT, FADT, MADT, SPCR};

    table_begin(m, RSDT, "RSDT", 36 + 4 * ARRAY_SIZE(tables));
    table_begin(m, XSDT, "XSDT", 36 + 8 * ARRAY_SIZE(tables));
    for (uint32_t i = 0; i < ARRAY_SIZE(tables); i++) {
        put32(&m->blobs[RSDT], 36 + 4 * i, (uint32_t)m->blobs[tables[i]].address);
        put64(&m->blobs[XSDT], 36 + 8 * i, m->blobs[tables[i]].address);
    }
    table_seal(&m->blobs[RSDT], m->blobs[RSDT].size);
    table_seal(&m->blobs[XSDT], m->blobs[XSDT].size);

    m->blobs[RSDP] = (struct blob){.address = 0xf0000, .size = 36};
    put_bytes(&m->blobs[RSDP], 0, "RSD PTR ", 8);
    put8(&m->blobs[RSDP], 15, 2); /* revision */
    put32(&m->blobs[RSDP], 16, (uint32_t)m->blobs[RSDT].address);
    put32(&m->blobs[RSDP], 20, 36);
    put64(&m->blobs[RSDP], 24, m->blobs[XSDT].address);
    rsdp_seal(m);
}

/* A machine that has everything, and all of it sound. */
static inline void machine_make(struct machine *m)
{
    memset(m, 0, sizeof(*m));
    machine_make_madt(m);
    machine_make_dsdt(m);
    machine_make_fadt(m);
    table_begin(m, SSDT, "SSDT", 60);
    table_begin(m, SPCR, "SPCR", 80);
    put_port(&m->blobs[SPCR], 40, 0x2f8);
    put8(&m->blobs[SPCR], 58, 7); /* 115200 baud */
    table_seal(&m->blobs[SPCR], 80);
    machine_make_roots(m);
}
