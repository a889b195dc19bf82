# two-clients.sh ME OTHER: two machines in one directory, one of them called first.
. ./lib.sh
. ./work.sh
me=$1 other=$2

log_in
mount_pnfs 4.2 noac,lookupcache=none /mnt/meeting
mount_pnfs 4.2 acdirmin=1,acdirmax=1,acregmin=1,acregmax=1
mkdir -p "$there/files"
meet_at 'the beginning'

if [ "$me" = first ]; then
  head -c 32M /dev/urandom >/tmp/content
  dd if=/tmp/content of="$there/common" bs=1M conv=fsync status=none || fail 'the common file'
  sha256sum </tmp/content >"$there/common.sum"
fi
meet_at 'the common file'
reads=$(count READ)
[ "$(sha256sum <"$there/common")" = "$(cat "$there/common.sum")" ] || fail 'the common file reads different here'
echo 3 >/proc/sys/vm/drop_caches
[ "$(sha256sum <"$there/common")" = "$(cat "$there/common.sum")" ] || fail 'the common file reads different the second time'
step "read one file at once; $(($(count READ) - reads)) READs from the metadata server"
require_layouts
meet_at 'both have read'

for n in 1 2 3 4; do
  head -c 6M /dev/urandom >/tmp/content
  dd if=/tmp/content of="$there/files/$me.$n" bs=1M conv=fsync status=none || fail "file $n"
  sha256sum <"/tmp/content" >"$there/files/$me.$n.sum"
done
meet_at 'own files'
for n in 1 2 3 4; do
  [ "$(sha256sum <"$there/files/$other.$n")" = "$(cat "$there/files/$other.$n.sum")" ] || fail "$other's file $n reads different"
done
[ "$(count WRITE)" -lt 64 ] || fail "$(count WRITE) WRITEs went to the metadata server: $(operations)"
step 'wrote files side by side, and read each other'\''s'

mkdir -p "$there/many"
python3 - "$there/many" "$me" <<'PY' || fail 'ten thousand names'
import os, sys
for n in range(5000):
    os.close(os.open(f"{sys.argv[1]}/{sys.argv[2]}-{n:05}", os.O_CREAT | os.O_WRONLY))
PY
meet_at 'ten thousand names'
within 20 sh -c "[ \$(ls '$there/many' | wc -l) = 10000 ]" || fail "$(ls "$there/many" | wc -l) names instead of 10000"
[ "$(ls "$there/many" | sort -u | wc -l)" = 10000 ] || fail 'names come twice'
step 'listed 10000 names'
meet_at 'the listing'
step "$(operations)"
unmount
umount /mnt/meeting || fail 'umount /mnt/meeting'
log_out
