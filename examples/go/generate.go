// The contract's Go code, which buf writes to gen/ as buf.gen.yaml says.

package main

//go:generate go run github.com/bufbuild/buf/cmd/buf@v1.75.0 generate proto
