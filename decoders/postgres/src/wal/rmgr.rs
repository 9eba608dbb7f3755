//! Names of WAL resource managers and of the record types they log.
//!
//! Covers Postgres 12 to 19. The names are those that `pg_waldump` and
//! `pg_walinspect` print.
//!
//! Read each table against three places of the Postgres source tree:
//!
//! * ids and rmgr names: `src/include/access/rmgrlist.h` (the order is the id);
//! * record names: the `*_identify` function in
//!   `src/backend/access/rmgrdesc/`, in the file named above each table;
//! * info codes: the header under `src/include/` named beside it.
//!
//! The set of built-in resource managers is the same in all majors but the
//! newest, which has one more; some info codes were given to other records. Those rows carry majors
//! (`since`, `until`, `within`); a plain `row` holds for all of them.

/// The oldest major the tables hold for.
pub const FIRST_MAJOR: u8 = 12;
/// The newest major the tables hold for.
pub const LAST_MAJOR: u8 = 19;

/// The first id an extension may register (`RM_MIN_CUSTOM_ID`,
/// `src/include/access/rmgr.h`); the last one is 255.
pub const FIRST_CUSTOM_ID: u8 = 128;
/// The major in which custom resource managers appeared.
pub const FIRST_MAJOR_WITH_CUSTOM: u8 = 15;
/// The major in which `XLOG2` appeared, the last manager of the table.
pub const FIRST_MAJOR_WITH_XLOG2: u8 = 19;

/// One record type: an info code and its name, in an inclusive span of majors.
struct Row {
    code: u8,
    name: &'static str,
    first: u8,
    last: u8,
}

/// A resource manager: the bits its `*_identify` looks at, and its records.
struct Rmgr {
    name: &'static str,
    mask: u8,
    rows: &'static [Row],
}

const fn rmgr(name: &'static str, mask: u8, rows: &'static [Row]) -> Rmgr {
    Rmgr { name, mask, rows }
}

const fn within(first: u8, last: u8, code: u8, name: &'static str) -> Row {
    Row {
        code,
        name,
        first,
        last,
    }
}

const fn row(code: u8, name: &'static str) -> Row {
    within(FIRST_MAJOR, LAST_MAJOR, code, name)
}

const fn since(first: u8, code: u8, name: &'static str) -> Row {
    within(first, LAST_MAJOR, code, name)
}

const fn until(last: u8, code: u8, name: &'static str) -> Row {
    within(FIRST_MAJOR, last, code, name)
}

/// `~XLR_INFO_MASK` (`src/include/access/xlogrecord.h`): the rmgr's own bits.
const INFO: u8 = 0xF0;
/// `XLOG_XACT_OPMASK` (`src/include/access/xact.h`): the top bit is
/// `XLOG_XACT_HAS_INFO`.
const OPMASK: u8 = 0x70;
/// The whole byte is compared, the bits of `XLR_INFO_MASK` with it.
const EXACT: u8 = 0xFF;
/// No bit is looked at.
const ANY: u8 = 0x00;

/// The built-in resource managers, at the index that is their id.
#[rustfmt::skip]
static RMGRS: [Rmgr; 23] = [
    // 0: xlogdesc.c; codes in catalog/pg_control.h
    rmgr("XLOG", INFO, &[
        row(0x00, "CHECKPOINT_SHUTDOWN"),
        row(0x10, "CHECKPOINT_ONLINE"),
        row(0x20, "NOOP"),
        row(0x30, "NEXTOID"),
        row(0x40, "SWITCH"),
        row(0x50, "BACKUP_END"),
        row(0x60, "PARAMETER_CHANGE"),
        row(0x70, "RESTORE_POINT"),
        row(0x80, "FPW_CHANGE"),
        row(0x90, "END_OF_RECOVERY"),
        row(0xA0, "FPI_FOR_HINT"),
        row(0xB0, "FPI"),
        since(19, 0xC0, "ASSIGN_LSN"),
        row(0xD0, "OVERWRITE_CONTRECORD"), // in 12, 13, 14: from 12.9, 13.5, 14.1 on
        since(17, 0xE0, "CHECKPOINT_REDO"),
        since(19, 0xF0, "LOGICAL_DECODING_STATUS_CHANGE"),
    ]),
    // 1: xactdesc.c; codes in access/xact.h
    rmgr("Transaction", OPMASK, &[
        row(0x00, "COMMIT"),
        row(0x10, "PREPARE"),
        row(0x20, "ABORT"),
        row(0x30, "COMMIT_PREPARED"),
        row(0x40, "ABORT_PREPARED"),
        row(0x50, "ASSIGNMENT"),
        since(14, 0x60, "INVALIDATION"),
    ]),
    // 2: smgrdesc.c; codes in catalog/storage_xlog.h
    rmgr("Storage", INFO, &[
        row(0x10, "CREATE"),
        row(0x20, "TRUNCATE"),
    ]),
    // 3: clogdesc.c; codes in access/clog.h
    rmgr("CLOG", INFO, &[
        row(0x00, "ZEROPAGE"),
        row(0x10, "TRUNCATE"),
    ]),
    // 4: dbasedesc.c; codes in commands/dbcommands_xlog.h
    rmgr("Database", INFO, &[
        until(14, 0x00, "CREATE"),
        since(15, 0x00, "CREATE_FILE_COPY"),
        until(14, 0x10, "DROP"),
        since(15, 0x10, "CREATE_WAL_LOG"),
        since(15, 0x20, "DROP"),
    ]),
    // 5: tblspcdesc.c; codes in commands/tablespace.h
    rmgr("Tablespace", INFO, &[
        row(0x00, "CREATE"),
        row(0x10, "DROP"),
    ]),
    // 6: mxactdesc.c; codes in access/multixact.h
    rmgr("MultiXact", INFO, &[
        row(0x00, "ZERO_OFF_PAGE"),
        row(0x10, "ZERO_MEM_PAGE"),
        row(0x20, "CREATE_ID"),
        row(0x30, "TRUNCATE_ID"),
    ]),
    // 7: relmapdesc.c; codes in utils/relmapper.h
    rmgr("RelMap", INFO, &[
        row(0x00, "UPDATE"),
    ]),
    // 8: standbydesc.c; codes in storage/standbydefs.h
    rmgr("Standby", INFO, &[
        row(0x00, "LOCK"),
        row(0x10, "RUNNING_XACTS"),
        row(0x20, "INVALIDATIONS"),
    ]),
    // 9: heapdesc.c, heap2_identify; codes in access/heapam_xlog.h
    rmgr("Heap2", INFO, &[
        row(0x00, "REWRITE"),
        until(13, 0x10, "CLEAN"),
        within(14, 16, 0x10, "PRUNE"),
        since(17, 0x10, "PRUNE_ON_ACCESS"),
        until(13, 0x20, "FREEZE_PAGE"),
        within(14, 16, 0x20, "VACUUM"),
        since(17, 0x20, "PRUNE_VACUUM_SCAN"),
        until(13, 0x30, "CLEANUP_INFO"),
        within(14, 16, 0x30, "FREEZE_PAGE"),
        since(17, 0x30, "PRUNE_VACUUM_CLEANUP"),
        until(18, 0x40, "VISIBLE"),
        row(0x50, "MULTI_INSERT"),
        row(0x60, "LOCK_UPDATED"),
        row(0x70, "NEW_CID"),
        row(0xD0, "MULTI_INSERT+INIT"),
    ]),
    // 10: heapdesc.c, heap_identify; codes in access/heapam_xlog.h
    rmgr("Heap", INFO, &[
        row(0x00, "INSERT"),
        row(0x10, "DELETE"),
        row(0x20, "UPDATE"),
        row(0x30, "TRUNCATE"),
        row(0x40, "HOT_UPDATE"),
        row(0x50, "HEAP_CONFIRM"),
        row(0x60, "LOCK"),
        row(0x70, "INPLACE"),
        row(0x80, "INSERT+INIT"),
        row(0xA0, "UPDATE+INIT"),
        row(0xC0, "HOT_UPDATE+INIT"),
    ]),
    // 11: nbtdesc.c; codes in access/nbtxlog.h
    rmgr("Btree", INFO, &[
        row(0x00, "INSERT_LEAF"),
        row(0x10, "INSERT_UPPER"),
        row(0x20, "INSERT_META"),
        row(0x30, "SPLIT_L"),
        row(0x40, "SPLIT_R"),
        since(13, 0x50, "INSERT_POST"),
        since(13, 0x60, "DEDUP"),
        row(0x70, "DELETE"),
        row(0x80, "UNLINK_PAGE"),
        row(0x90, "UNLINK_PAGE_META"),
        row(0xA0, "NEWROOT"),
        row(0xB0, "MARK_PAGE_HALFDEAD"),
        row(0xC0, "VACUUM"),
        row(0xD0, "REUSE_PAGE"),
        row(0xE0, "META_CLEANUP"),
    ]),
    // 12: hashdesc.c; codes in access/hash_xlog.h
    rmgr("Hash", INFO, &[
        row(0x00, "INIT_META_PAGE"),
        row(0x10, "INIT_BITMAP_PAGE"),
        row(0x20, "INSERT"),
        row(0x30, "ADD_OVFL_PAGE"),
        row(0x40, "SPLIT_ALLOCATE_PAGE"),
        row(0x50, "SPLIT_PAGE"),
        row(0x60, "SPLIT_COMPLETE"),
        row(0x70, "MOVE_PAGE_CONTENTS"),
        row(0x80, "SQUEEZE_PAGE"),
        row(0x90, "DELETE"),
        row(0xA0, "SPLIT_CLEANUP"),
        row(0xB0, "UPDATE_META_PAGE"),
        row(0xC0, "VACUUM_ONE_PAGE"),
    ]),
    // 13: gindesc.c; codes in access/ginxlog.h
    rmgr("Gin", INFO, &[
        row(0x10, "CREATE_PTREE"),
        row(0x20, "INSERT"),
        row(0x30, "SPLIT"),
        row(0x40, "VACUUM_PAGE"),
        row(0x50, "DELETE_PAGE"),
        row(0x60, "UPDATE_META_PAGE"),
        row(0x70, "INSERT_LISTPAGE"),
        row(0x80, "DELETE_LISTPAGE"),
        row(0x90, "VACUUM_DATA_LEAF_PAGE"),
    ]),
    // 14: gistdesc.c; codes in access/gistxlog.h
    rmgr("Gist", INFO, &[
        row(0x00, "PAGE_UPDATE"),
        row(0x10, "DELETE"),
        row(0x20, "PAGE_REUSE"),
        row(0x30, "PAGE_SPLIT"),
        row(0x60, "PAGE_DELETE"),
        within(13, 18, 0x70, "ASSIGN_LSN"),
    ]),
    // 15: seqdesc.c; codes in commands/sequence.h
    rmgr("Sequence", INFO, &[
        row(0x00, "LOG"),
    ]),
    // 16: spgdesc.c; codes in access/spgxlog.h
    rmgr("SPGist", INFO, &[
        row(0x10, "ADD_LEAF"),
        row(0x20, "MOVE_LEAFS"),
        row(0x30, "ADD_NODE"),
        row(0x40, "SPLIT_TUPLE"),
        row(0x50, "PICKSPLIT"),
        row(0x60, "VACUUM_LEAF"),
        row(0x70, "VACUUM_ROOT"),
        row(0x80, "VACUUM_REDIRECT"),
    ]),
    // 17: brindesc.c; codes in access/brin_xlog.h
    rmgr("BRIN", INFO, &[
        row(0x00, "CREATE_INDEX"),
        row(0x10, "INSERT"),
        row(0x20, "UPDATE"),
        row(0x30, "SAMEPAGE_UPDATE"),
        row(0x40, "REVMAP_EXTEND"),
        row(0x50, "DESUMMARIZE"),
        row(0x90, "INSERT+INIT"),
        row(0xA0, "UPDATE+INIT"),
    ]),
    // 18: committsdesc.c; codes in access/commit_ts.h; compares the whole byte
    rmgr("CommitTs", EXACT, &[
        row(0x00, "ZEROPAGE"),
        row(0x10, "TRUNCATE"),
        until(13, 0x20, "SETTS"),
    ]),
    // 19: replorigindesc.c; codes in replication/origin.h; compares the whole byte
    rmgr("ReplicationOrigin", EXACT, &[
        row(0x00, "SET"),
        row(0x10, "DROP"),
    ]),
    // 20: genericdesc.c; the info byte is not looked at
    rmgr("Generic", ANY, &[
        row(0x00, "Generic"),
    ]),
    // 21: logicalmsgdesc.c; codes in replication/message.h
    rmgr("LogicalMessage", INFO, &[
        row(0x00, "MESSAGE"),
    ]),
    // 22: xlogdesc.c, xlog2_identify; codes in catalog/pg_control.h; from 19 on
    rmgr("XLOG2", INFO, &[
        since(19, 0x00, "CHECKSUMS"),
    ]),
];

/// `custom128` to `custom255`, as `pg_waldump` spells the managers of
/// extensions (`src/bin/pg_waldump/rmgrdesc.c`).
static CUSTOM: [[u8; 9]; 128] = {
    let mut names = [*b"custom000"; 128];
    let mut i = 0;
    while i < names.len() {
        let id = FIRST_CUSTOM_ID + i as u8;
        names[i][6] = b'0' + id / 100;
        names[i][7] = b'0' + id / 10 % 10;
        names[i][8] = b'0' + id % 10;
        i += 1;
    }
    names
};

fn known(major: u8) -> bool {
    (FIRST_MAJOR..=LAST_MAJOR).contains(&major)
}

/// The name of a resource manager, or `None` where that major has none with
/// this id (such a record is not valid).
///
/// From 15 on, ids from 128 belong to extensions and are named `custom128` to
/// `custom255`, as `pg_waldump` does, which cannot know what the extension
/// calls itself.
#[must_use]
pub fn rmgr_name(major: u8, rmid: u8) -> Option<&'static str> {
    if !known(major) {
        return None;
    }
    let built_in = match major {
        FIRST_MAJOR_WITH_XLOG2.. => &RMGRS[..],
        _ => &RMGRS[..RMGRS.len() - 1],
    };
    if let Some(rmgr) = built_in.get(usize::from(rmid)) {
        return Some(rmgr.name);
    }
    if major < FIRST_MAJOR_WITH_CUSTOM {
        return None;
    }
    let custom = CUSTOM.get(usize::from(rmid.checked_sub(FIRST_CUSTOM_ID)?))?;
    core::str::from_utf8(custom).ok()
}

/// The id of the resource manager with this name, the inverse of
/// [`rmgr_name`]. Letter case does not matter, as with `pg_waldump --rmgr`.
#[must_use]
pub fn rmgr_id(major: u8, name: &str) -> Option<u8> {
    (0..=u8::MAX)
        .find(|&rmid| rmgr_name(major, rmid).is_some_and(|known| known.eq_ignore_ascii_case(name)))
}

/// The name of a record type: what the manager's `rm_identify` returns for the
/// record's info byte in that major.
///
/// `None` where `rm_identify` returns NULL, which `pg_waldump` prints as
/// `UNKNOWN (%x)` of `xl_info & 0xF0`. Custom resource managers have no names.
///
/// Give the byte as it is in the record, as Postgres does: most managers mask
/// the low four bits away, but `CommitTs` and `ReplicationOrigin` do not and
/// know no record that has one of them set.
#[must_use]
pub fn record_type(major: u8, rmid: u8, xl_info: u8) -> Option<&'static str> {
    let rmgr = RMGRS.get(usize::from(rmid))?;
    let code = xl_info & rmgr.mask;
    rmgr.rows
        .iter()
        .find(|row| row.code == code && (row.first..=row.last).contains(&major))
        .map(|row| row.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const XLOG: u8 = 0;
    const XACT: u8 = 1;
    const DATABASE: u8 = 4;
    const HEAP2: u8 = 9;
    const HEAP: u8 = 10;
    const BTREE: u8 = 11;
    const GIST: u8 = 14;
    const COMMIT_TS: u8 = 18;
    const GENERIC: u8 = 20;

    fn all_majors() -> core::ops::RangeInclusive<u8> {
        FIRST_MAJOR..=LAST_MAJOR
    }

    #[test]
    fn names_and_ids_agree() {
        for major in all_majors() {
            assert_eq!(rmgr_name(major, XLOG), Some("XLOG"));
            assert_eq!(rmgr_name(major, HEAP2), Some("Heap2"));
            assert_eq!(rmgr_name(major, 21), Some("LogicalMessage"));
            let xlog2 = (major >= 19).then_some("XLOG2");
            assert_eq!(rmgr_name(major, 22), xlog2);
            assert_eq!(rmgr_name(major, 23), None);
            assert_eq!(rmgr_name(major, 127), None);
            assert_eq!(rmgr_id(major, "btree"), Some(BTREE));
            assert_eq!(rmgr_id(major, "nothing"), None);
            for rmid in 0..=u8::MAX {
                if let Some(name) = rmgr_name(major, rmid) {
                    assert_eq!(rmgr_id(major, name), Some(rmid));
                }
            }
        }
    }

    #[test]
    fn custom_managers_from_15_on() {
        assert_eq!(rmgr_name(14, 128), None);
        assert_eq!(rmgr_id(14, "custom128"), None);
        assert_eq!(rmgr_name(15, 128), Some("custom128"));
        assert_eq!(rmgr_name(18, 255), Some("custom255"));
        assert_eq!(rmgr_id(18, "custom200"), Some(200));
        assert_eq!(rmgr_id(18, "custom127"), None);
        assert_eq!(record_type(18, 128, 0x00), None);
    }

    #[test]
    fn majors_beyond_the_tables_are_unknown() {
        for major in [11, 20] {
            assert_eq!(rmgr_name(major, HEAP), None);
            assert_eq!(rmgr_id(major, "Heap"), None);
            assert_eq!(record_type(major, HEAP, 0x00), None);
        }
    }

    #[test]
    fn the_same_in_every_major() {
        for major in all_majors() {
            assert_eq!(record_type(major, XLOG, 0x10), Some("CHECKPOINT_ONLINE"));
            assert_eq!(record_type(major, HEAP, 0x40), Some("HOT_UPDATE"));
            assert_eq!(record_type(major, HEAP, 0x80), Some("INSERT+INIT"));
            assert_eq!(record_type(major, HEAP, 0xC0), Some("HOT_UPDATE+INIT"));
            assert_eq!(record_type(major, HEAP, 0x90), None);
            assert_eq!(record_type(major, HEAP2, 0xD0), Some("MULTI_INSERT+INIT"));
        }
    }

    #[test]
    fn codes_that_moved() {
        let heap2 = |code| all_majors().map(move |major| record_type(major, HEAP2, code));
        let prune = ["PRUNE"; 3].map(Some);
        let expect =
            |old: [Option<&'static str>; 2], mid, new| old.into_iter().chain(mid).chain([new; 3]);
        assert!(heap2(0x10).eq(expect([Some("CLEAN"); 2], prune, Some("PRUNE_ON_ACCESS"))));
        assert!(heap2(0x20).eq(expect(
            [Some("FREEZE_PAGE"); 2],
            [Some("VACUUM"); 3],
            Some("PRUNE_VACUUM_SCAN")
        )));
        assert!(heap2(0x30).eq(expect(
            [Some("CLEANUP_INFO"); 2],
            [Some("FREEZE_PAGE"); 3],
            Some("PRUNE_VACUUM_CLEANUP")
        )));
        assert_eq!(record_type(14, DATABASE, 0x00), Some("CREATE"));
        assert_eq!(record_type(14, DATABASE, 0x10), Some("DROP"));
        assert_eq!(record_type(14, DATABASE, 0x20), None);
        assert_eq!(record_type(15, DATABASE, 0x00), Some("CREATE_FILE_COPY"));
        assert_eq!(record_type(15, DATABASE, 0x10), Some("CREATE_WAL_LOG"));
        assert_eq!(record_type(15, DATABASE, 0x20), Some("DROP"));
    }

    #[test]
    fn codes_that_came_or_went() {
        let changes = |rmid, code, first, name| {
            for major in all_majors() {
                let expected = (major >= first).then_some(name);
                assert_eq!(record_type(major, rmid, code), expected, "{major}");
            }
        };
        changes(BTREE, 0x50, 13, "INSERT_POST");
        changes(BTREE, 0x60, 13, "DEDUP");
        changes(XLOG, 0xC0, 19, "ASSIGN_LSN");
        changes(XLOG, 0xF0, 19, "LOGICAL_DECODING_STATUS_CHANGE");
        changes(XACT, 0x60, 14, "INVALIDATION");
        changes(XLOG, 0xE0, 17, "CHECKPOINT_REDO");
        assert_eq!(record_type(12, GIST, 0x70), None);
        assert_eq!(record_type(18, GIST, 0x70), Some("ASSIGN_LSN"));
        assert_eq!(record_type(19, GIST, 0x70), None);
        assert_eq!(record_type(18, HEAP2, 0x40), Some("VISIBLE"));
        assert_eq!(record_type(19, HEAP2, 0x40), None);
        assert_eq!(record_type(13, COMMIT_TS, 0x20), Some("SETTS"));
        assert_eq!(record_type(14, COMMIT_TS, 0x20), None);
    }

    #[test]
    fn each_manager_masks_its_own_way() {
        // XLR_CHECK_CONSISTENCY, in the low four bits.
        assert_eq!(record_type(16, HEAP, 0x02), Some("INSERT"));
        assert_eq!(record_type(16, COMMIT_TS, 0x00), Some("ZEROPAGE"));
        assert_eq!(record_type(16, COMMIT_TS, 0x02), None);
        // XLOG_XACT_HAS_INFO, the top bit.
        assert_eq!(record_type(16, XACT, 0x80), Some("COMMIT"));
        assert_eq!(record_type(16, XACT, 0xB0), Some("COMMIT_PREPARED"));
        assert_eq!(record_type(16, XACT, 0x70), None);
        assert_eq!(record_type(16, GENERIC, 0xAB), Some("Generic"));
    }

    #[test]
    fn no_two_rows_of_a_manager_meet() {
        for rmgr in &RMGRS {
            for (i, a) in rmgr.rows.iter().enumerate() {
                assert_eq!(a.code & !rmgr.mask, 0, "{} {}", rmgr.name, a.name);
                for b in &rmgr.rows[i + 1..] {
                    let apart = a.code != b.code || a.last < b.first || b.last < a.first;
                    assert!(apart, "{} {} {}", rmgr.name, a.name, b.name);
                }
            }
        }
    }
}
