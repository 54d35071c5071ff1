//go:build !linux

package supervisor

func slackly(start func() error) error { return start() }
