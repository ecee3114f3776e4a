/* SPDX-License-Identifier: MIT */
/* test_ept_valid: the judge of EPT tables, by the cases of both judges. */
#include "vmx/ept_valid.h"

#include "vmx/ept.h"

#define NESTED_VALID  ept_valid
#define NESTED_FORMAT ept_format
#define NESTED_LEAF   0x77
#define NESTED_TABLE  7

#include "nested_valid.h"
