package wire

// Capability flags that client and server exchange in the handshake.
const (
	CapLongPassword             uint32 = 1 << 0
	CapFoundRows                uint32 = 1 << 1 // affected rows counts matched, not changed, rows
	CapLongFlag                 uint32 = 1 << 2
	CapConnectWithDB            uint32 = 1 << 3
	CapNoSchema                 uint32 = 1 << 4
	CapCompress                 uint32 = 1 << 5 // zlib frames
	CapODBC                     uint32 = 1 << 6
	CapLocalFiles               uint32 = 1 << 7
	CapIgnoreSpace              uint32 = 1 << 8 // sql_mode IGNORE_SPACE from the start
	CapProtocol41               uint32 = 1 << 9
	CapInteractive              uint32 = 1 << 10 // interactive_timeout instead of wait_timeout
	CapSSL                      uint32 = 1 << 11
	CapIgnoreSigpipe            uint32 = 1 << 12
	CapTransactions             uint32 = 1 << 13
	CapReserved                 uint32 = 1 << 14
	CapSecureConnection         uint32 = 1 << 15
	CapMultiStatements          uint32 = 1 << 16
	CapMultiResults             uint32 = 1 << 17
	CapPSMultiResults           uint32 = 1 << 18
	CapPluginAuth               uint32 = 1 << 19
	CapConnectAttrs             uint32 = 1 << 20
	CapPluginAuthLenenc         uint32 = 1 << 21
	CapCanHandleExpiredPassword uint32 = 1 << 22
	CapSessionTrack             uint32 = 1 << 23
	CapDeprecateEOF             uint32 = 1 << 24
	CapOptionalResultMetadata   uint32 = 1 << 25
	CapZstd                     uint32 = 1 << 26 // zstd frames
	CapQueryAttributes          uint32 = 1 << 27
)

// serverCaps is what this server offers; SSL, LocalFiles and the compressions depend on the Config.
const serverCaps = CapLongPassword | CapFoundRows | CapLongFlag | CapConnectWithDB | CapNoSchema | CapODBC |
	CapIgnoreSpace | CapProtocol41 | CapInteractive | CapIgnoreSigpipe | CapTransactions | CapReserved |
	CapSecureConnection | CapMultiStatements | CapMultiResults | CapPSMultiResults | CapPluginAuth |
	CapConnectAttrs | CapPluginAuthLenenc | CapCanHandleExpiredPassword | CapSessionTrack | CapDeprecateEOF |
	CapQueryAttributes

// Server status flags, sent with every OK and EOF.
const (
	StatusInTrans             uint16 = 1 << 0
	StatusAutocommit          uint16 = 1 << 1
	StatusMoreResults         uint16 = 1 << 3 // another result of this command follows
	StatusNoGoodIndexUsed     uint16 = 1 << 4
	StatusNoIndexUsed         uint16 = 1 << 5
	StatusCursorExists        uint16 = 1 << 6 // rows wait to be fetched
	StatusLastRowSent         uint16 = 1 << 7 // the cursor is exhausted
	StatusDBDropped           uint16 = 1 << 8
	StatusNoBackslashEscapes  uint16 = 1 << 9
	StatusMetadataChanged     uint16 = 1 << 10
	StatusQueryWasSlow        uint16 = 1 << 11
	StatusPSOutParams         uint16 = 1 << 12 // this result set holds a CALL's OUT parameters
	StatusInTransReadonly     uint16 = 1 << 13
	StatusSessionStateChanged uint16 = 1 << 14 // set by Reply when it sends session tracking
)

// Commands.
const (
	comSleep            = 0x00
	comQuit             = 0x01
	comInitDB           = 0x02
	comQuery            = 0x03
	comFieldList        = 0x04
	comCreateDB         = 0x05
	comDropDB           = 0x06
	comRefresh          = 0x07
	comShutdown         = 0x08
	comStatistics       = 0x09
	comProcessInfo      = 0x0a
	comConnect          = 0x0b
	comProcessKill      = 0x0c
	comDebug            = 0x0d
	comPing             = 0x0e
	comTime             = 0x0f
	comChangeUser       = 0x11
	comStmtPrepare      = 0x16
	comStmtExecute      = 0x17
	comStmtSendLongData = 0x18
	comStmtClose        = 0x19
	comStmtReset        = 0x1a
	comSetOption        = 0x1b
	comStmtFetch        = 0x1c
	comResetConnection  = 0x1f
)

// Packet headers of replies.
const (
	headerOK          = 0x00
	headerMoreAuth    = 0x01
	headerLocalInfile = 0xfb
	headerEOF         = 0xfe
	headerERR         = 0xff
	headerAuthSwitch  = 0xfe
)

// maxPacket is the largest payload of one packet; a longer payload continues in further packets.
const maxPacket = 1<<24 - 1

// Names of the authentication plugins that the package speaks.
const (
	PluginNative      = "mysql_native_password"
	PluginCachingSHA2 = "caching_sha2_password"
	pluginClear       = "mysql_clear_password"
)
