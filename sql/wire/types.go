package wire

// Type is a column or parameter type as it travels on the wire.
type Type uint8

// The MySQL column types. Of the blob subtypes TypeMediumBlob and TypeLongBlob are what computed texts are, and others appear in parameters only: tables' columns
// of every blob and text type are sent as TypeBlob, as MySQL does, and CHAR/BINARY as TypeString, ENUM and SET as TypeString with a flag.
const (
	TypeDecimal    Type = 0x00
	TypeTiny       Type = 0x01
	TypeShort      Type = 0x02
	TypeLong       Type = 0x03
	TypeFloat      Type = 0x04
	TypeDouble     Type = 0x05
	TypeNull       Type = 0x06
	TypeTimestamp  Type = 0x07
	TypeLongLong   Type = 0x08
	TypeInt24      Type = 0x09
	TypeDate       Type = 0x0a
	TypeTime       Type = 0x0b
	TypeDateTime   Type = 0x0c
	TypeYear       Type = 0x0d
	TypeNewDate    Type = 0x0e
	TypeVarChar    Type = 0x0f
	TypeBit        Type = 0x10
	TypeTimestamp2 Type = 0x11
	TypeDateTime2  Type = 0x12
	TypeTime2      Type = 0x13
	TypeBool       Type = 0xf4
	TypeJSON       Type = 0xf5
	TypeNewDecimal Type = 0xf6
	TypeEnum       Type = 0xf7
	TypeSet        Type = 0xf8
	TypeTinyBlob   Type = 0xf9
	TypeMediumBlob Type = 0xfa
	TypeLongBlob   Type = 0xfb
	TypeBlob       Type = 0xfc
	TypeVarString  Type = 0xfd
	TypeString     Type = 0xfe
	TypeGeometry   Type = 0xff
)

// Column flags.
const (
	FlagNotNull        uint16 = 1 << 0
	FlagPrimaryKey     uint16 = 1 << 1
	FlagUniqueKey      uint16 = 1 << 2
	FlagMultipleKey    uint16 = 1 << 3
	FlagBlob           uint16 = 1 << 4
	FlagUnsigned       uint16 = 1 << 5
	FlagZerofill       uint16 = 1 << 6
	FlagBinary         uint16 = 1 << 7
	FlagEnum           uint16 = 1 << 8
	FlagAutoIncrement  uint16 = 1 << 9
	FlagTimestamp      uint16 = 1 << 10
	FlagSet            uint16 = 1 << 11
	FlagNoDefaultValue uint16 = 1 << 12
	FlagOnUpdateNow    uint16 = 1 << 13
	FlagPartKey        uint16 = 1 << 14
	FlagNum            uint16 = 1 << 15
)

// NotFixedDecimals in Column.Decimals says that a FLOAT or DOUBLE has no fixed number of decimals.
const NotFixedDecimals = 31

// Collation ids that the protocol itself needs. A session maps all others.
const (
	CollationBinary            uint16 = 63
	CollationUTF8MB3General    uint16 = 33
	CollationLatin1Swedish     uint16 = 8
	CollationUTF8MB4General    uint16 = 45
	CollationUTF8MB4UnicodeCI  uint16 = 224
	CollationUTF8MB4_0900_AICI uint16 = 255
)

// DateTime is a DATE, DATETIME or TIMESTAMP value as written, without a time zone. The zero value is the
// zero date '0000-00-00 00:00:00'.
type DateTime struct {
	Year                             uint16
	Month, Day, Hour, Minute, Second uint8
	Micro                            uint32 // 0 to 999999
}

// Time is a TIME value, a signed span of up to 838:59:59.999999.
type Time struct {
	Neg            bool
	Hour           uint16 // 0 to 838
	Minute, Second uint8
	Micro          uint32 // 0 to 999999
}
