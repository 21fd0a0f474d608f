#!/usr/bin/env bash
# skopeo, podman, buildah, crane, regctl and the library of oras over servers on each runtime. Says what it skips. podman
# and buildah, which push with the library of skopeo, over one of them; all on all: tests/oci/clients --runtimes bun,deno,node
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/support/runs.sh
run tests/oci/clients --runtimes bun
run tests/oci/clients --runtimes deno,node --clients skopeo,crane,regctl,oras,oras-go
finish
