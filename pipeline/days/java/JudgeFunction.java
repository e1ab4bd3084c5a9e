package floodmark.lake;

import org.apache.spark.sql.connector.catalog.functions.BoundFunction;
import org.apache.spark.sql.connector.catalog.functions.UnboundFunction;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/** {@code judge(value)}, before Spark has looked at its argument. */
final class JudgeFunction implements UnboundFunction {
    private final String rulesJson;

    JudgeFunction(String rulesJson) {
        this.rulesJson = rulesJson;
    }

    @Override
    public BoundFunction bind(StructType arguments) {
        if (arguments.size() != 1 || !arguments.fields()[0].dataType().equals(DataTypes.BinaryType)) {
            throw new UnsupportedOperationException("judge takes one BINARY, not " + arguments.simpleString());
        }
        return new Judge(rulesJson);
    }

    @Override
    public String name() {
        return "judge";
    }

    @Override
    public String description() {
        return "judge(value): why an event's JSON breaks the contract, or its fields";
    }
}
