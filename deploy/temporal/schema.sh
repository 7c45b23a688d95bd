#!/bin/sh
# Temporal's two databases, made or brought up to the schema of this version of admin-tools. Harmless when there is nothing to do.
set -eu
tool() { temporal-sql-tool --plugin postgres12 --endpoint "$POSTGRES_SEEDS" --port 5432 --user "$POSTGRES_USER" --password "$POSTGRES_PWD" --database "$@"; }

# A database that is just being started again was healthy a moment ago.
tries=60
until tool temporal create; do
  tries=$((tries - 1))
  [ "$tries" -gt 0 ] || exit 1
  sleep 1
done
for pair in temporal:temporal temporal_visibility:visibility; do
  database=${pair%:*}
  tool "$database" create
  tool "$database" setup-schema --version 0.0
  tool "$database" update-schema --schema-dir "/etc/temporal/schema/postgresql/v12/${pair#*:}/versioned"
done
