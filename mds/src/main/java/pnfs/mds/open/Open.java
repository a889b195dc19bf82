package pnfs.mds.open;

import org.jspecify.annotations.Nullable;
import pnfs.mds.attribute.Caller;
import pnfs.mds.attribute.Content;
import pnfs.mds.attribute.FileAttributes;
import pnfs.mds.attribute.FileChange;
import pnfs.mds.attribute.FileSpace;
import pnfs.mds.attribute.Inode;
import pnfs.mds.attribute.Inodes;
import pnfs.mds.attribute.Rights;
import pnfs.mds.attribute.SetAttributes;
import pnfs.mds.compound.CompoundState;
import pnfs.mds.compound.FileHandle;
import pnfs.mds.compound.FileLocks;
import pnfs.mds.compound.Operation;
import pnfs.mds.namespace.Namespace;
import pnfs.mds.namespace.Place;
import pnfs.mds.session.Clients;
import pnfs.wire.nfs4.Attribute;
import pnfs.wire.nfs4.Bitmap;
import pnfs.wire.nfs4.ChangeInfo;
import pnfs.wire.nfs4.DelegationType;
import pnfs.wire.nfs4.Fattr;
import pnfs.wire.nfs4.NfsException;
import pnfs.wire.nfs4.NfsStatus;
import pnfs.wire.nfs4.OpArgs.OpenArgs;
import pnfs.wire.nfs4.OpResult;
import pnfs.wire.nfs4.OpResult.OpenResult;
import pnfs.wire.nfs4.OpenClaim;
import pnfs.wire.nfs4.OpenDelegation;
import pnfs.wire.nfs4.OpenHow;
import pnfs.wire.nfs4.OpenResultFlags;
import pnfs.wire.nfs4.ShareBits;
import pnfs.wire.nfs4.Stateid;

/// OPEN, RFC 8881 §18.16: opens a file by name or handle, and makes it where that is asked for.
final class Open implements Operation<OpenArgs> {
    private static final int KNOWN_ACCESS = ShareBits.BOTH
            | ShareBits.WANT_MASK
            | ShareBits.SIGNAL_WHEN_AVAILABLE
            | ShareBits.PUSH_WHEN_UNCONTENDED
            | ShareBits.WANT_DELEG_TIMESTAMPS
            | ShareBits.WANT_OPEN_XOR_DELEG;
    private static final int HOLDERS_LET_GO = 8;
    private static final int FLAGS =
            OpenResultFlags.LOCKTYPE_POSIX | OpenResultFlags.PRESERVE_UNLINKED | OpenResultFlags.MAY_NOTIFY_LOCK;

    private final Inodes inodes;
    private final FileLocks locks;
    private final FileAttributes attributes;
    private final FileSpace space;
    private final Namespace namespace;
    private final OpenFiles opens;
    private final Clients clients;

    Open(
            Inodes inodes,
            FileLocks locks,
            FileAttributes attributes,
            FileSpace space,
            Namespace namespace,
            OpenFiles opens,
            Clients clients) {
        this.inodes = inodes;
        this.locks = locks;
        this.attributes = attributes;
        this.space = space;
        this.namespace = namespace;
        this.opens = opens;
        this.clients = clients;
    }

    /// Who opens, and for what.
    private record Request(OpenOwner owner, int access, int deny, int want) {}

    @Override
    public OpResult run(OpenArgs args, CompoundState state) {
        Request request = request(args, state);
        if ((request.access & ShareBits.WRITE) != 0) {
            state.requireWritable();
        }
        for (int i = 0; i < HOLDERS_LET_GO; i++) {
            try {
                return open(request, args, state);
            } catch (ShareDeniedException denied) {
                // A client whose lease is over keeps nobody from a file.
                if (!clients.releaseIfLapsed(denied.holder(), state.nowNanos())) {
                    throw denied;
                }
            }
        }
        throw new NfsException(NfsStatus.DELAY, "many clients that fell silent are in the way");
    }

    private OpResult open(Request request, OpenArgs args, CompoundState state) {
        return switch (args.claim()) {
            case OpenClaim.ByName(var name) -> {
                clients.grace().requireOver(state);
                yield openByName(request, args.how(), name, state);
            }
            case OpenClaim.ByHandle _ -> {
                clients.grace().requireOver(state);
                requireNoCreate(args);
                yield openByHandle(request, state);
            }
            case OpenClaim.Previous(var delegation) -> {
                clients.grace().requireReclaim(state);
                requireNoCreate(args);
                yield reclaim(request, delegation, state);
            }
            case OpenClaim.DelegateCurrent(var delegation, var name) -> {
                clients.grace().requireOver(state);
                requireNoCreate(args);
                yield openDelegatedByName(request, delegation, name, state);
            }
            case OpenClaim.DelegateCurrentByHandle(var delegation) -> {
                clients.grace().requireOver(state);
                requireNoCreate(args);
                yield openDelegated(request, delegation, state);
            }
            case OpenClaim.DelegatePrevious _, OpenClaim.DelegatePreviousByHandle _ ->
                throw new NfsException(NfsStatus.NOTSUPP, "delegations do not outlive their client");
        };
    }

    private static Request request(OpenArgs args, CompoundState state) {
        int access = args.shareAccess() & ShareBits.BOTH;
        boolean knownBits = (args.shareAccess() & ~KNOWN_ACCESS) == 0 && (args.shareDeny() & ~ShareBits.BOTH) == 0;
        if (access == 0 || !knownBits) {
            throw new NfsException(
                    NfsStatus.INVAL,
                    "share access " + Integer.toHexString(args.shareAccess()) + ", deny "
                            + Integer.toHexString(args.shareDeny()));
        }
        var owner = new OpenOwner(state.clientId(), args.owner().owner());
        return new Request(owner, access, args.shareDeny(), want(args.shareAccess() & ShareBits.WANT_MASK));
    }

    private static int want(int want) {
        if (want > ShareBits.WANT_CANCEL) {
            throw new NfsException(NfsStatus.INVAL, "want " + Integer.toHexString(want));
        }
        return want;
    }

    private OpResult openByName(Request request, OpenHow how, String name, CompoundState state) {
        FileHandle parent = state.currentFile();
        Wish wish = wish(how, state);
        FileHandle unborn = wish == null ? parent : namespace.newFile(parent);
        try (var hold = namespace.hold(state, unborn.inode(), new Place.Spot(parent, name))) {
            Place place = hold.place(0);
            if (wish != null && place.entry() == null) {
                return create(request, wish, place, unborn, state);
            }
            Inode file = Namespace.requireFile(place);
            var directory = new ChangeInfo(
                    true, place.directory().change(), place.directory().change());
            if (wish != null && !wish.takes(file)) {
                throw new NfsException(NfsStatus.EXIST, place.toString());
            }
            if (wish != null && wish.verifier() != null) {
                // The answer to this client's first try got lost; what it may do was settled when the file was made.
                return opened(request, file, directory, wish.attributes().names(), state);
            }
            requireMayOpen(request, file, state);
            if (wish != null && wish.truncates()) {
                return openTruncated(request, file, directory, state);
            }
            return opened(request, file, directory, Bitmap.EMPTY, state);
        }
    }

    private OpResult create(Request request, Wish wish, Place place, FileHandle unborn, CompoundState state) {
        FileChange change = inodes.change();
        var content = new Content.Regular(0, 0, wish.verifier());
        Namespace.Made made = namespace.make(change, place, unborn, content, wish.attributes(), state);
        Inode file = made.file();
        if (wish.attributes().hasSize() && wish.attributes().size() > 0) {
            long size = wish.attributes().size();
            change.put(file.written(
                    size, space.resize(change, file, size), file.times().modified(), state.now()));
        }
        return opened(change, request, file, made.directory(), wish.attributes().names(), state);
    }

    private OpResult openByHandle(Request request, CompoundState state) {
        FileHandle handle = state.currentFile();
        try (var _ = locks.lock(handle.inode())) {
            Inode file = inodes.require(handle, state);
            requireMayOpen(request, file, state);
            return opened(request, file, unrelated(file), Bitmap.EMPTY, state);
        }
    }

    /// What the client opened by itself, under a delegation that it is about to return, becomes an open of ours.
    private OpResult openDelegatedByName(Request request, Stateid delegation, String name, CompoundState state) {
        FileHandle parent = state.currentFile();
        try (var hold = namespace.hold(state, parent.inode(), new Place.Spot(parent, name))) {
            Place place = hold.place(0);
            Inode file = Namespace.requireFile(place);
            opens.delegating().requireHeld(delegation, file, request.access(), state);
            requireMayOpen(request, file, state);
            long change = place.directory().change();
            return opened(request, file, new ChangeInfo(true, change, change), Bitmap.EMPTY, state);
        }
    }

    private OpResult openDelegated(Request request, Stateid delegation, CompoundState state) {
        FileHandle handle = state.currentFile();
        try (var _ = locks.lock(handle.inode())) {
            Inode file = inodes.require(handle, state);
            opens.delegating().requireHeld(delegation, file, request.access(), state);
            requireMayOpen(request, file, state);
            return opened(request, file, unrelated(file), Bitmap.EMPTY, state);
        }
    }

    /// Permissions were checked when the file was opened first.
    private OpResult reclaim(Request request, DelegationType type, CompoundState state) {
        FileHandle handle = state.currentFile();
        try (var _ = locks.lock(handle.inode())) {
            Inode file = inodes.require(handle, state);
            file.regular();
            FileChange change = inodes.change();
            OpenState open = open(change, request, file, state);
            OpenDelegation delegation = opens.delegating().reclaim(change.batch(), file, type, state);
            opens.states().append(change, state);
            return new OpenResult(open.stateid(), unrelated(file), FLAGS, Bitmap.EMPTY, delegation);
        }
    }

    private OpResult opened(
            Request request, Inode file, ChangeInfo directory, Bitmap attributesSet, CompoundState state) {
        FileChange change = inodes.change();
        OpenResult result = add(change, request, file, directory, attributesSet, state);
        opens.states().append(change, state);
        return result;
    }

    /// The same with a `change` of the file itself.
    private OpResult opened(
            FileChange change,
            Request request,
            Inode file,
            ChangeInfo directory,
            Bitmap attributesSet,
            CompoundState state) {
        OpenResult result = add(change, request, file, directory, attributesSet, state);
        change.append(state);
        return result;
    }

    private OpenResult add(
            FileChange change,
            Request request,
            Inode file,
            ChangeInfo directory,
            Bitmap attributesSet,
            CompoundState state) {
        OpenState open = open(change, request, file, state);
        OpenDelegation delegation =
                opens.delegating().offer(change.batch(), file, request.access(), request.want(), state);
        return new OpenResult(open.stateid(), directory, FLAGS, attributesSet, delegation);
    }

    /// Whoever has a delegation may have the file open without our knowledge, for what the delegation lets it do.
    private OpenState open(FileChange change, Request request, Inode file, CompoundState state) {
        int excluded = request.deny() == 0 ? request.access() : request.access() | ShareBits.WRITE;
        opens.delegating().requireNone(file, excluded, state);
        OpenState open = opens.open(change.batch(), request.owner(), file.file(), request.access(), request.deny());
        state.setCurrentFile(file.file());
        state.setCurrentStateid(open.stateid());
        return open;
    }

    private OpResult openTruncated(Request request, Inode file, ChangeInfo directory, CompoundState state) {
        state.requireWritable();
        opens.requireShareable(request.owner(), file.file(), request.access() | ShareBits.WRITE, request.deny());
        file.requireAllowed(Caller.of(state), Rights.WRITE);
        opens.delegating().requireNone(file, ShareBits.WRITE, state);
        FileChange change = inodes.change();
        long spaceUsed = space.resize(change, file, 0);
        Inode empty = file.written(0, spaceUsed, state.now(), state.now());
        change.put(empty);
        return opened(change, request, empty, directory, Bitmap.of(Attribute.SIZE), state);
    }

    private static void requireMayOpen(Request request, Inode file, CompoundState state) {
        file.regular();
        Caller caller = Caller.of(state);
        if ((request.access() & ShareBits.READ) != 0 && !OpenFiles.mayRead(file, caller)) {
            file.requireAllowed(caller, Rights.READ);
        }
        // Who could only read should not be able to keep everybody else from reading.
        if ((request.access() & ShareBits.WRITE) != 0 || (request.deny() & ShareBits.READ) != 0) {
            file.requireAllowed(caller, Rights.WRITE);
        }
    }

    private static void requireNoCreate(OpenArgs args) {
        if (!(args.how() instanceof OpenHow.NoCreate)) {
            throw new NfsException(NfsStatus.INVAL, "a file named by handle cannot be made");
        }
    }

    /// Where no directory took part.
    private static ChangeInfo unrelated(Inode file) {
        return new ChangeInfo(false, file.change(), file.change());
    }

    /// How a file is to be made that is not there.
    ///
    /// @param mayExist whether one that is there is opened instead
    /// @param verifier of an exclusive create
    private record Wish(boolean mayExist, @Nullable Long verifier, SetAttributes attributes) {
        boolean takes(Inode file) {
            if (verifier != null) {
                return file.content() instanceof Content.Regular regular && verifier.equals(regular.verifier());
            }
            return mayExist;
        }

        boolean truncates() {
            return attributes.hasSize() && attributes.size() == 0;
        }
    }

    /// Null where nothing is to be made.
    private @Nullable Wish wish(OpenHow how, CompoundState state) {
        return switch (how) {
            case OpenHow.NoCreate _ -> null;
            case OpenHow.Unchecked(var wanted) ->
                new Wish(true, null, SetAttributes.forCreate(wanted, attributes, state));
            case OpenHow.Guarded(var wanted) ->
                new Wish(false, null, SetAttributes.forCreate(wanted, attributes, state));
            case OpenHow.Exclusive(long verifier) ->
                new Wish(false, verifier, SetAttributes.forExclusiveCreate(Fattr.EMPTY, attributes, state));
            case OpenHow.Exclusive41(long verifier, var wanted) ->
                new Wish(false, verifier, SetAttributes.forExclusiveCreate(wanted, attributes, state));
        };
    }
}
