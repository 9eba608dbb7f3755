//! Records of the XLOG resource manager, src/include/catalog/pg_control.h.

use crate::lsn::Lsn;
use crate::time::PgTime;
use binq_core::codec::{Bool, Int, Named};
use binq_core::shape::{Field, Fixed, Shape};

/// `RM_XLOG_ID`
pub const RMID: u8 = 0;

const CHECKPOINT_SHUTDOWN: u8 = 0x00;
const CHECKPOINT_ONLINE: u8 = 0x10;

/// The struct of a record's main data.
pub fn main_data(major: u8, info: u8) -> Option<&'static dyn Shape> {
    match (info & 0xf0, major) {
        (CHECKPOINT_SHUTDOWN | CHECKPOINT_ONLINE, ..=13) => Some(&CHECKPOINT_12),
        (CHECKPOINT_SHUTDOWN | CHECKPOINT_ONLINE, 14..=16) => Some(&CHECKPOINT_14),
        (CHECKPOINT_SHUTDOWN | CHECKPOINT_ONLINE, 17..=18) => Some(&CHECKPOINT_17),
        (CHECKPOINT_SHUTDOWN | CHECKPOINT_ONLINE, 19..) => Some(&CHECKPOINT_19),
        _ => None,
    }
}

/// `WalLevel`, src/include/access/xlog.h
pub static WAL_LEVEL: Named<Int> = Named {
    number: Int::I32LE,
    names: &[(0, "minimal"), (1, "replica"), (2, "logical")],
};

/// `CheckPoint`: 88 bytes up to 18. What `$next` is called, and what `$more` adds, changed.
macro_rules! checkpoint {
    ($next:literal $(, $more:expr)*) => {
        Fixed {
            name: "CheckPoint",
            fields: &[
                Field::leaf("redo", 0, 8, &Lsn),
                Field::leaf("ThisTimeLineID", 8, 4, &Int::U32LE),
                Field::leaf("PrevTimeLineID", 12, 4, &Int::U32LE),
                Field::leaf("fullPageWrites", 16, 1, &Bool),
                $($more,)*
                // a FullTransactionId: the epoch in the high half
                Field::leaf($next, 24, 8, &Int::U64LE),
                Field::leaf("nextOid", 32, 4, &Int::U32LE),
                Field::leaf("nextMulti", 36, 4, &Int::U32LE),
                Field::leaf("nextMultiOffset", 40, 4, &Int::U32LE),
                Field::leaf("oldestXid", 44, 4, &Int::U32LE),
                Field::leaf("oldestXidDB", 48, 4, &Int::U32LE),
                Field::leaf("oldestMulti", 52, 4, &Int::U32LE),
                Field::leaf("oldestMultiDB", 56, 4, &Int::U32LE),
                Field::leaf("time", 64, 8, &PgTime),
                Field::leaf("oldestCommitTsXid", 72, 4, &Int::U32LE),
                Field::leaf("newestCommitTsXid", 76, 4, &Int::U32LE),
                Field::leaf("oldestActiveXid", 80, 4, &Int::U32LE),
            ],
            word: None,
        }
    };
}

pub static CHECKPOINT_12: Fixed = checkpoint!("nextFullXid");
pub static CHECKPOINT_14: Fixed = checkpoint!("nextXid");
pub static CHECKPOINT_17: Fixed =
    checkpoint!("nextXid", Field::leaf("wal_level", 20, 4, &WAL_LEVEL));

/// 96 bytes: offsets of multixacts have 8 bytes, and the state of logical decoding came in. `$more` stands in the padding at the end.
macro_rules! checkpoint_19 {
    ($($more:expr)?) => {
        Fixed {
            name: "CheckPoint",
            fields: &[
                Field::leaf("redo", 0, 8, &Lsn),
                Field::leaf("ThisTimeLineID", 8, 4, &Int::U32LE),
                Field::leaf("PrevTimeLineID", 12, 4, &Int::U32LE),
                Field::leaf("fullPageWrites", 16, 1, &Bool),
                Field::leaf("wal_level", 20, 4, &WAL_LEVEL),
                Field::leaf("logicalDecodingEnabled", 24, 1, &Bool),
                // a FullTransactionId: the epoch in the high half
                Field::leaf("nextXid", 32, 8, &Int::U64LE),
                Field::leaf("nextOid", 40, 4, &Int::U32LE),
                Field::leaf("nextMulti", 44, 4, &Int::U32LE),
                Field::leaf("nextMultiOffset", 48, 8, &Int::U64LE),
                Field::leaf("oldestXid", 56, 4, &Int::U32LE),
                Field::leaf("oldestXidDB", 60, 4, &Int::U32LE),
                Field::leaf("oldestMulti", 64, 4, &Int::U32LE),
                Field::leaf("oldestMultiDB", 68, 4, &Int::U32LE),
                Field::leaf("time", 72, 8, &PgTime),
                Field::leaf("oldestCommitTsXid", 80, 4, &Int::U32LE),
                Field::leaf("newestCommitTsXid", 84, 4, &Int::U32LE),
                Field::leaf("oldestActiveXid", 88, 4, &Int::U32LE),
                $($more)?
            ],
            word: None,
        }
    };
}

pub static CHECKPOINT_19: Fixed = checkpoint_19!();
/// Of the first three betas of 19, which could turn data checksums on and off while they ran.
pub static CHECKPOINT_19_BETA: Fixed =
    checkpoint_19!(Field::leaf("dataChecksumState", 92, 4, &Int::U32LE));
