#!/bin/sh
# Writes the passwords docker-compose.yml needs into deploy/secrets, once; what is there already stays as it is.
set -eu
folder=$(dirname "$0")/secrets
mkdir -p "$folder"
chmod 700 "$folder"

keep() { # NAME VALUE: readable by the containers' users, who cannot list the folder they are taken from
    if [ ! -e "$folder/$1" ]; then
        printf '%s' "$2" >"$folder/$1"
        chmod 444 "$folder/$1"
    fi
}

random() {
    od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}

keep postgres_password "$(random)"
keep valkey_password "$(random)"
keep winnow_s3_access_key_id "$(random)"
keep winnow_s3_secret_access_key "$(random)"
keep winnow_database_url "postgresql://winnow:$(cat "$folder/postgres_password")@postgres:5432/winnow"
keep winnow_redis_url "redis://:$(cat "$folder/valkey_password")@valkey:6379/0"
echo "secrets are in $folder"
