#!/usr/bin/env bash
# Behind Debian's nginx, set up as docs/operator.md says (its configuration is read from that page): 1 GiB up and down,
# whole, and the client's own address in the log. Last line: `N passed, N failed`.
set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
. "$root/tests/support/checks.sh"
PATH=$PATH:/usr/sbin
for tool in nginx openssl curl; do
  if ! command -v "$tool" >/dev/null; then
    echo "skipped: no $tool here (apt-get install nginx-light openssl curl)"
    check 'nginx: skipped, see above' true
    finish
    exit
  fi
done

work=$(mktemp -d)
chmod 755 "$work"
server=
nginx=
cleanup() {
  for pid in $server $nginx; do kill -KILL "$pid" 2>/dev/null; done
  rm -rf "$work"
}
trap cleanup EXIT
cd "$root" || exit 1
bun=node_modules/.bin/bun
free_port() { "$bun" -e 'const s = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } }); console.log(s.port); s.stop(true)'; }
front=$(free_port)

"$bun" cli/main.ts serve --listen 127.0.0.1:0 --data-dir "$work/data" --set log.format=json \
  "server.public_url=https://localhost:$front" server.trust_proxy=127.0.0.1 >"$work/out" 2>"$work/log" &
server=$!
for _ in $(seq 100); do grep -q 'listens on' "$work/out" && break; sleep 0.1; done
back=$(sed -n 's/.* listens on http:\/\///p' "$work/out")

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
  -addext subjectAltName=DNS:localhost -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
{
  # In the foreground, and nothing outside its directory.
  printf 'daemon off;\nmaster_process off;\npid %s/pid;\nerror_log %s/error.log;\nevents {}\nhttp {\naccess_log off;\n' "$work" "$work"
  for kind in client_body proxy fastcgi uwsgi scgi; do printf '%s_temp_path %s/%s;\n' "$kind" "$work" "$kind"; done
  sed -n '/^```nginx$/,/^```$/p' docs/operator.md | grep -v '^```' |
    sed -e "s#listen 443 ssl#listen 127.0.0.1:$front ssl#" -e "s#artifacts.example.org#localhost#" \
      -e "s#/etc/ssl/artifacts/fullchain.pem#$work/cert.pem#" -e "s#/etc/ssl/artifacts/privkey.pem#$work/key.pem#" \
      -e "s#127.0.0.1:8000#$back#" -e "s#\$host;#\$host:$front;#"
  printf '}\n'
} >"$work/nginx.conf"
nginx -p "$work" -c "$work/nginx.conf" 2>"$work/nginx.out" &
nginx=$!
url=https://localhost:$front
ask() { curl --silent --show-error --fail --cacert "$work/cert.pem" --max-time 300 "$@"; }
for _ in $(seq 100); do ask "$url/ready" >/dev/null 2>&1 && break; sleep 0.1; done

check 'the server is ready behind nginx' ask --output "$work/ready" "$url/ready"
ask --dump-header "$work/head" --json '{"name":"demo","retention_class":"working"}' "$url/packages" >"$work/made"
id=$(sed 's/.*"package_id":"\([^"]*\)".*/\1/' "$work/made")
check 'Location is what clients know the server by' grep -qi "^location: $url/packages/$id" "$work/head"
head -c 1073741824 /dev/urandom >"$work/big"
check '1 GiB goes up' ask --upload-file "$work/big" --output "$work/answer" "$url/packages/$id/files/big"
check '1 GiB comes down' ask --output "$work/back" --dump-header "$work/head" "$url/packages/$id/files/big"
check 'and is the same' cmp "$work/big" "$work/back"
check 'with its Content-Length' grep -qi '^content-length: 1073741824' "$work/head"
check 'HSTS is said' grep -qi '^strict-transport-security: ' "$work/head"
rm "$work/back"
# From an address that is no proxy of ours.
ask --header 'X-Forwarded-For: 203.0.113.9' --interface 127.0.0.2 --output "$work/page" "$url/packages"
sleep 0.2
check 'the log has the address that nginx saw, not the one that the client claims' grep -q '"ip":"127.0.0.2"' "$work/log"
check 'and never the claimed one' bash -c '! grep -q 203.0.113.9 "$1"' _ "$work/log"
check 'a page elsewhere may not write' bash -c '[ "$(curl -s -o /dev/null -w "%{http_code}" --cacert "$1" -X POST -H "Origin: https://evil.example" "$2/packages")" = 403 ]' _ "$work/cert.pem" "$url"
check 'our own page may' bash -c '[ "$(curl -s -o /dev/null -w "%{http_code}" --cacert "$1" --json "{\"name\":\"demo\",\"retention_class\":\"working\"}" -H "Origin: $2" "$2/packages")" = 201 ]' _ "$work/cert.pem" "$url"
kill -TERM "$server"
wait "$server"
check 'the server ends well' test $? -eq 0
server=
# Waited for: bash tells of a killed child after everything else, and the count has to be the last line.
kill -TERM "$nginx" 2>/dev/null
wait "$nginx" 2>/dev/null
nginx=
finish
