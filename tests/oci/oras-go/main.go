// What `oras` does, over the library that it is made of: the program itself is not to be had as a module here.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/file"
	"oras.land/oras-go/v2/content/oci"
	"oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote"
)

const usage = `usage: oras <verb> <arguments>; <ref> is host:port/repository[:tag|@digest], <layout> is directory:tag
  push <layout> <ref>              attach <ref> <type> <file>       resolve <ref>
  pull <ref> <layout>              discover <ref> [type]            manifest <ref>
  copy <ref> <ref>                 read <ref> <type>                tags <ref>
  copy-all <ref> <ref>             delete <ref>                     restore <ref> <directory>`

var ctx = context.Background()

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// open gives the repository of a reference, over plain HTTP, and the tag or digest.
func open(ref string) (*remote.Repository, string, error) {
	repository, err := remote.NewRepository(ref)
	if err != nil {
		return nil, "", err
	}
	repository.PlainHTTP = true
	return repository, repository.Reference.Reference, nil
}

func layout(at string) (*oci.Store, string, error) {
	colon := strings.LastIndex(at, ":")
	if colon < 0 {
		return nil, "", fmt.Errorf("%s has no tag", at)
	}
	store, err := oci.New(at[:colon])
	return store, at[colon+1:], err
}

func run(verb string, args []string) error {
	need := map[string]int{"push": 2, "pull": 2, "copy": 2, "copy-all": 2, "attach": 3, "read": 2, "restore": 2}
	if len(args) < max(1, need[verb]) {
		return fmt.Errorf("%s", usage)
	}
	if verb == "push" {
		store, tag, err := layout(args[0])
		if err != nil {
			return err
		}
		return send(store, tag, args[1])
	}
	repository, reference, err := open(args[0])
	if err != nil {
		return err
	}
	switch verb {
	case "pull":
		store, tag, err := layout(args[1])
		if err != nil {
			return err
		}
		_, err = oras.Copy(ctx, repository, reference, store, tag, oras.DefaultCopyOptions)
		return err
	case "restore":
		// As `oras pull` does: files by their titles.
		files, err := file.New(args[1])
		if err != nil {
			return err
		}
		defer files.Close()
		_, err = oras.Copy(ctx, repository, reference, files, reference, oras.DefaultCopyOptions)
		return err
	case "copy":
		return send(repository, reference, args[1])
	case "copy-all":
		to, tag, err := open(args[1])
		if err != nil {
			return err
		}
		_, err = oras.ExtendedCopy(ctx, repository, reference, to, tag, oras.DefaultExtendedCopyOptions)
		return err
	case "attach":
		return attach(repository, reference, args[1], args[2])
	case "tags":
		return repository.Tags(ctx, "", func(tags []string) error {
			for _, tag := range tags {
				fmt.Println(tag)
			}
			return nil
		})
	}
	descriptor, err := repository.Resolve(ctx, reference)
	if err != nil {
		return err
	}
	switch verb {
	case "resolve":
		fmt.Println(descriptor.Digest)
		return nil
	case "manifest":
		return print(repository, descriptor)
	case "delete":
		return repository.Delete(ctx, descriptor)
	case "discover":
		found, err := registry.Referrers(ctx, repository, descriptor, strings.Join(args[1:], ""))
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(ocispec.Index{Manifests: found})
	case "read":
		return read(repository, descriptor, args[1])
	}
	return fmt.Errorf("%s", usage)
}

// send mounts what the other repository of a registry has, as `oras cp` does.
func send(from oras.ReadOnlyTarget, reference string, ref string) error {
	to, tag, err := open(ref)
	if err != nil {
		return err
	}
	options := oras.DefaultCopyOptions
	if source, remote := from.(*remote.Repository); remote {
		options.MountFrom = func(context.Context, ocispec.Descriptor) ([]string, error) {
			return []string{source.Reference.Repository}, nil
		}
	}
	_, err = oras.Copy(ctx, from, reference, to, tag, options)
	return err
}

func attach(repository *remote.Repository, reference string, artifactType string, path string) error {
	subject, err := repository.Resolve(ctx, reference)
	if err != nil {
		return err
	}
	store, err := file.New(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer store.Close()
	layer, err := store.Add(ctx, filepath.Base(path), artifactType, path)
	if err != nil {
		return err
	}
	packed, err := oras.PackManifest(ctx, store, oras.PackManifestVersion1_1, artifactType, oras.PackManifestOptions{
		Subject: &subject,
		Layers:  []ocispec.Descriptor{layer},
	})
	if err != nil {
		return err
	}
	return oras.CopyGraph(ctx, store, repository, packed, oras.DefaultCopyGraphOptions)
}

// read prints the layers of what refers to subject.
func read(repository *remote.Repository, subject ocispec.Descriptor, artifactType string) error {
	found, err := registry.Referrers(ctx, repository, subject, artifactType)
	if err != nil {
		return err
	}
	for _, referrer := range found {
		bytes, err := content.FetchAll(ctx, repository, referrer)
		if err != nil {
			return err
		}
		var manifest ocispec.Manifest
		if err := json.Unmarshal(bytes, &manifest); err != nil {
			return err
		}
		for _, layer := range manifest.Layers {
			if err := print(repository, layer); err != nil {
				return err
			}
		}
	}
	return nil
}

func print(repository *remote.Repository, descriptor ocispec.Descriptor) error {
	reader, err := repository.Fetch(ctx, descriptor)
	if err != nil {
		return err
	}
	defer reader.Close()
	_, err = io.Copy(os.Stdout, reader)
	return err
}
