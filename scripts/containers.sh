#!/usr/bin/env bash
# Builds the image and runs docker-compose.yml as docs/containers.md says it: the bundled example goes through the inbox, into a folder
# that somebody else owns, and is delivered to the demo's receiver. Each command has to end with 0, and nothing may be left. Needs a
# Docker engine with Compose. Not part of npm test: minutes, and images that most machines do not have; .github/workflows/ci.yml runs it.
#
#     scripts/containers.sh                 then the same with store and inbox in a bucket; `folder` or `bucket`: only one of them
#     ENGINE=podman COMPOSE=docker-compose scripts/containers.sh
set -euo pipefail

CHECKOUT=$(cd "$(dirname "$0")/.." && pwd)
read -ra ENGINE <<<"${ENGINE:-docker}"
read -ra COMPOSE <<<"${COMPOSE:-docker compose}"
export COMPOSE_PROJECT_NAME=wds-try
OWNER=4321
# Six ports of this machine from here on. The usual ones may be taken: by what is being tried, say.
PORT=$((20000 + RANDOM % 8000))

say() { printf 'containers: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
compose() { "${COMPOSE[@]}" "$@"; }
all() { compose --profile demo --profile observe "$@"; }

WORK=$(mktemp -d)
finish() {
  local code=$?
  [ "$code" = 0 ] || all logs --tail 40 >&2 || true
  all down --volumes >"$WORK/down.log" 2>&1 || { [ "$code" != 0 ] || code=1; cat "$WORK/down.log" >&2; }
  # What another owner has written, sudo may be needed for.
  cd / && { rm -rf "$WORK" 2>/dev/null || sudo rm -rf "$WORK"; }
  [ "$code" = 0 ] || say failed
  exit "$code"
}
# The working tree as it is, in a folder whose data may be thrown away.
mkdir "$WORK/wds"
(cd "$CHECKOUT" && git ls-files -z --cached --others --exclude-standard | tar -c --null --files-from=- --ignore-failed-read) | tar -x -C "$WORK/wds"
cd "$WORK/wds"
trap finish EXIT

within() { # within SECONDS COMMAND…
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    [ $SECONDS -lt $deadline ] || { compose ps; die "not within its time: $*"; }
    sleep 1
  done
}
# So many containers of these services are healthy.
healthy() {
  local ids
  ids=$("${ENGINE[@]}" ps --quiet --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" --filter health=healthy)
  [ "$(wc -w <<<"$ids")" -ge "$1" ]
}

say 'build'
compose build init

sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
# Of its 252 rows one is invalid and one a duplicate.
rows=250
accepted() { curl --silent "http://127.0.0.1:$((PORT + 3))/stats" | tr -d ' \n' | sed -E 's/^[^}]*"accepted":([0-9]+),"throttled".*/\1/'; }
delivered() { [ "$(accepted)" -ge "$rows" ]; }
# prepare VARIABLE=VALUE…: nothing is there but an empty ./data of somebody else, and .env.
prepare() {
  $sudo rm -rf data
  $sudo install -d -m 755 -o $OWNER -g $OWNER data
  printf '%s\n' WDS_URL=http://receiver:8080/ API_PORT=$PORT UI_PORT=$((PORT + 1)) TEMPORAL_PORT=$((PORT + 2)) \
    RECEIVER_PORT=$((PORT + 3)) PROMETHEUS_PORT=$((PORT + 4)) GRAFANA_PORT=$((PORT + 5)) "$@" >.env
}
# Each alert has arrived once.
arrived() {
  within 120 delivered
  compose exec -T api wds report alerts.csv || [ $? = 3 ]
  [ "$(accepted)" = "$rows" ] || die "$(accepted) alerts for $rows rows"
}

in_folders() {
  say 'stop and down, where there is nothing and no variable'
  compose stop
  compose down

  say 'up without an endpoint: it says what is missing, and starts nothing that needs one'
  ! compose up --detach >"$WORK/up.log" 2>&1 || die 'it came up without an endpoint'
  compose logs init | tee "$WORK/init.log" | grep -q 'No endpoint is configured' || { cat "$WORK/up.log" "$WORK/init.log"; die 'it does not say so'; }
  compose down --volumes

  say "up with the demo, ./data of user $OWNER"
  prepare
  all up --detach --scale worker-alerts=2 --scale worker-files=2
  # PostgreSQL, Temporal; watch, api, two of each worker, receiver.
  within 180 healthy 9
  curl --silent --show-error --fail --output /dev/null http://127.0.0.1:$((PORT + 1))/

  say 'the example'
  $sudo install -o $OWNER -g $OWNER -m 644 examples/alerts.csv data/inbox/.coming
  $sudo mv data/inbox/.coming data/inbox/alerts.csv
  arrived
  [ -z "$($sudo find data -not -uid $OWNER)" ] || { $sudo find data -not -uid $OWNER | head; die 'not all in ./data belongs to its owner'; }

  say 'what Prometheus and Grafana see of it'
  compose exec -T api node --input-type=module - $rows <scripts/check-observe.mjs

  say 'stop, and up again'
  compose stop
  all up --detach
  within 180 healthy 7

  say 'stop and down, without a variable'
  rm .env
  compose stop
  all down --volumes
}

in_a_bucket() {
  say 'up with store and inbox in a bucket'
  prepare COMPOSE_FILE=docker-compose.yml:docker-compose.s3.yml WDS_S3_ENDPOINT=http://bucket:7070 AWS_ACCESS_KEY_ID=wds AWS_SECRET_ACCESS_KEY=wds-secret
  compose --profile demo up --detach --scale worker-alerts=2 --scale worker-files=2
  within 180 healthy 9
  compose exec -T --workdir /wds api node --input-type=module -e '
  import { readFileSync } from "node:fs";
  import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
  const s3 = new S3Client({ endpoint: process.env.WDS_S3_ENDPOINT, forcePathStyle: true });
  await s3.send(new PutObjectCommand({ Bucket: "alerts", Key: "inbox/alerts.csv", Body: readFileSync("examples/alerts.csv") }));'
  arrived
  [ ! -e data/home/store ] || die 'the store is not in the bucket alone'
  compose stop
  compose --profile demo down --volumes
  rm .env
}

case ${1:-all} in
  all) in_folders; in_a_bucket ;;
  folder) in_folders ;;
  bucket) in_a_bucket ;;
  *) die "all, folder or bucket?" ;;
esac
say "done: $rows alerts, each once"
