/* SPDX-License-Identifier: MIT */
/* Cores 0, 2, 100 and 12345 (hex); 4, 6 and 99 cannot be started. Two I/O APICs. */
Signature : "APIC"
Table Length : 0000015A
Revision : 05
Checksum : EF
Oem ID : "BHTEST"
Oem Table ID : "BHTEST"
Oem Revision : 00000001
Asl Compiler ID : "INTL"
Asl Compiler Revision : 20190108

Local Apic Address : FEE00000
Flags (decoded below) : 00000001
PC-AT Compatibility : 1

Subtable Type : 00
Length : 08
Processor ID : 00
Local Apic ID : 00
Flags (decoded below) : 00000001
Processor Enabled : 1
Runtime Online Capable : 0

Subtable Type : 00
Length : 08
Processor ID : 02
Local Apic ID : 02
Flags (decoded below) : 00000001
Processor Enabled : 1
Runtime Online Capable : 0

Subtable Type : 00
Length : 08
Processor ID : 04
Local Apic ID : 04
Flags (decoded below) : 00000000
Processor Enabled : 0
Runtime Online Capable : 0

Subtable Type : 00
Length : 08
Processor ID : 06
Local Apic ID : 06
Flags (decoded below) : 00000002
Processor Enabled : 0
Runtime Online Capable : 1

Subtable Type : 09
Length : 10
Reserved : 0000
Processor x2Apic ID : 00000100
Flags (decoded below) : 00000001
Processor Enabled : 1
Processor UID : 00000100

Subtable Type : 09
Length : 10
Reserved : 0000
Processor x2Apic ID : 00012345
Flags (decoded below) : 00000001
Processor Enabled : 1
Processor UID : 00012345

Subtable Type : 09
Length : 10
Reserved : 0000
Processor x2Apic ID : 00000099
Flags (decoded below) : 00000000
Processor Enabled : 0
Processor UID : 00000099

Subtable Type : 01
Length : 0C
I/O Apic ID : 08
Reserved : 00
Address : FEC00000
Interrupt : 00000000

Subtable Type : 01
Length : 0C
I/O Apic ID : 09
Reserved : 00
Address : FEC01000
Interrupt : 00000018

Subtable Type : 02
Length : 0A
Bus : 00
Source : 00
Interrupt : 00000002
Flags (decoded below) : 0000
Polarity : 0
Trigger Mode : 0

Subtable Type : 04
Length : 06
Processor ID : 00
Flags (decoded below) : 0005
Polarity : 1
Trigger Mode : 1
Interrupt Input LINT : 01

Subtable Type : 0A
Length : 0C
Flags (decoded below) : 0005
Polarity : 1
Trigger Mode : 1
Processor UID : 00000000
Interrupt Input LINT : 00
Reserved : 000000
