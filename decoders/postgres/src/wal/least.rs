//! How much main data a record of a type has at the least.
//!
//! Redo of a record reads so many bytes without asking whether they are there. Where the size differs between majors, it is the
//! least of 12 to 19. Types that are not listed have no main data, or may do without.

/// The least size in bytes of the main data of a record type, and what has it: a struct or a constant of the header under
/// src/include that is named above it.
pub fn main_data(rmgr: &str, record_type: &str) -> Option<(u64, &'static str)> {
    match rmgr {
        "XLOG" => xlog(record_type),
        "Transaction" => transaction(record_type),
        "Storage" | "CLOG" | "Database" | "Tablespace" | "MultiXact" | "RelMap" => {
            catalogs(rmgr, record_type)
        }
        "Standby" => standby(record_type),
        "Heap2" => heap2(record_type),
        "Heap" => heap(record_type),
        "Btree" => btree(record_type),
        "Hash" => hash(record_type),
        "Gin" => gin(record_type),
        "Gist" => gist(record_type),
        "SPGist" => spgist(record_type),
        "BRIN" => brin(record_type),
        _ => others(rmgr, record_type),
    }
}

/// A size, and what has it.
type Least = Option<(u64, &'static str)>;

/// catalog/pg_control.h, access/xlog_internal.h
#[rustfmt::skip]
fn xlog(record_type: &str) -> Least {
    Some(match record_type {
        "CHECKPOINT_SHUTDOWN" | "CHECKPOINT_ONLINE" => (80, "CheckPoint"),
        "NEXTOID" => (4, "an Oid"),
        "BACKUP_END" => (8, "an XLogRecPtr"),
        "PARAMETER_CHANGE" => (26, "xl_parameter_change"),
        "RESTORE_POINT" => (72, "xl_restore_point"),
        "FPW_CHANGE" => (1, "a bool"),
        "END_OF_RECOVERY" => (16, "xl_end_of_recovery"),
        "OVERWRITE_CONTRECORD" => (16, "xl_overwrite_contrecord"),
        "CHECKPOINT_REDO" => (4, "wal_level"),
        _ => return None,
    })
}

/// access/xact.h
#[rustfmt::skip]
fn transaction(record_type: &str) -> Least {
    Some(match record_type {
        "COMMIT" | "COMMIT_PREPARED" => (8, "MinSizeOfXactCommit"),
        "ABORT" | "ABORT_PREPARED" => (8, "MinSizeOfXactAbort"),
        "PREPARE" => (64, "xl_xact_prepare"),
        "ASSIGNMENT" => (8, "MinSizeOfXactAssignment"),
        "INVALIDATION" => (4, "MinSizeOfXactInvals"),
        _ => return None,
    })
}

/// catalog/storage_xlog.h, access/clog.h, commands/dbcommands_xlog.h, commands/tablespace.h, access/multixact.h,
/// utils/relmapper.h
#[rustfmt::skip]
fn catalogs(rmgr: &str, record_type: &str) -> Least {
    Some(match (rmgr, record_type) {
        ("Storage", "CREATE") => (16, "xl_smgr_create"),
        ("Storage", "TRUNCATE") => (20, "xl_smgr_truncate"),
        ("CLOG", "ZEROPAGE") => (4, "a page number"),
        ("CLOG", "TRUNCATE") => (12, "xl_clog_truncate"),
        ("Database", "CREATE" | "CREATE_FILE_COPY") => (16, "xl_dbase_create_file_copy_rec"),
        ("Database", "CREATE_WAL_LOG") => (8, "xl_dbase_create_wal_log_rec"),
        ("Database", "DROP") => (8, "xl_dbase_drop_rec"),
        ("Tablespace", "CREATE") => (4, "xl_tblspc_create_rec"),
        ("Tablespace", "DROP") => (4, "xl_tblspc_drop_rec"),
        ("MultiXact", "ZERO_OFF_PAGE" | "ZERO_MEM_PAGE") => (4, "a page number"),
        ("MultiXact", "CREATE_ID") => (12, "SizeOfMultiXactCreate"),
        ("MultiXact", "TRUNCATE_ID") => (12, "SizeOfMultiXactTruncate"),
        ("RelMap", "UPDATE") => (12, "MinSizeOfRelmapUpdate"),
        _ => return None,
    })
}

/// storage/standbydefs.h
fn standby(record_type: &str) -> Least {
    Some(match record_type {
        "LOCK" => (4, "xl_standby_locks"),
        "RUNNING_XACTS" => (24, "MinSizeOfXactRunningXacts"),
        "INVALIDATIONS" => (16, "MinSizeOfInvalidations"),
        _ => return None,
    })
}

/// access/heapam_xlog.h
#[rustfmt::skip]
fn heap2(record_type: &str) -> Least {
    Some(match record_type {
        "REWRITE" => (32, "xl_heap_rewrite_mapping"),
        "CLEAN" => (8, "SizeOfHeapClean"),
        "PRUNE" => (8, "SizeOfHeapPrune"),
        "PRUNE_ON_ACCESS" | "PRUNE_VACUUM_SCAN" | "PRUNE_VACUUM_CLEANUP" => (2, "SizeOfHeapPrune"),
        "FREEZE_PAGE" => (6, "SizeOfHeapFreezePage"),
        "VACUUM" => (2, "SizeOfHeapVacuum"),
        "CLEANUP_INFO" => (16, "SizeOfHeapCleanupInfo"),
        "VISIBLE" => (5, "SizeOfHeapVisible"),
        "MULTI_INSERT" | "MULTI_INSERT+INIT" => (4, "SizeOfHeapMultiInsert"),
        "LOCK_UPDATED" => (8, "SizeOfHeapLockUpdated"),
        "NEW_CID" => (34, "SizeOfHeapNewCid"),
        _ => return None,
    })
}

/// access/heapam_xlog.h
#[rustfmt::skip]
fn heap(record_type: &str) -> Least {
    Some(match record_type {
        "INSERT" | "INSERT+INIT" => (3, "SizeOfHeapInsert"),
        "DELETE" => (8, "SizeOfHeapDelete"),
        "UPDATE" | "HOT_UPDATE" | "UPDATE+INIT" | "HOT_UPDATE+INIT" => (14, "SizeOfHeapUpdate"),
        "TRUNCATE" => (12, "SizeOfHeapTruncate"),
        "HEAP_CONFIRM" => (2, "SizeOfHeapConfirm"),
        "LOCK" => (8, "SizeOfHeapLock"),
        "INPLACE" => (2, "SizeOfHeapInplace"),
        _ => return None,
    })
}

/// access/nbtxlog.h
#[rustfmt::skip]
fn btree(record_type: &str) -> Least {
    Some(match record_type {
        "INSERT_LEAF" | "INSERT_UPPER" | "INSERT_META" | "INSERT_POST" => (2, "SizeOfBtreeInsert"),
        "SPLIT_L" | "SPLIT_R" => (8, "SizeOfBtreeSplit"),
        "DEDUP" => (2, "SizeOfBtreeDedup"),
        "DELETE" => (8, "SizeOfBtreeDelete"),
        "UNLINK_PAGE" | "UNLINK_PAGE_META" => (24, "SizeOfBtreeUnlinkPage"),
        "NEWROOT" => (8, "SizeOfBtreeNewroot"),
        "MARK_PAGE_HALFDEAD" => (20, "SizeOfBtreeMarkPageHalfDead"),
        "VACUUM" => (4, "SizeOfBtreeVacuum"),
        "REUSE_PAGE" => (20, "SizeOfBtreeReusePage"),
        _ => return None,
    })
}

/// access/hash_xlog.h
#[rustfmt::skip]
fn hash(record_type: &str) -> Least {
    Some(match record_type {
        "INIT_META_PAGE" => (14, "SizeOfHashInitMetaPage"),
        "INIT_BITMAP_PAGE" => (2, "SizeOfHashInitBitmapPage"),
        "INSERT" => (2, "SizeOfHashInsert"),
        "ADD_OVFL_PAGE" => (3, "SizeOfHashAddOvflPage"),
        "SPLIT_ALLOCATE_PAGE" => (9, "SizeOfHashSplitAllocPage"),
        "SPLIT_COMPLETE" => (4, "SizeOfHashSplitComplete"),
        "MOVE_PAGE_CONTENTS" => (3, "SizeOfHashMovePageContents"),
        "SQUEEZE_PAGE" => (12, "SizeOfHashSqueezePage"),
        "DELETE" => (2, "SizeOfHashDelete"),
        "UPDATE_META_PAGE" => (8, "SizeOfHashUpdateMetaPage"),
        "VACUUM_ONE_PAGE" => (7, "SizeOfHashVacuumOnePage"),
        _ => return None,
    })
}

/// access/ginxlog.h
#[rustfmt::skip]
fn gin(record_type: &str) -> Least {
    Some(match record_type {
        "CREATE_PTREE" => (4, "ginxlogCreatePostingTree"),
        "INSERT" => (2, "ginxlogInsert"),
        "SPLIT" => (24, "ginxlogSplit"),
        "DELETE_PAGE" => (8, "ginxlogDeletePage"),
        "UPDATE_META_PAGE" => (64, "ginxlogUpdateMeta"),
        "INSERT_LISTPAGE" => (8, "ginxlogInsertListPage"),
        "DELETE_LISTPAGE" => (56, "ginxlogDeleteListPages"),
        _ => return None,
    })
}

/// access/gistxlog.h
fn gist(record_type: &str) -> Least {
    Some(match record_type {
        "PAGE_UPDATE" => (4, "gistxlogPageUpdate"),
        "DELETE" => (6, "SizeOfGistxlogDelete"),
        "PAGE_REUSE" => (20, "SizeOfGistxlogPageReuse"),
        "PAGE_SPLIT" => (20, "gistxlogPageSplit"),
        "PAGE_DELETE" => (6, "SizeOfGistxlogPageDelete"),
        _ => return None,
    })
}

/// access/spgxlog.h
fn spgist(record_type: &str) -> Least {
    Some(match record_type {
        "ADD_LEAF" => (10, "spgxlogAddLeaf"),
        "MOVE_LEAFS" => (10, "SizeOfSpgxlogMoveLeafs"),
        "ADD_NODE" => (10, "spgxlogAddNode"),
        "SPLIT_TUPLE" => (6, "spgxlogSplitTuple"),
        "PICKSPLIT" => (10, "SizeOfSpgxlogPickSplit"),
        "VACUUM_LEAF" => (8, "SizeOfSpgxlogVacuumLeaf"),
        "VACUUM_ROOT" => (2, "SizeOfSpgxlogVacuumRoot"),
        "VACUUM_REDIRECT" => (8, "SizeOfSpgxlogVacuumRedirect"),
        _ => return None,
    })
}

/// access/brin_xlog.h
fn brin(record_type: &str) -> Least {
    Some(match record_type {
        "CREATE_INDEX" => (6, "SizeOfBrinCreateIdx"),
        "INSERT" | "INSERT+INIT" => (10, "SizeOfBrinInsert"),
        "UPDATE" | "UPDATE+INIT" => (14, "SizeOfBrinUpdate"),
        "SAMEPAGE_UPDATE" => (2, "SizeOfBrinSamepageUpdate"),
        "REVMAP_EXTEND" => (4, "SizeOfBrinRevmapExtend"),
        "DESUMMARIZE" => (10, "SizeOfBrinDesummarize"),
        _ => return None,
    })
}

/// commands/sequence.h, access/commit_ts.h, replication/origin.h, replication/message.h
#[rustfmt::skip]
fn others(rmgr: &str, record_type: &str) -> Least {
    Some(match (rmgr, record_type) {
        ("Sequence", "LOG") => (12, "xl_seq_rec"),
        ("CommitTs", "ZEROPAGE") => (4, "a page number"),
        ("CommitTs", "TRUNCATE") => (8, "SizeOfCommitTsTruncate"),
        ("CommitTs", "SETTS") => (16, "SizeOfCommitTsSet"),
        ("ReplicationOrigin", "SET") => (11, "xl_replorigin_set"),
        ("ReplicationOrigin", "DROP") => (2, "xl_replorigin_drop"),
        ("LogicalMessage", "MESSAGE") => (24, "SizeOfLogicalMessage"),
        _ => return None,
    })
}
