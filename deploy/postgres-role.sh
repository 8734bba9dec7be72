#!/bin/sh
# Run once by the image of PostgreSQL, when it has made its data: Ontem's role, which is not a
# superuser, its database, and the role of the service, which owns nothing.
set -eu
secret() { # of a file, or an end: a missing or empty one would make a role without a password
    value=$(cat "$1") || return
    [ -n "$value" ] || { echo "$1 is empty: remove the volumes and begin again" >&2; return 1; }
    printf %s "$value"
}
password=$(secret "$ONTEM_POSTGRES_PASSWORD_FILE")
service_password=$(secret "$ONTEM_SERVICE_PASSWORD_FILE")
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --set=password="$password" \
    --set=service_password="$service_password" --set=service_role="$ONTEM_SERVICE_ROLE_FILE" \
    --username="$POSTGRES_USER" --dbname=postgres <<'SQL'
CREATE ROLE ontem LOGIN CREATEDB PASSWORD :'password' IN ROLE pg_monitor, pg_signal_backend;
\i :service_role
CREATE DATABASE ontem OWNER ontem;
SQL
