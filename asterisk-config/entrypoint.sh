#!/bin/sh
# Writes the configuration with the values of PBX_*, makes what is missing, becomes Asterisk.
set -eu

: "${PBX_ASTERISK_DIR:=/srv/pbx}" "${PBX_CONFIG_SOURCE:=/usr/share/pbx-x}"
: "${PBX_TLS_CERT:=$PBX_ASTERISK_DIR/tls/cert.pem}" "${PBX_TLS_KEY:=$PBX_ASTERISK_DIR/tls/key.pem}"
export PBX_ASTERISK_DIR PBX_TLS_CERT PBX_TLS_KEY

umask 077
cd "$PBX_ASTERISK_DIR"
mkdir -p etc log run var/cache var/lib/agi-bin var/lib/keys spool/monitor spool/outgoing \
    spool/recording spool/system spool/tmp

# Asterisk's own ${...} must survive, so only the names that are set are replaced
# shellcheck disable=SC2016
names=$(env | sed -n 's/^\(PBX_[A-Z0-9_]*\)=.*/${\1}/p' | tr '\n' ' ')
for file in "$PBX_CONFIG_SOURCE"/*.conf; do
    envsubst "$names" <"$file" >"etc/$(basename "$file")"
done
# shellcheck disable=SC2016
if grep -n '\${PBX_[A-Z0-9_]*}' etc/*.conf; then
    echo "these lines ask for values that the environment does not have" >&2
    exit 1
fi

if [ ! -e "$PBX_TLS_CERT" ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 825 \
        -subj "/CN=$(hostname)" -addext "subjectAltName=DNS:$(hostname),DNS:localhost" \
        -keyout "$PBX_TLS_KEY" -out "$PBX_TLS_CERT"
fi

# each hour, until the process that becomes Asterisk has ended (timeout's 124: it has not)
clean_cache() {
    exec >log/clean-cache 2>&1
    while true; do
        ended=0
        timeout 3600 tail --pid=$$ -f /dev/null || ended=$?
        [ "$ended" -eq 124 ] || return 0
        clean-cache.sh || true # the log has why
    done
}
clean_cache &

exec asterisk -f -n -C "$PBX_ASTERISK_DIR/etc/asterisk.conf"
