package floodmark.pipeline;

import java.util.Map;

import floodmark.contract.ValueFactory;
import org.apache.flink.table.data.GenericMapData;
import org.apache.flink.table.data.StringData;

/** Values in Flink's internal form. */
final class FlinkValues implements ValueFactory {
    @Override
    public Object text(byte[] utf8) {
        return StringData.fromBytes(utf8);
    }

    @Override
    public Object text(String text) {
        return StringData.fromString(text);
    }

    @Override
    public Object strings(Map<Object, Object> texts) {
        return new GenericMapData(texts);
    }
}
