package floodmark.lake;

import java.util.Map;

import floodmark.contract.ValueFactory;
import org.apache.spark.sql.catalyst.util.ArrayBasedMapData;
import org.apache.spark.sql.catalyst.util.GenericArrayData;
import org.apache.spark.unsafe.types.UTF8String;

/** Values in Spark's internal form. */
final class SparkValues implements ValueFactory {
    @Override
    public Object text(byte[] utf8) {
        return UTF8String.fromBytes(utf8);
    }

    @Override
    public Object text(String text) {
        return UTF8String.fromString(text);
    }

    @Override
    public Object strings(Map<Object, Object> texts) {
        return new ArrayBasedMapData(
                new GenericArrayData(texts.keySet().toArray()), new GenericArrayData(texts.values().toArray()));
    }
}
