package wire

// compress puts the agreed compression between socket and packets, if any.
func (c *Conn) compress(zstdLevel uint8) error { return nil }
