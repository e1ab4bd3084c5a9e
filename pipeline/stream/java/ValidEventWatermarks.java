package floodmark.pipeline;

import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.table.data.RowData;

/** Watermarks of one partition. Only valid events move it on: a rejected record proves nothing about time. */
final class ValidEventWatermarks implements WatermarkGenerator<RowData> {
    private final LateRule rule;
    private long newestMs = Long.MIN_VALUE;

    ValidEventWatermarks(LateRule rule) {
        this.rule = rule;
    }

    @Override
    public void onEvent(RowData row, long eventTimeMs, WatermarkOutput output) {
        if (EventDecoder.partitionOf(row) >= 0) {
            newestMs = Math.max(newestMs, eventTimeMs);
        }
    }

    @Override
    public void onPeriodicEmit(WatermarkOutput output) {
        if (newestMs > Long.MIN_VALUE) {
            output.emitWatermark(new Watermark(rule.watermarkMs(newestMs)));
        }
    }
}
