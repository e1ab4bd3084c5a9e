package floodmark.lake;

import org.apache.spark.sql.catalyst.analysis.NoSuchFunctionException;
import org.apache.spark.sql.connector.catalog.FunctionCatalog;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.functions.UnboundFunction;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/**
 * One version of the contract as functions of SQL: {@code <catalog>.judge(value)}. The option {@code rules} holds the
 * contract's rules as JSON. A catalogue, since only its functions give Spark rows in Spark's own form; a registered
 * UDF's result would be made of Java objects first and converted, value by value.
 */
public final class ContractCatalog implements FunctionCatalog {
    private static final String JUDGE = "judge";

    private String name;
    private String rulesJson;

    @Override
    public void initialize(String name, CaseInsensitiveStringMap options) {
        this.name = name;
        this.rulesJson = options.get("rules");
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Identifier[] listFunctions(String[] namespace) {
        return new Identifier[] {Identifier.of(new String[0], JUDGE)};
    }

    @Override
    public UnboundFunction loadFunction(Identifier function) throws NoSuchFunctionException {
        if (function.namespace().length > 0 || !function.name().equals(JUDGE)) {
            throw new NoSuchFunctionException(function);
        }
        return new JudgeFunction(rulesJson);
    }
}
