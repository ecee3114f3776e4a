/* SPDX-License-Identifier: MIT */
/*
 * aml: see the header. ACPI Specification, "ACPI Machine Language (AML) Specification" and "System
 * Description Table Header". Pure.
 */
#include "kernel/image/aml.h"

#include "lib/assert.h"
#include "lib/string.h"

#define AML_NAME_OP     0x08
#define AML_BYTE_PREFIX 0x0a
#define AML_DWORD_PREF  0x0c
#define AML_STRING_PREF 0x0d

/* A PkgLength of two bytes, whatever the length: its first says "one more" and has bits 3:0. */
#define PKG_LENGTH_BYTES 2
#define PKG_LENGTH_MAX   0xfffu
#define PKG_TWO_BYTES    0x40

#define TABLE_LENGTH_AT   4
#define TABLE_CHECKSUM_AT 9

void aml_bytes(struct aml *a, const void *bytes, uint32_t count)
{
    ASSERT(count <= a->max - a->size);
    memcpy(a->bytes + a->size, bytes, count);
    a->size += count;
}

void aml_byte(struct aml *a, uint8_t value)
{
    aml_bytes(a, &value, 1);
}

void aml_dword(struct aml *a, uint32_t value)
{
    aml_bytes(a, &value, sizeof(value));
}

void aml_name(struct aml *a, const char *name)
{
    ASSERT(strlen(name) == 4);
    aml_bytes(a, name, 4);
}

void aml_define(struct aml *a, const char *name)
{
    aml_byte(a, AML_NAME_OP);
    aml_name(a, name);
}

void aml_integer(struct aml *a, uint32_t value)
{
    if (value <= UINT8_MAX) {
        aml_byte(a, AML_BYTE_PREFIX);
        aml_byte(a, (uint8_t)value);
        return;
    }
    aml_byte(a, AML_DWORD_PREF);
    aml_dword(a, value);
}

void aml_string(struct aml *a, const char *text)
{
    aml_byte(a, AML_STRING_PREF);
    aml_bytes(a, text, (uint32_t)strlen(text) + 1);
}

static uint32_t hex_digit(char c)
{
    return (uint32_t)(c >= 'A' ? c - 'A' + 10 : c - '0');
}

/* Three letters of five bits, four hexadecimal digits; the most significant byte comes first. */
void aml_eisa_id(struct aml *a, const char *id)
{
    uint32_t value = 0;

    ASSERT(strlen(id) == 7);
    for (uint32_t i = 0; i < 3; i++)
        value = value << 5 | ((uint32_t)(id[i] - '@') & 0x1f);
    for (uint32_t i = 3; i < 7; i++)
        value = value << 4 | hex_digit(id[i]);
    aml_byte(a, AML_DWORD_PREF);
    aml_dword(a, __builtin_bswap32(value));
}

uint32_t aml_begin(struct aml *a, uint8_t prefix, uint8_t opcode)
{
    if (prefix != 0)
        aml_byte(a, prefix);
    aml_byte(a, opcode);
    const uint32_t begin = a->size;
    aml_bytes(a, (const uint8_t[PKG_LENGTH_BYTES]){0}, PKG_LENGTH_BYTES);
    return begin;
}

void aml_end(struct aml *a, uint32_t begin)
{
    const uint32_t length = a->size - begin;

    ASSERT(length <= PKG_LENGTH_MAX);
    a->bytes[begin] = (uint8_t)(PKG_TWO_BYTES | (length & 0xf));
    a->bytes[begin + 1] = (uint8_t)(length >> 4);
}

uint8_t aml_checksum(const uint8_t *bytes, uint32_t count)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < count; i++)
        sum += bytes[i];
    return (uint8_t)-sum;
}

uint32_t aml_table_begin(struct aml *a, const char *signature, uint8_t revision)
{
    const uint32_t begin = a->size;

    aml_name(a, signature);
    aml_dword(a, 0); /* length */
    aml_byte(a, revision);
    aml_byte(a, 0); /* checksum */
    aml_bytes(a, "BLKHD ", 6);
    aml_bytes(a, "BULKHEAD", 8);
    aml_dword(a, 1); /* OEM revision */
    aml_bytes(a, "BLKH", 4);
    aml_dword(a, 1); /* creator revision */
    return begin;
}

void aml_table_end(struct aml *a, uint32_t begin)
{
    const uint32_t length = a->size - begin;

    memcpy(a->bytes + begin + TABLE_LENGTH_AT, &length, sizeof(length));
    a->bytes[begin + TABLE_CHECKSUM_AT] = aml_checksum(a->bytes + begin, length);
}
