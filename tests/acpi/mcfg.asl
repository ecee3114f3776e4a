/* SPDX-License-Identifier: MIT */
/* Not read: it is there to be passed over. */
Signature : "MCFG"
Table Length : 0000003C
Revision : 01
Checksum : 19
Oem ID : "BHTEST"
Oem Table ID : "BHTEST"
Oem Revision : 00000001
Asl Compiler ID : "INTL"
Asl Compiler Revision : 20100528

Reserved : 0000000000000000

Base Address : 00000000B0000000
Segment Group Number : 0000
Start Bus Number : 00
End Bus Number : FF
Reserved : 00000000
