// A registry of images and a server of files in one program, which stand where the publishers do.
//
// Files lie under /files, laid out by host and path; images are named by registry, repository and tag, as in a mirror
// (docker.io/istio/pilot:1.31.0). A file whose name is followed by one that ends in .cut, and is not empty, breaks off half-way.
//
// What images are made of lies under /blobs, which may outlive the program.
//
//	publisher [host ...]          serves: images on port 5000, files on 8080, and on 8443 by TLS both of them, for the hosts that are named
//	publisher authority           prints the certificate that the TLS side is signed with
//	publisher index <image>       makes an index of several platforms out of a pushed image, as publishers do, and prints its digest
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/google/go-containerregistry/pkg/registry"
)

func file(w http.ResponseWriter, r *http.Request) {
	path := filepath.Join("/files", filepath.Clean("/"+r.URL.Path))
	// Asked for its head only, even a file that breaks off is there.
	if mark, err := os.Stat(path + ".cut"); r.Method == http.MethodHead || err != nil || mark.Size() == 0 {
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

// byHost answers for many publishers: what is asked of a host lies under its name.
func byHost(images http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if name, ok := strings.CutPrefix(r.URL.Path, "/v2/"); ok {
			// Docker Hub's images are named by one host and served by another.
			if host == "registry-1.docker.io" {
				host = "docker.io"
			}
			if name != "" {
				r.URL.Path = "/v2/" + host + "/" + name
			}
			log.Print(r.Method, " ", r.URL.Path)
			images.ServeHTTP(w, r)
			return
		}
		r.URL.Path = "/" + host + r.URL.Path
		log.Print(r.Method, " ", r.URL.Path)
		file(w, r)
	})
}

func serve(hosts []string) error {
	if err := os.MkdirAll("/blobs", 0o755); err != nil {
		return err
	}
	images := registry.New(registry.WithBlobHandler(registry.NewDiskBlobHandler("/blobs")), registry.Logger(log.New(io.Discard, "", 0)))
	failed := make(chan error)
	listen := func(address string, serve func(net.Listener) error) error {
		listener, err := net.Listen("tcp", address)
		if err == nil {
			go func() { failed <- serve(listener) }()
		}
		return err
	}
	if err := listen(":5000", func(l net.Listener) error { return http.Serve(l, images) }); err != nil {
		return err
	}
	if err := listen(":8080", func(l net.Listener) error { return http.Serve(l, http.HandlerFunc(file)) }); err != nil {
		return err
	}
	if len(hosts) > 0 {
		config, err := tlsFor(hosts)
		if err != nil {
			return err
		}
		server := &http.Server{Handler: byHost(images), TLSConfig: config}
		if err := listen(":8443", func(l net.Listener) error { return server.ServeTLS(l, "", "") }); err != nil {
			return err
		}
	}
	log.Print("publishing")
	return <-failed
}

func main() {
	arguments := os.Args[1:]
	err := func() error {
		switch {
		case len(arguments) == 1 && arguments[0] == "authority":
			text, err := os.ReadFile(authorityFile)
			if err == nil {
				_, err = os.Stdout.Write(text)
			}
			return err
		case len(arguments) == 2 && arguments[0] == "index":
			digest, err := publishIndex("127.0.0.1:5000/" + arguments[1])
			if err == nil {
				fmt.Println(digest)
			}
			return err
		default:
			return serve(arguments)
		}
	}()
	if err != nil {
		log.Fatal(err)
	}
}
