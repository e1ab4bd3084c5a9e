package floodmark.pipeline;

import java.util.Collection;

import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.state.rocksdb.ConfigurableRocksDBOptionsFactory;
import org.apache.flink.state.rocksdb.RocksDBOptionsFactory;
import org.rocksdb.ColumnFamilyOptions;
import org.rocksdb.DBOptions;

/**
 * Settings for state that is mostly asked for keys it does not have, as deduplication does: a Bloom filter over the
 * memtable spares the search through it. Those over the files come from {@code state.backend.rocksdb.use-bloom-filter}.
 */
public final class RocksDbOptions implements ConfigurableRocksDBOptionsFactory {
    private static final long serialVersionUID = 1L;
    private static final double MEMTABLE_SHARE_FOR_BLOOM = 0.1;

    @Override
    public DBOptions createDBOptions(DBOptions current, Collection<AutoCloseable> toClose) {
        return current;
    }

    @Override
    public ColumnFamilyOptions createColumnOptions(
            ColumnFamilyOptions current, Collection<AutoCloseable> toClose) {
        return current.setMemtablePrefixBloomSizeRatio(MEMTABLE_SHARE_FOR_BLOOM)
                .setMemtableWholeKeyFiltering(true);
    }

    @Override
    public RocksDBOptionsFactory configure(ReadableConfig configuration) {
        return this;
    }
}
