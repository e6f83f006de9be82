package main

import (
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// publishIndex puts an index in the place of an image that was pushed: the image itself, one for another platform, and an attestation of each. That
// is what the real publishers' tags lead to, and what a daemon with an index-keeping store hands on without the parts that it never pulled.
func publishIndex(text string) (string, error) {
	reference, err := name.NewTag(text, name.Insecure)
	if err != nil {
		return "", err
	}
	image, err := remote.Image(reference)
	if err != nil {
		return "", err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return "", err
	}
	own := v1.Platform{OS: config.OS, Architecture: config.Architecture}
	foreign := v1.Platform{OS: "linux", Architecture: "arm64"}
	if own.Architecture == foreign.Architecture {
		foreign.Architecture = "amd64"
	}
	other, err := imageFor(foreign)
	if err != nil {
		return "", err
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, one := range []struct {
		image    v1.Image
		platform v1.Platform
	}{{image, own}, {other, foreign}} {
		digest, err := one.image.Digest()
		if err != nil {
			return "", err
		}
		attestation, err := attestationOf(digest)
		if err != nil {
			return "", err
		}
		index = mutate.AppendManifests(index,
			mutate.IndexAddendum{Add: one.image, Descriptor: v1.Descriptor{Platform: &one.platform}},
			mutate.IndexAddendum{Add: attestation, Descriptor: v1.Descriptor{
				Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"},
				Annotations: map[string]string{
					"vnd.docker.reference.type":   "attestation-manifest",
					"vnd.docker.reference.digest": digest.String(),
				},
			}})
	}
	if err := remote.WriteIndex(reference, index); err != nil {
		return "", err
	}
	digest, err := index.Digest()
	return digest.String(), err
}

// imageFor is an image of another platform, which nobody who pulls for this machine's platform ever reads.
func imageFor(platform v1.Platform) (v1.Image, error) {
	image, err := mutate.ConfigFile(ociImage(), &v1.ConfigFile{OS: platform.OS, Architecture: platform.Architecture, RootFS: v1.RootFS{Type: "layers"}})
	if err != nil {
		return nil, err
	}
	return mutate.AppendLayers(image, static.NewLayer([]byte("for "+platform.String()), types.OCIUncompressedLayer))
}

func attestationOf(digest v1.Hash) (v1.Image, error) {
	statement := `{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://slsa.dev/provenance/v0.2","subject":[{"digest":{"sha256":"` + digest.Hex + `"}}]}`
	return mutate.AppendLayers(ociImage(), static.NewLayer([]byte(statement), "application/vnd.in-toto+json"))
}

func ociImage() v1.Image {
	return mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
}
