/* SPDX-License-Identifier: MIT */
/* test_npt_valid: the judge of AMD's nested tables, by the cases of both judges. */
#include "svm/npt_valid.h"

#include "svm/npt.h"

#define NESTED_VALID  npt_valid
#define NESTED_FORMAT npt_format
#define NESTED_LEAF   0x67
#define NESTED_TABLE  0x27

#include "nested_valid.h"
