package pnfs.wire.nfs4;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import pnfs.wire.xdr.Opaque;

/// Attribute values that are structures. Immutable, components in wire order.
public sealed interface AttributeValue {
    /// `fsid4`: which file system.
    record Fsid(long major, long minor) implements AttributeValue {}

    /// `specdata4`: what a device special file names.
    record DeviceNumbers(int major, int minor) implements AttributeValue {}

    /// `settime4`: a time to set, or the server's own (empty).
    record SetTime(Optional<NfsTime> time) implements AttributeValue {
        public static final SetTime TO_SERVER_TIME = new SetTime(Optional.empty());

        public static SetTime to(NfsTime time) {
            return new SetTime(Optional.of(time));
        }
    }

    /// `nfsace4`, RFC 8881 §6.2.1: type 0 ALLOW, 1 DENY, 2 AUDIT, 3 ALARM.
    record Ace(int type, int flags, int mask, String who) implements AttributeValue {
        /// The entry of a delegation that lets nobody in without asking the server.
        public static final Ace NOBODY = new Ace(0, 0, 0, "");
    }

    /// `nfsacl41`: an ACL with flags.
    record FlaggedAcl(int flags, List<Ace> aces) implements AttributeValue {
        public FlaggedAcl {
            aces = List.copyOf(aces);
        }
    }

    /// `fs_locations4`, RFC 8881 §11.16.
    record FsLocations(List<String> root, List<Location> locations) implements AttributeValue {
        public FsLocations {
            root = List.copyOf(root);
            locations = List.copyOf(locations);
        }
    }

    /// `fs_location4`: servers that have a file system, and where in their namespace.
    record Location(List<String> servers, List<String> root) implements AttributeValue {
        public Location {
            servers = List.copyOf(servers);
            root = List.copyOf(root);
        }
    }

    /// `fs_locations_info4`, RFC 8881 §11.17. `validForSeconds` of -1: for ever.
    record FsLocationsInfo(int flags, int validForSeconds, List<String> root, List<LocationItem> items)
            implements AttributeValue {
        public FsLocationsInfo {
            root = List.copyOf(root);
            items = List.copyOf(items);
        }
    }

    /// `fs_locations_item4`.
    record LocationItem(List<LocationServer> servers, List<String> root) implements AttributeValue {
        public LocationItem {
            servers = List.copyOf(servers);
            root = List.copyOf(root);
        }
    }

    /// `fs_locations_server4`.
    record LocationServer(int currency, Opaque info, String server) implements AttributeValue {}

    /// `fs4_status`, RFC 8881 §11.18. `type`: 1 FIXED to 5 REFERRAL.
    record FsStatus(boolean absent, int type, String source, String current, int ageSeconds, NfsTime version)
            implements AttributeValue {}

    /// `change_policy4`.
    record ChangePolicy(long major, long minor) implements AttributeValue {}

    /// `layouthint4` and `layoutupdate4`: a body in the language of its layout type.
    record LayoutBody(LayoutType type, Opaque body) implements AttributeValue {}

    /// `threshold_item4`, RFC 7862 §12.2.1: I/O below all of these is better sent to the metadata server.
    record Threshold(LayoutType type, Bitmap hints, Opaque values) implements AttributeValue {}

    /// `retention_get4`.
    record Retention(long durationSeconds, Optional<NfsTime> begin) implements AttributeValue {}

    /// `retention_set4`.
    record SetRetention(boolean enable, OptionalLong durationSeconds) implements AttributeValue {}

    /// `mode_masked4`: the bits to set and which of them to look at.
    record MaskedMode(int value, int mask) implements AttributeValue {}

    /// `mode_umask4`, RFC 8275.
    record ModeUmask(int mode, int umask) implements AttributeValue {}

    /// `sec_label4`, RFC 7862 §12.2.4.
    record SecurityLabel(int labelFormat, int policy, Opaque label) implements AttributeValue {}

    /// `open_arguments4`: which values of OPEN's arguments a server knows.
    record OpenArguments(Bitmap shareAccess, Bitmap shareDeny, Bitmap shareWants, Bitmap claims, Bitmap createModes)
            implements AttributeValue {}
}
