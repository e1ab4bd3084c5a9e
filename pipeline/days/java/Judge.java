package floodmark.lake;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

import floodmark.contract.EventParser;
import floodmark.contract.FieldRule;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.connector.catalog.functions.ScalarFunction;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.unsafe.types.UTF8String;

/**
 * An event's JSON to a row: {@code reason}, null when the event keeps the contract, and {@code event}, the contract's
 * fields in its order, null when the event does not.
 */
public final class Judge implements ScalarFunction<InternalRow> {
    private static final long serialVersionUID = 1L;
    /** By rules. A thread keeps its parser: what it has learnt of patterns serves the thread's next task. */
    private static final ThreadLocal<Map<String, EventParser>> PARSERS = ThreadLocal.withInitial(HashMap::new);

    private final String rulesJson;
    private final StructType event;

    Judge(String rulesJson) {
        this.rulesJson = rulesJson;
        StructType fields = new StructType();
        for (FieldRule rule : FieldRule.parse(rulesJson).values()) {
            fields = fields.add(rule.name, typeOf(rule.type), true);
        }
        this.event = fields;
    }

    private static DataType typeOf(FieldRule.Type type) {
        switch (type) {
            case STRING:
                return DataTypes.StringType;
            case DOUBLE:
                return DataTypes.DoubleType;
            case LONG:
                return DataTypes.LongType;
            case STRINGS:
                return DataTypes.createMapType(DataTypes.StringType, DataTypes.StringType, false);
            default:
                throw new IllegalStateException("no such type: " + type);
        }
    }

    /** Spark finds this method by its name and calls it without boxing the argument into a row. */
    public InternalRow invoke(byte[] value) {
        EventParser parser = PARSERS.get().computeIfAbsent(rulesJson, Judge::newParser);
        String reason = parser.parse(value);
        if (reason != null) {
            return new GenericInternalRow(new Object[] {UTF8String.fromString(reason), null});
        }
        Object[] fields = new Object[event.size()];
        for (int i = 0; i < fields.length; i++) {
            fields[i] = parser.value(i);
        }
        return new GenericInternalRow(new Object[] {null, new GenericInternalRow(fields)});
    }

    private static EventParser newParser(String rulesJson) {
        Map<String, FieldRule> rules = FieldRule.parse(rulesJson);
        boolean[] all = new boolean[rules.size()];
        Arrays.fill(all, true);
        return new EventParser(rules, all, new SparkValues());
    }

    @Override
    public DataType[] inputTypes() {
        return new DataType[] {DataTypes.BinaryType};
    }

    @Override
    public DataType resultType() {
        return new StructType().add("reason", DataTypes.StringType, true).add("event", event, true);
    }

    @Override
    public boolean isResultNullable() {
        return false;
    }

    @Override
    public String name() {
        return "judge";
    }

    /** Equal for equal rules, so that Spark knows two uses of one contract as the same. */
    @Override
    public String canonicalName() {
        return "floodmark.judge." + rulesJson;
    }
}
