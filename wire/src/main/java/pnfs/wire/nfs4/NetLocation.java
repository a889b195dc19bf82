package pnfs.wire.nfs4;

/// `netloc4`, RFC 7862 §4.6: where a server is.
public sealed interface NetLocation {
    record Name(String name) implements NetLocation {}

    record Url(String url) implements NetLocation {}

    record Address(String netid, String address) implements NetLocation {}
}
