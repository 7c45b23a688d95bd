#!/usr/bin/env bash
# Runs the alert rules of deploy/prometheus as Prometheus would, and has it read every query of the dashboard. Needs promtool: that of the PATH, or
# out of Debian's package `prometheus`, which is unpacked beside it and not installed. Where there is neither, it says that the rules were not run.
set -euo pipefail
cd "$(dirname "$0")/.."

unpacked=${XDG_CACHE_HOME:-$HOME/.cache}/wds/promtool
PATH=$PATH:$unpacked
if ! command -v promtool >/dev/null && command -v apt-get >/dev/null; then
  folder=$(mktemp -d)
  (
    cd "$folder"
    apt-get -qq download prometheus || { [ "$(id -u)" = 0 ] && apt-get -qq update && apt-get -qq download prometheus; }
    dpkg-deb -x prometheus_*.deb .
    mkdir -p "$unpacked" && mv usr/bin/promtool "$unpacked/"
  ) >/dev/null 2>&1 || true
  rm -rf "$folder"
fi
if ! command -v promtool >/dev/null; then
  echo "check-rules: there is no promtool here, nor Debian's package prometheus: the alert rules were NOT run"
  exit 0
fi

cd deploy/prometheus
promtool check rules wds.rules.yml
promtool test rules wds.rules.test.yml
queries=$(mktemp --suffix=.yml)
trap 'rm -f "$queries"' EXIT
node --input-type=module - ../grafana/wds.json > "$queries" <<'SCRIPT'
import { readFileSync } from 'node:fs';
const { panels } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr.replaceAll('$__rate_interval', '1m')));
const rules = queries.map((expr, at) => ({ record: `dashboard:${at}`, expr }));
console.log(JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
SCRIPT
promtool check rules "$queries" | sed "s|$queries|the dashboard's queries|"
