#!/usr/bin/env bash
# `npm run build` makes one file. It has to work on a machine without Bun, Node and node_modules: it is copied elsewhere and
# run with an empty PATH. Last line: `N passed, N failed`.
set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
. "$root/tests/support/checks.sh"

work=$(mktemp -d)
server=
cleanup() {
  if [ -n "$server" ]; then kill -KILL "$server" 2>/dev/null; fi
  rm -rf "$work"
}
trap cleanup EXIT
cd "$root" || exit 1

mkdir "$work/bin" "$work/home"
check 'npm run build makes it' npm run build --silent -- --outfile "$work/bin/artifactstore"
check 'and nothing beside it' test "$(ls "$work/bin")" = artifactstore
# What it unpacks at run time goes where temporary files go.
alone() { (cd "$work/home" && env -i PATH= HOME="$work/home" TMPDIR="$work/home" "$work/bin/artifactstore" "$@"); }

number=$(node -p 'require("./package.json").version')
commit=$(git describe --always --dirty --abbrev=12 '--exclude=*')
check '--version knows number and commit' test "$(alone --version)" = "artifactstore $number ($commit)"
check 'version says it runs on Bun' bash -c '[[ $1 == *"\"name\":\"bun\""* ]]' _ "$(alone version --json)"

check 'ingest' alone ingest "$root/core" --name core --version 1 --retention-class release-evidence
check 'data lies in the working directory' test -f "$work/home/data/artifact-store.db"
check 'verify' alone verify core@1
check 'fetch' alone fetch core@1 out
check 'byte for byte' diff -r "$root/core" "$work/home/out"
mkdir "$work/home/many" && (cd "$work/home/many" && for i in $(seq 6000); do : >"entry-$i"; done)
check 'ingest of many files' alone ingest many --name many --version 1 --retention-class transient
# Above 1 MiB a worker makes the JSON, which has to be inside the file too.
json_of_many() { [ "$(alone manifest many@1 | grep -o '"kind":"file"' | wc -l)" = 6000 ]; }
check 'its manifest as JSON' json_of_many
check 'events verify' alone events verify
check 'replay --check' alone replay --check
check 'doctor' alone doctor
check 'health, with the native kernel' bash -c '[[ $1 == *"hashing   native"* ]]' _ "$(alone health)"
check 'an unknown option ends with 2' test "$(alone ls --bogus 2>/dev/null; echo $?)" = 2

(cd "$work/home" && exec env -i PATH= HOME="$work/home" TMPDIR="$work/home" ARTIFACTSTORE_LISTEN=127.0.0.1:0 "$work/bin/artifactstore" serve) >"$work/log" 2>&1 &
server=$!
url() { sed -nE 's/.* listens on (http[^ ]+)$/\1/p' "$work/log"; }
until [ -n "$(url)" ] || ! kill -0 "$server" 2>/dev/null; do sleep 0.1; done
check 'serve says where it listens' test -n "$(url)"
check 'GET /health answers 200' test "$(curl -s -o "$work/health" -w '%{http_code}' "$(url)/health")" = 200
check 'with the commit' grep -q "\"commit\":\"$commit\"" "$work/health"
check 'ingest beside the server' alone ingest "$root/cli" --name cli --retention-class working
kill -TERM "$server"
ended() { wait "$server"; }
check 'SIGTERM ends it well' ended
server=
check 'and the database is closed' test ! -e "$work/home/data/artifact-store.db-wal"

postgres() {
  "$root/node_modules/.bin/bun" "$root/tests/slow/with_postgres.ts" \
    env -i PATH= HOME="$work/home" TMPDIR="$work/home" "$work/bin/artifactstore" "$@"
}
check 'PostgreSQL' postgres ingest "$root/server" --name server --retention-class working
finish
