/* SPDX-License-Identifier: MIT */
/*
 * aml: appends ACPI tables and ACPI machine language to a buffer. Just the handful of terms that
 * kernel/image/image_acpi.c uses. A buffer that is too small is our bug. Pure.
 */
#pragma once

#include "lib/types.h"

struct aml {
    uint8_t *bytes;
    uint32_t size; /* bytes so far */
    uint32_t max;
};

void aml_bytes(struct aml *a, const void *bytes, uint32_t count);
void aml_byte(struct aml *a, uint8_t value);
void aml_dword(struct aml *a, uint32_t value);

/* A NameSeg: four characters. */
void aml_name(struct aml *a, const char *name);

/* An object's name: `Name (NAME, ...` and then the object itself by one of the next three. */
void aml_define(struct aml *a, const char *name);
void aml_integer(struct aml *a, uint32_t value);
void aml_string(struct aml *a, const char *text);
void aml_eisa_id(struct aml *a, const char *id); /* seven characters: "PNP0501" */

/*
 * Terms with a length: `begin` returns what `end` wants. The opcode has up to two bytes; a first
 * byte of 0 is left out.
 */
uint32_t aml_begin(struct aml *a, uint8_t prefix, uint8_t opcode);
void aml_end(struct aml *a, uint32_t begin);

#define AML_EXT     0x5b
#define AML_SCOPE   0x10
#define AML_BUFFER  0x11
#define AML_PACKAGE 0x12
#define AML_DEVICE  0x82 /* behind AML_EXT */

/* A system description table: its 36-byte header, then its contents; `end` writes length and
 * checksum. */
uint32_t aml_table_begin(struct aml *a, const char *signature, uint8_t revision);
void aml_table_end(struct aml *a, uint32_t begin);

/* The value that makes `count` bytes add up to 0. */
uint8_t aml_checksum(const uint8_t *bytes, uint32_t count);
