; SPDX-License-Identifier: MIT
;
; virt_pick: which backend. Out of C's sight, for which it is a constant: it changes once, before
; anybody reads it, and the compiler need not read it again after each call.

        bits 64
        default rel

        global  virt_is_svm:data hidden
        global  virt_pick_svm:function hidden

        section .bss.sealed nobits alloc noexec write align=1
virt_is_svm:
        resb    1

        section .text
; void virt_pick_svm(void)
virt_pick_svm:
        mov     byte [virt_is_svm], 1
        ret

        section .note.GNU-stack noalloc noexec nowrite
