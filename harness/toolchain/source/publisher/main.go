// A registry of images and a server of files in one program, for the tests of the release toolchain: they stand where the publishers do.
// Files lie under /files, laid out by host and path. A file whose name is followed by one that ends in .cut, and is not empty,
// breaks off half-way.
package main

import (
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"

	"github.com/google/go-containerregistry/pkg/registry"
)

func file(w http.ResponseWriter, r *http.Request) {
	path := filepath.Join("/files", filepath.Clean("/"+r.URL.Path))
	if mark, err := os.Stat(path + ".cut"); err != nil || mark.Size() == 0 {
		http.ServeFile(w, r, path)
		return
	}
	content, err := os.Open(path)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer content.Close()
	info, err := content.Stat()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("content-length", strconv.FormatInt(info.Size(), 10))
	if _, err := io.CopyN(w, content, info.Size()/2); err != nil {
		log.Print(err)
	}
	// The connection ends without the rest.
	panic(http.ErrAbortHandler)
}

func main() {
	images := registry.New(registry.WithBlobHandler(registry.NewInMemoryBlobHandler()))
	go func() { log.Fatal(http.ListenAndServe(":5000", images)) }()
	listener, err := net.Listen("tcp", ":8080")
	if err != nil {
		log.Fatal(err)
	}
	log.Print("publishing")
	log.Fatal(http.Serve(listener, http.HandlerFunc(file)))
}
