# layouts.sh TYPE VERSION OPERATIONS: programs read and write through layouts, straight to the data servers' disks.
. ./lib.sh
. ./work.sh
type=$1 version=$2 operations=$(($3 / ${SLOWER:-1}))
size=$((16 / ${SLOWER:-1}))m

# All data went around the metadata server since the mount.
all_direct() { # all_direct WHAT
  [ "$(count WRITE)" = 0 ] || fail "$1: $(count WRITE) WRITEs to the metadata server"
  [ "$(count READ)" = 0 ] || fail "$1: $(count READ) READs from the metadata server"
}

log_in
if [ "$type" = LAYOUT_BLOCK_VOLUME ]; then start_blkmapd; fi
mount_pnfs "$version"
start_work
# Linux before 6.11 that meets a disk in two threads at once registers its key twice and takes it back once: every disk is
# first met by one thread.
for n in 1 2 3 4 5 6; do
  echo $n >"$there/met"
  sync "$there/met"
  rm "$there/met"
done

step 'dd 64 MiB, buffered and direct'
head -c 64M /dev/urandom >/tmp/content
dd if=/tmp/content of="$there/buffered" bs=1M conv=fsync status=none || fail 'dd buffered'
[ "$(layout_type)" = "$type" ] || fail "the mount uses '$(layout_type)', not $type"
dd if=/tmp/content of="$there/direct" bs=1M oflag=direct status=none || fail 'dd direct'
forget_cache
same /tmp/content "$there/buffered"
same /tmp/content "$there/direct"
require_direct
all_direct 'dd 64 MiB twice'
echo "@@moved $((128 << 20))"
measured LAYOUTGET "$(mean_ms LAYOUTGET) ms"
step "$(operations)"

unmount
begun=$(uptime_now)
mount_pnfs "$version"
head -c 1 "$there/direct" | cmp -n 1 - /tmp/content || fail 'the first byte'
measured mount-to-first-byte "$(python3 -c "print(round(($(uptime_now) - $begun) * 1000))") ms"
same /tmp/content "$there/buffered"
all_direct 'mounted again'
rm "$there/buffered" "$there/direct" /tmp/content
step 'mounted again: all is there'

fio_in_large_pieces $size
fio_in_small_pieces $size
all_direct 'fio'
uncommitted_in_holes
source_tree
storm_of_names
sizes_and_holes
features='direct mmap'
if [ "$version" != 4.1 ]; then
  fallocate_and_copy
  features+=' fallocate punch copy'
fi
random_operations "$operations" 1 $features
step "$(operations)"
rmdir "$there"
unmount
log_out
step 'done'
