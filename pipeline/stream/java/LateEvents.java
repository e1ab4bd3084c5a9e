package floodmark.pipeline;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.util.Collector;

/**
 * Marks late events by {@link LateRule}, from the order of each partition alone, so that a replay after a restart
 * decides the same.
 *
 * <p>Flink's own watermark would not do. It starts from nothing after a restart, while the windows remember that they
 * have closed: for a moment every late event would pass for one on time, and the windows would drop it in silence.
 * Here an event on time belongs to a window that the watermark cannot have closed, because the watermark is never
 * ahead of the clock of any partition that is not idle.
 */
final class LateEvents extends ProcessFunction<RowData, RowData> implements CheckpointedFunction {
    private static final long serialVersionUID = 1L;

    private final LateRule rule;
    /** Where to put the verdict; negative when the query does not ask for it. */
    private final int lateColumn;

    private transient Map<Integer, Long> newestByPartition;
    private transient ListState<Tuple2<Integer, Long>> newestState;

    LateEvents(LateRule rule, int lateColumn) {
        this.rule = rule;
        this.lateColumn = lateColumn;
    }

    @Override
    public void processElement(RowData decoded, Context context, Collector<RowData> out) {
        GenericRowData from = (GenericRowData) decoded;
        GenericRowData row = new GenericRowData(from.getArity() - 1);
        for (int i = 0; i < row.getArity(); i++) {
            row.setField(i, from.getField(i));
        }
        int partition = EventDecoder.partitionOf(from);
        if (partition >= 0 && isLate(partition, context.timestamp()) && lateColumn >= 0) {
            row.setField(lateColumn, true);
        }
        out.collect(row);
    }

    private boolean isLate(int partition, long eventTimeMs) {
        Long newestMs = newestByPartition.get(partition);
        if (newestMs == null || eventTimeMs > newestMs) {
            newestByPartition.put(partition, eventTimeMs);
            return false;
        }
        return rule.isLate(eventTimeMs, newestMs);
    }

    @Override
    public void snapshotState(FunctionSnapshotContext context) throws Exception {
        List<Tuple2<Integer, Long>> newest = new ArrayList<>();
        newestByPartition.forEach((partition, eventTimeMs) -> newest.add(Tuple2.of(partition, eventTimeMs)));
        newestState.update(newest);
    }

    /** Every subtask restores every partition, since partitions may have moved between subtasks. */
    @Override
    public void initializeState(FunctionInitializationContext context) throws Exception {
        newestState =
                context.getOperatorStateStore()
                        .getUnionListState(
                                new ListStateDescriptor<>(
                                        "newest-event-time", Types.TUPLE(Types.INT, Types.LONG)));
        newestByPartition = new HashMap<>();
        for (Tuple2<Integer, Long> entry : newestState.get()) {
            newestByPartition.merge(entry.f0, entry.f1, Math::max);
        }
    }
}
