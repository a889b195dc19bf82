package pnfs.wire.iscsi;

/// Functions of a Task Management Request and the responses to them (RFC 7143 §11.5, §11.6).
public final class TaskManagement {
    public static final int ABORT_TASK = 1;
    public static final int ABORT_TASK_SET = 2;
    public static final int CLEAR_ACA = 3;
    public static final int CLEAR_TASK_SET = 4;
    public static final int LOGICAL_UNIT_RESET = 5;
    public static final int TARGET_WARM_RESET = 6;
    public static final int TARGET_COLD_RESET = 7;
    public static final int TASK_REASSIGN = 8;

    public static final int COMPLETE = 0;
    public static final int NO_SUCH_TASK = 1;
    public static final int NO_SUCH_LUN = 2;
    public static final int STILL_ALLEGIANT = 3;
    public static final int NO_REASSIGNMENT = 4;
    public static final int NOT_SUPPORTED = 5;
    public static final int NOT_AUTHORIZED = 6;
    public static final int REJECTED = 255;

    private TaskManagement() {}
}
