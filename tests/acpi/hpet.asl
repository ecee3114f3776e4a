/* SPDX-License-Identifier: MIT */
/* Not read: it is there to be passed over. */
Signature : "HPET"
Table Length : 00000038
Revision : 01
Checksum : 09
Oem ID : "BHTEST"
Oem Table ID : "BHTEST"
Oem Revision : 00000001
Asl Compiler ID : "INTL"
Asl Compiler Revision : 20100528

Hardware Block ID : 00000000

Timer Block Register : [Generic Address Structure]
Space ID : 00
Bit Width : 00
Bit Offset : 00
Encoded Access Width : 00
Address : 00000000FED00000

Sequence Number : 00
Minimum Clock Ticks : 0000
Flags (decoded below) : 00
4K Page Protect : 0
64K Page Protect : 0
