/* Counts where there is no DMAR. */
Signature : "IVRS"
Table Length : 00000000
Revision : 01
Checksum : 00
Oem ID : "BHTEST"
Oem Table ID : "BHTEST"
Oem Revision : 00000001
Asl Compiler ID : "INTL"
Asl Compiler Revision : 20130517

Virtualization Info : 00203040
Reserved : 0000000000000000

Subtable Type : 10
Flags : 14
Length : 0038
DeviceId : 0002

Capability Offset : 0040
Base Address : 00000000FEB80000
PCI Segment Group : 0000
Virtualization Info : 0000
Feature Reporting : 00000000

Entry Type : 02
Device ID : 0008
Data Setting : 00

Entry Type : 03
Device ID : 0100
Data Setting : 00
Entry Type : 04
Device ID : 01FF
Data Setting : 00

Entry Type : 42
Device ID : 0208
Data Setting : 00
Reserved : 00
Source Used Device ID : 0200
Reserved : 00

Entry Type : 48
Device ID : 0000
Data Setting : D7
Handle : 00
Source Used Device ID : 00A0
Variety : 01

Subtable Type : 21
Flags : 08
Length : 0020
DeviceId : 0008

Auxiliary Data : 0000
Reserved : 0000000000000000
Start Address : 0000000000100000
Memory Length : 0000000000002000

Subtable Type : 22
Flags : 07
Length : 0020
DeviceId : 0100

Auxiliary Data : 01FF
Reserved : 0000000000000000
Start Address : 0000000000200000
Memory Length : 0000000000001000
