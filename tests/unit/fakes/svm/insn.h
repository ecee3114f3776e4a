/* SPDX-License-Identifier: MIT */
/*
 * insn: stands before the real svm/insn.h, as tests/unit/fakes/lib/x86/insn.h does.
 */
#pragma once

#include "lib/types.h"
#include "mm/pagetable.h"

void vmsave(hpa_t vmcb);
