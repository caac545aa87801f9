#!/bin/sh
# Makes Asterisk forget audio that it has fetched and not played for long; it fetches it again.
# A message in a mailbox is kept for a day. An address of it is used once, so its line in
# Asterisk's memory and database must go too, which only Asterisk can do.
set -eu

: "${PBX_ASTERISK_DIR:=/srv/pbx}"
MESSAGE_DAYS=1
MEDIA_DAYS=30 # while the object store is away, what is here goes on playing
cd "$PBX_ASTERISK_DIR"

asterisk_does() {
    asterisk -C "$PBX_ASTERISK_DIR/etc/asterisk.conf" -rx "$1" </dev/null
}

# not -atime, which counts whole days; a file system without atime counts from the fetch
unused() {
    find "$1" -amin "+$(($2 * 1440))" -mmin "+$(($2 * 1440))"
}

asterisk_does 'media cache show all' | while read -r one; do
    case $one in
    http*) address=$one ;;
    /*)
        days=$MEDIA_DAYS
        case $address in */messages/*) days=$MESSAGE_DAYS ;; esac
        if [ ! -e "$one" ] || [ -n "$(unused "$one" "$days")" ]; then
            asterisk_does "media cache delete $address" >/dev/null
        fi
        ;;
    esac
done

# what a dying Asterisk left
find var/cache -name 'bucket-*' -amin +$((MEDIA_DAYS * 1440)) -mmin +$((MEDIA_DAYS * 1440)) -delete
