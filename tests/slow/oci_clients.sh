#!/usr/bin/env bash
# skopeo, podman, buildah, crane, regctl and the library of oras over servers on each runtime. Says what it skips.
exec "$(dirname "${BASH_SOURCE[0]}")/../oci/clients" --runtimes bun,deno,node
