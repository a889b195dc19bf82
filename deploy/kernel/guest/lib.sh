# What scenarios share; sourced by each. Lines that begin with @@ are for the program that started the guest.
# SLOWER is how many times as long all takes here; NFS_PORT is the metadata server's port; TARGETS are the data servers, one `PORT,IQN,WWN` a word, in their order.
host=10.0.2.2
mnt=/mnt/pnfs

uptime_now() { cut -d ' ' -f 1 /proc/uptime; }
step() { printf '%8s  %s\n' "$(uptime_now)" "$*"; }
fail() { printf '@@fail %s\n' "$*"; exit 1; }
measured() { printf '@@measured %s %s\n' "$1" "$2"; }      # measured NAME VALUE-WITH-UNIT
host_does() { printf '@@host %s\n' "$*"; }                 # kill dsN, start mds, freeze first, thaw first

# within SECONDS COMMAND...: until it succeeds. An emulated machine has longer.
within() {
  local tries=$(($1 * 5 * ${SLOWER:-1}))
  shift
  until "$@" >/dev/null 2>&1; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || return 1
    sleep 0.2
  done
}

# meet_at NAME: two guests, $me and $other, wait for each other; both have mounted /mnt/meeting.
meet_at() {
  touch "/mnt/meeting/.$1.$me"
  within 120 test -e "/mnt/meeting/.$1.$other" || fail "$other did not come to '$1'"
}

# --- disks

# Targets answer discovery with the address they are bound to, 127.0.0.1, which is another machine here: records are
# made by hand.
log_in() {
  local target port iqn wwn
  for module in iscsi_tcp sd_mod sg; do modprobe -q $module; done
  echo "InitiatorName=iqn.2026-01.pnfs.guest:$(hostname)" >/etc/iscsi/initiatorname.iscsi
  mkdir -p /run/lock/iscsi
  pidof iscsid >/dev/null || iscsid
  for target in $TARGETS; do
    IFS=, read -r port iqn wwn <<<"$target"
    iscsiadm -m node -o new -T "$iqn" -p "$host:$port,1" >/dev/null || fail "no node record for $iqn"
    # Five seconds without an answer to a ping end a connection, which a busy machine with an emulated guest needs.
    iscsiadm -m node -T "$iqn" -o update -n 'node.conn[0].timeo.noop_out_timeout' -v 60
    iscsiadm -m node -T "$iqn" -p "$host:$port" --login >/dev/null || fail "iSCSI login to $iqn at port $port"
    within 20 test -e "/dev/disk/by-id/wwn-0x$wwn" || fail "udev made no link wwn-0x$wwn for the unit of $iqn"
  done
  step "logged in to $(echo $TARGETS | wc -w) targets"
}

log_out() {
  iscsiadm -m node --logoutall=all >/dev/null || fail 'iSCSI logout'
}

# --- the mount

# mount_pnfs VERSION [OPTIONS [PLACE]]
mount_pnfs() {
  local place=${3:-$mnt}
  modprobe -q nfsv4
  mkdir -p "$place"
  mount -t nfs4 -o "vers=$1,port=$NFS_PORT${2:+,$2}" $host:/ "$place" || fail "mount -o vers=$1${2:+,$2}"
  step "mounted vers=$1${2:+,$2} at $place"
}

unmount() {
  cp /proc/self/mountstats "/job/out/mountstats.$(date +%s)"
  umount "${1:-$mnt}" || fail "umount ${1:-$mnt}"
}

forget_cache() {
  sync
  echo 3 >/proc/sys/vm/drop_caches
}

# count OPERATION [PLACE]: how often the mount sent it.
count() {
  awk -v place="${2:-$mnt}" -v op="$1:" '$1 == "device" {here = $5 == place} here && $1 == op {print $2; found = 1; exit}
    END {if (!found) print 0}' /proc/self/mountstats
}

# bytes KIND [PLACE]: normal-read normal-write direct-read direct-write server-read server-write, as the client counts.
bytes() {
  awk -v place="${2:-$mnt}" -v kind="$1" '
    BEGIN {field["normal-read"] = 2; field["normal-write"] = 3; field["direct-read"] = 4; field["direct-write"] = 5
           field["server-read"] = 6; field["server-write"] = 7}
    $1 == "device" {here = $5 == place} here && $1 == "bytes:" {print $field[kind]; exit}' /proc/self/mountstats
}

operations() {
  awk -v place="${1:-$mnt}" '$1 == "device" {here = $5 == place} here && $1 ~ /^[A-Z_]+:$/ && $2 > 0 {printf "%s%s ", $1, $2}
    END {print ""}' /proc/self/mountstats
}

# What the mount uses, as it says itself: LAYOUT_SCSI, LAYOUT_BLOCK_VOLUME, not configured.
layout_type() {
  awk -v place="${1:-$mnt}" '$1 == "device" {here = $5 == place} here && match($0, /pnfs=[^,]*/) {print substr($0, RSTART + 5, RLENGTH - 5); exit}' \
    /proc/self/mountstats
}

# mean_ms OPERATION [PLACE]: mean time from sending to answer.
mean_ms() {
  awk -v place="${2:-$mnt}" -v op="$1:" '$1 == "device" {here = $5 == place} here && $1 == op && $2 > 0 {printf "%.1f", $8 / $2; exit}' \
    /proc/self/mountstats
}

require_layouts() {
  [ "$(count LAYOUTGET "$@")" -gt 0 ] || fail "no LAYOUTGET was sent: $(operations "$@")"
}

# Nothing of what was read and written since the mount went through the metadata server.
require_direct() {
  require_layouts "$@"
  [ "$(count WRITE "$@")" = 0 ] || fail "$(count WRITE "$@") WRITEs went to the metadata server: $(operations "$@")"
}

# same FILE FILE, told with where they part.
same() {
  cmp "$1" "$2" || fail "$1 and $2 differ"
}

# For plain block layouts a daemon tells the kernel which disk carries a signature.
start_blkmapd() {
  modprobe -q blocklayoutdriver
  mkdir -p /run/rpc_pipefs
  mount -t rpc_pipefs rpc_pipefs /run/rpc_pipefs || fail 'rpc_pipefs'
  blkmapd || fail 'blkmapd'
  step "blkmapd runs as $(pidof blkmapd)"
}
