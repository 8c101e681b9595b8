// Command get puts the Datastar client and its license where the build of package assets
// embeds them, for binaries that run where there is no Go. It is started by go generate ./...
package main

import (
	"log"
	"os"

	"liveboard/assets"
)

func main() {
	log.SetFlags(0)
	js, license, err := assets.Download()
	if err != nil {
		log.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"vendored/datastar.js":         js,
		"vendored/datastar.LICENSE.md": license,
	} {
		if err := os.WriteFile(name, content, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}
